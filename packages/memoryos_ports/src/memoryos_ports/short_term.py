"""The promise of short-term memory: the newest turns, there the moment they are accepted."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from memoryos_ports.cursor import Position
from memoryos_ports.ids import MemoryId, Scope, SessionId
from memoryos_ports.memory import Page


@runtime_checkable
class ShortTermStore(Protocol):
    """Keeps a bounded number of recent turns per session, and which of them the index does not hold yet.

    Raises UpstreamUnavailable or UpstreamTimeout when the store cannot be reached, StorageFull when its disk is
    full, MemoryDisabled (noop) for a write.
    """

    async def append(self, pages: Sequence[Page], *, indexed: bool = False) -> None:
        """Keep these turns; durable on return. Idempotent by page id: a turn that is known stays as it is.

        `indexed` says that the index holds them already. A turn that was removed does not come back.
        """
        ...

    async def mark_indexed(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Note that the index holds these turns now; unknown ids are ignored."""
        ...

    async def recent(self, scope: Scope, session_id: SessionId, *, limit: int) -> list[Page]:
        """Return the newest `limit` turns of a session, in order, newest last."""
        ...

    async def latest(self, scope: Scope, *, limit: int) -> list[Page]:
        """Return the newest `limit` turns of a scope, of every session and of none, indexed or not; newest last.

        A store may look at `limit` sessions only: those that took turns last, where it knows them.
        """
        ...

    async def get(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Page]:
        """Return those of the turns that are kept, in the order asked for."""
        ...

    async def unindexed(
        self, scope: Scope, *, limit: int, session_id: SessionId | None = None, after: Position | None = None
    ) -> list[Page]:
        """Return the newest `limit` turns of the scope that the index lacks; newest last.

        Of every session, or of one. `after` continues a listing that goes from the newest to the oldest: only turns
        that come after that position in it, older ones, are returned.
        """
        ...

    async def remove(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Forget these turns for good; unknown ids are noted too, so that a late append does not bring them."""
        ...

    async def replace(self, page: Page) -> None:
        """Keep this content of a turn that is kept already; an unknown or removed one is left alone."""
        ...

    async def erase(self, scope: Scope) -> int:
        """Remove every turn of a scope, and what is known of removed ones; return how many turns there were."""
        ...

    async def ping(self) -> None:
        """Return when the store answers; raise as above when it does not."""
        ...
