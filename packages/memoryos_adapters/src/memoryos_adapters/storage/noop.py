"""The memory index of the noop profile: it keeps nothing and says so."""

from collections.abc import Sequence

from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import MemoryDisabled
from memoryos_ports.ids import MemoryId, Scope, SessionId
from memoryos_ports.memory import Found, IndexEntry, Memory, MemoryKind, MemoryList, MemoryQuery


class NoopMemory:
    """A `MemoryStorage` without memories: reads are empty, an insert raises MemoryDisabled."""

    def __init__(self, stamp: EmbedderStamp) -> None:
        self._stamp = stamp

    @property
    def stamp(self) -> EmbedderStamp:
        """The configured embedder; no vector of it is held."""
        return self._stamp

    async def insert(self, entries: Sequence[IndexEntry]) -> list[MemoryId]:
        """Refuse: nothing would be kept."""
        raise MemoryDisabled

    async def put(self, entries: Sequence[IndexEntry]) -> None:
        """Refuse: nothing would be kept."""
        raise MemoryDisabled

    async def search(self, query: MemoryQuery) -> Found:
        """Find nothing."""
        return Found()

    async def get(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Memory]:
        """Know no memory."""
        return []

    async def list_memories(
        self,
        scope: Scope,
        *,
        limit: int,
        kind: MemoryKind = "page",
        cursor: str | None = None,
        session_id: SessionId | None = None,
    ) -> MemoryList:
        """List nothing; a cursor is not looked at, as none was ever given."""
        return MemoryList(memories=())

    async def delete(self, scope: Scope, ids: Sequence[MemoryId]) -> list[MemoryId]:
        """Delete nothing: there is nothing."""
        return []

    async def supersede(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Mark nothing: there is nothing."""

    async def erase(self, scope: Scope) -> int:
        """Remove nothing: there is nothing."""
        return 0

    async def count(self, scope: Scope, *, kind: MemoryKind = "page") -> int:
        """Count no memory."""
        return 0

    async def ping(self) -> None:
        """Always answer."""
