"""Events that could not be applied, and the promise of what keeps them until somebody decides."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import msgspec

from memoryos_ports.ids import EventId, TenantId, UserId


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was buried.

    `id` is the store's own name of it. `source` and `source_id` say where it came from, `payload` is as it was
    published or typed. Whose it was and its event_id are None where that could not be told. `attempts` counts the
    tries that ended.
    """

    id: str
    source: str
    source_id: str
    attempts: int
    error: str
    failed_at: datetime
    payload: bytes
    event_id: EventId | None = None
    tenant_id: TenantId | None = None
    user_id: UserId | None = None


@runtime_checkable
class DeadLetters(Protocol):
    """The dead letters of an event log. Raises UpstreamUnavailable or UpstreamTimeout when it cannot be reached."""

    async def list_dead(self, *, limit: int, after: str | None = None) -> list[DeadLetter]:
        """Return up to `limit` of them, oldest first, those after the id `after` (also when that one is gone).

        Fewer when they are large: only an empty answer is the end.
        """
        ...

    def find(self, ids: Sequence[str]) -> AsyncIterator[DeadLetter]:
        """Yield those with these ids, oldest first, each once; an id that none has is passed over.

        Each is looked up by its id, however many others there are.
        """
        ...

    async def replay(self, ids: Sequence[str]) -> int:
        """Put originals back into the log, each in one atomic step, as if never tried; return how many there were.

        Their receipts say queued, unless they are about another content or letter of the same id. One that cannot be
        put back stays a dead letter.
        """
        ...

    async def drop(self, ids: Sequence[str]) -> int:
        """Remove dead letters for good; return how many there were. Their receipts say dead until they expire."""
        ...
