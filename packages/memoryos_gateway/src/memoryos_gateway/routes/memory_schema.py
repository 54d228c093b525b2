"""The structs of the memory routes."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from memoryos_gateway.routes.memory_items import MemoryItem, SearchHit
from memoryos_gateway.routes.profile_schema import ProfileAnswer

Role = Literal["user", "assistant"]


class AddMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One turn to remember."""

    role: Role
    content: str
    name: str | None = None
    timestamp: datetime | None = None


class AddRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One turn (`role` + `content`) or several (`messages`)."""

    user_id: str | None = None
    role: Role | None = None
    content: str | None = None
    name: str | None = None
    messages: list[AddMessage] | None = None
    event_id: str | None = None
    session_id: str | None = None
    agent_id: str | None = None
    timestamp: datetime | None = None
    metadata: dict[str, Any] = {}
    wait: Literal["accepted", "searchable"] = "accepted"
    wait_timeout_s: Annotated[float, Meta(gt=0, le=60)] = 10


class AddAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of an add so far. `memory_ids` are those of its pages, one per message.

    `quarantined` are those of them that look like instructions to a model and are held back.
    """

    event_id: str
    state: Literal["queued", "processing", "stored", "dead"]
    memory_ids: list[str]
    status: Literal["ok", "error"]
    error: str | None = None
    quarantined: list[str] = []


class EventAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt of an event."""

    event_id: str
    state: Literal["queued", "processing", "stored", "dead"]
    attempts: int
    error: str | None
    memory_ids: list[str]


class SearchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question to a user's memory. `as_of` keeps what was said up to that moment."""

    query: str
    user_id: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 10
    kinds: list[Literal["page", "segment", "fact"]] | None = None
    filters: dict[str, Any] | None = None
    session_id: str | None = None
    agent_id: str | None = None
    as_of: datetime | None = None
    asked_at: datetime | None = None
    explain: bool = False


class RetrieveRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to put into a prompt for a query, within `budget_tokens`."""

    query: str
    user_id: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 20
    budget_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    filters: dict[str, Any] | None = None
    session_id: str | None = None
    agent_id: str | None = None
    as_of: datetime | None = None
    asked_at: datetime | None = None
    explain: bool = False


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Distinct hits, best first; `degraded`: the embedder did not answer, they were found by words only."""

    hits: list[SearchHit]
    degraded: bool = False


class LongTerm(msgspec.Struct, frozen=True, kw_only=True):
    """Long-term memory of a user; no profile until there is something to tell."""

    profile: ProfileAnswer | None = None
    facts: list[SearchHit] = []


class RetrieveAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Memory by tier, and `context`: the block as it would stand in a prompt, of about `tokens` tokens.

    `degraded`: the embedder did not answer, what is here was found by words only.
    """

    short_term: list[MemoryItem]
    mid_term: list[SearchHit]
    long_term: LongTerm
    context: str
    tokens: int
    degraded: bool = False


class MemoryList(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a listing, newest first."""

    items: list[MemoryItem]
    next_cursor: str | None


class DeleteAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What went with a deletion."""

    deleted: list[str]
    status: Literal["ok"] = "ok"
