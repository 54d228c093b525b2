"""What is learnt from pages: segments (pages on one topic) and facts (one statement each, with its validity)."""

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from memoryos_ports.ids import AgentId, MemoryId, Scope, SessionId

FactSubject: TypeAlias = Literal["user", "agent"]


class Segment(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="segment"):
    """Pages of a scope on one topic: mid-term memory.

    `text` is the summary. `visits` counts the prompts that a page of it entered, `last_visit` is the newest of them;
    `pending` are pages not analysed yet: together they make its heat. `timestamp` is that of its newest page,
    `started_at` that of its oldest. A segment that was evicted has an empty `text` and no vector; its pages stay.
    """

    id: MemoryId
    scope: Scope
    text: str
    timestamp: datetime
    started_at: datetime
    accepted_at: datetime
    last_visit: datetime
    keywords: tuple[str, ...] = ()
    pages: tuple[MemoryId, ...] = ()
    pending: tuple[MemoryId, ...] = ()
    visits: int = 0
    summarised: int = 0
    session_id: SessionId | None = None
    agent_id: AgentId | None = None
    sensitive: bool = False
    evicted: bool = False

    @property
    def index(self) -> int:
        """Always 0: a segment stands alone at its place in the order."""
        return 0


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="fact"):
    """One statement about the user, or about how the agent should behave: long-term memory.

    It holds from `valid_from` up to `valid_to` (None: still), and was learnt at `recorded_at` from the pages
    `sources`. Facts of a `slot` that takes one value follow each other: `superseded_by` names the next one. `speaker`
    is who said it, where turns have names. `trust` (0..1) tells how far the source is believed, `confidence` (0..1)
    how sure the extraction is. A pinned fact was edited by a person: nothing learnt replaces it.
    """

    id: MemoryId
    scope: Scope
    text: str
    valid_from: datetime
    recorded_at: datetime
    subject: FactSubject = "user"
    slot: str | None = None
    value: str = ""
    speaker: str | None = None
    valid_to: datetime | None = None
    superseded_by: MemoryId | None = None
    sources: tuple[MemoryId, ...] = ()
    trust: float = 1.0
    confidence: float = 1.0
    session_id: SessionId | None = None
    agent_id: AgentId | None = None
    sensitive: bool = False
    pinned: bool = False

    @property
    def timestamp(self) -> datetime:
        """The moment from which the statement holds."""
        return self.valid_from

    @property
    def accepted_at(self) -> datetime:
        """The moment at which it was learnt."""
        return self.recorded_at

    @property
    def index(self) -> int:
        """Always 0: a fact stands alone at its place in the order."""
        return 0

    def holds_at(self, moment: datetime) -> bool:
        """Return whether the statement is valid at that moment."""
        return self.valid_from <= moment and (self.valid_to is None or moment < self.valid_to)
