"""What a rule is: a named pattern, and the slot that its match fills."""

import re

import msgspec

from memoryos_core.extraction.clauses import Guards
from memoryos_ports.knowledge import FactSubject


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern whose group `value` fills a slot, or, where `value` is set, whose match fills it with that.

    A group `kind` completes a slot that ends in a colon. It has to match a whole clause, or with `inside` a part of
    one. Where the pattern has a group `me` that took no part, the clause must continue one that spoke of the speaker.
    A value that `rejects` matches from its beginning is none. With `listed` the value is a list, cut at `lists`.
    """

    name: str
    slot: str
    pattern: re.Pattern[str]
    value: str = ""
    subject: FactSubject = "user"
    ended: bool = False
    inside: bool = False
    listed: bool = False
    rejects: re.Pattern[str] | None = None
    confidence: float = 0.8

    @property
    def speaks_of_speaker(self) -> bool:
        """Whether a clause after it that names nobody goes on about the speaker."""
        return not self.slot.startswith(("relation:", "pet:", "favorite:")) and self.subject == "user"


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of a language, tried on texts in which `script` occurs.

    `kinds` gives one word for each word of a relation, a pet or another kind.
    """

    name: str
    script: re.Pattern[str]
    guards: Guards
    rules: tuple[Rule, ...]
    kinds: dict[str, str]
    lists: re.Pattern[str]


def one_of(*groups: str) -> str:
    """Return the alternation of the words of these texts, longest first, words joined by _ written with a space."""
    words = sorted((word for group in groups for word in group.split()), key=len, reverse=True)
    return "(?:" + "|".join(word.replace("_", " ") for word in words) + ")"
