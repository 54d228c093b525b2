"""The event that carries accepted turns, and the promise of the log that holds it until it is applied."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from memoryos_ports.ids import AgentId, EventId, MemoryId, Scope, SessionId, TenantId, UserId, digest, page_id
from memoryos_ports.memory import Source

EVENT_VERSION = 1

EventState: TypeAlias = Literal["queued", "processing", "stored", "dead"]


class EventMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One turn of an event; it becomes the page of its index."""

    role: str
    content: str
    timestamp: datetime
    name: str | None = None


class ChainLink(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an exchange stands in its conversation: under which hashes of the chain of user turns it is remembered.

    `hash` is the chain up to the newest user turn; `passed` are the hashes before it that this event makes known
    (history that came with the first contact).
    """

    hash: str
    passed: tuple[str, ...] = ()


class TurnsEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="turns"):
    """Turns that were accepted and have to be remembered (payload v1 of the stream).

    `supersedes` are pages of an earlier answer to the same turn. `partial` says that the last message was cut.
    `chain` is there for exchanges of a chat. `follows` is the turn of the session that was said right before.
    """

    v: int
    event_id: EventId
    tenant_id: TenantId
    user_id: UserId
    messages: tuple[EventMessage, ...]
    source: Source
    accepted_at: datetime
    agent_id: AgentId | None = None
    session_id: SessionId | None = None
    partial: bool = False
    sensitive: bool = False
    metadata: dict[str, Any] = {}
    chain: ChainLink | None = None
    supersedes: tuple[MemoryId, ...] = ()
    follows: MemoryId | None = None

    @property
    def scope(self) -> Scope:
        """The scope that the turns belong to."""
        return Scope(tenant_id=self.tenant_id, user_id=self.user_id)

    @property
    def memory_ids(self) -> tuple[MemoryId, ...]:
        """The ids of the pages that the messages become, in order."""
        return tuple(page_id(self.scope, self.event_id, index) for index in range(len(self.messages)))


Event: TypeAlias = TurnsEvent


def content_hash(messages: Sequence[EventMessage]) -> str:
    """Return what tells one content from another under the same event_id: roles, names and texts, in order."""
    fields = [field for m in messages for field in (m.role, m.name or "", m.content)]
    return digest("content", *fields)[:16].hex()


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an event. `error` is the last failure's text, `attempts` counts tries that ended."""

    event_id: EventId
    state: EventState
    attempts: int = 0
    error: str | None = None
    memory_ids: tuple[MemoryId, ...] = ()


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a publication.

    new: taken in. same: this event_id was there with the same content, nothing changed. other: it was there with
    other content, nothing changed.
    """

    outcome: Literal["new", "same", "other"]
    receipt: Receipt


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An event handed to one consumer, which must ack, leave or bury it.

    `handle` is the log's own name of the entry. `payload` is as it was published (or typed by somebody) and may be
    garbage. `attempts` counts the tries that ended before this one. `received_at` is when the log took it in, where it
    can tell: the time of an event that names none.
    """

    handle: str
    payload: bytes
    attempts: int
    event_id: EventId | None = None
    received_at: datetime | None = None


class QueueStats(msgspec.Struct, frozen=True, kw_only=True):
    """`length` counts events neither stored nor dead; `oldest_age_s` is the age of the oldest of them, 0 if none."""

    length: int
    oldest_age_s: float
    dead: int


@runtime_checkable
class EventLog(Protocol):
    """Holds accepted events until they are applied; what it accepted survives a kill of the process.

    An event is known by (scope, event_id). Raises UpstreamUnavailable or UpstreamTimeout when the log cannot be
    reached, StorageFull when its disk is full, Overloaded when it is at its bound, MemoryDisabled (noop) for a
    publication.
    """

    async def publish(self, event: Event) -> Published:
        """Take an event in; durable on return. The same (scope, event_id) again changes nothing, ever."""
        ...

    async def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
        """Return up to `limit` events that are due, oldest first; wait up to `wait_s` when there are none.

        Each is handed to one consumer at a time, at least once in all: one whose consumer died is handed out again,
        and that was an attempt. One that never reached its consumer is handed out again without.
        Raises ConfigurationError when this consumer may not have the name that it was given.
        """
        ...

    async def ack(self, delivery: Delivery) -> None:
        """Note that the event is applied: its receipt says stored, it is not handed out again.

        Like `leave` and `bury`, it changes nothing when the delivery is not held any more.
        """
        ...

    async def leave(self, delivery: Delivery, *, error: str, retry_in_s: float, attempted: bool = True) -> None:
        """Give an event back, due again after `retry_in_s`; `attempted` False when it was no fault of the event."""
        ...

    async def bury(self, delivery: Delivery, *, error: str) -> None:
        """Move an event to the dead letters with the reason, its payload untouched; its receipt says dead."""
        ...

    async def receipt(self, scope: Scope, event_id: EventId) -> Receipt | None:
        """Return what became of an event, None when it is not known (or was purged)."""
        ...

    async def settled(self, scope: Scope, event_id: EventId, *, timeout_s: float) -> Receipt | None:
        """Return the receipt as soon as it says stored or dead, or whatever it says after `timeout_s`."""
        ...

    async def stats(self) -> QueueStats:
        """Return the state of the queue."""
        ...

    async def purge(self, *, before: datetime) -> int:
        """Forget receipts of events stored before this moment; return how many. Dead letters stay."""
        ...

    async def erase(self, scope: Scope, *, session_id: SessionId | None = None) -> int:
        """Remove every event of a scope: queued, stored and dead, payloads and receipts; return how many.

        Of one session: what is queued, in hand or dead, since what is stored has no content here any more.
        One that this process holds may still be acknowledged, left or buried: that changes nothing then. One that
        another process holds stays until that ends it, and counts each time until it is gone; who erases notes first
        what is to be dropped.
        """
        ...

    async def ping(self) -> None:
        """Return when the log answers; raise as above when it does not."""
        ...
