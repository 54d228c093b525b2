"""One thing that a turn says about the user, or about how the agent should behave."""

from datetime import datetime

import msgspec

from memoryos_core.extraction.slots import slot_named
from memoryos_core.extraction.words import normalise
from memoryos_ports.ids import MemoryId
from memoryos_ports.knowledge import FactSubject


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement as it was extracted from the page `source`; nothing here is stored yet.

    `text` is the clause as it was said. `value` is what fills the `slot` (None: it has none). It holds from
    `valid_from` and was said at `said_at` (None: at the same moment); one that `ended` tells that it no longer holds.
    `confidence` (0..1) is how sure the extraction is.
    """

    text: str
    value: str
    valid_from: datetime
    source: MemoryId
    said_at: datetime | None = None
    subject: FactSubject = "user"
    speaker: str | None = None
    slot: str | None = None
    ended: bool = False
    confidence: float = 0.8

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Whose slot it fills with what, without differences of spelling: equal keys say the same."""
        return (*slot_key(self.subject, self.speaker, self.slot), normalise(self.value))

    @property
    def told_at(self) -> datetime:
        """The moment that decides which of two statements is the newer one: when it was said."""
        return self.said_at or self.valid_from

    @property
    def is_alone(self) -> bool:
        """Whether its slot takes one value at a time."""
        return takes_one(self.slot)


def takes_one(slot: str | None) -> bool:
    """Return whether a slot takes one value at a time."""
    return slot is not None and slot_named(slot).single


def slot_key(subject: str, speaker: str | None, slot: str | None) -> tuple[str, str, str]:
    """Return what two statements share when they fill the same slot of the same person."""
    return subject, normalise(speaker or ""), (slot or "").casefold()
