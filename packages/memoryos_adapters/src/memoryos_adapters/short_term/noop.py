"""The short-term store of the noop profile: holds nothing, takes nothing."""

from collections.abc import Sequence

from memoryos_ports.cursor import Position
from memoryos_ports.errors import MemoryDisabled
from memoryos_ports.ids import MemoryId, Scope, SessionId
from memoryos_ports.memory import Page


class NoopShortTerm:
    """A `ShortTermStore` without turns: reads are empty, an append raises MemoryDisabled."""

    async def append(self, pages: Sequence[Page], *, indexed: bool = False) -> None:
        """Raise MemoryDisabled."""
        raise MemoryDisabled

    async def mark_indexed(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Return: no id is known."""

    async def recent(self, scope: Scope, session_id: SessionId, *, limit: int) -> list[Page]:
        """Return nothing."""
        return []

    async def latest(self, scope: Scope, *, limit: int) -> list[Page]:
        """Return nothing."""
        return []

    async def get(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Page]:
        """Return nothing: nothing is kept."""
        return []

    async def unindexed(
        self, scope: Scope, *, limit: int, session_id: SessionId | None = None, after: Position | None = None
    ) -> list[Page]:
        """Return nothing: nothing is kept."""
        return []

    async def remove(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Return: nothing is there, and nothing can come."""

    async def replace(self, page: Page) -> None:
        """Return: no turn is kept."""

    async def erase(self, scope: Scope) -> int:
        """Return 0: nothing was there."""
        return 0

    async def ping(self) -> None:
        """Return: there is nothing to reach."""
