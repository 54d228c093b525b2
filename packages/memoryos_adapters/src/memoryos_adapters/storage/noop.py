"""The memory index of the noop profile: it keeps nothing and says so."""

from collections.abc import Sequence

from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import MemoryDisabled
from memoryos_ports.ids import MemoryId, Scope, SessionId
from memoryos_ports.memory import Candidate, IndexEntry, MemoryQuery, Page, PageList


class NoopMemory:
    """A `MemoryStorage` without memories: reads are empty, an insert raises MemoryDisabled."""

    def __init__(self, stamp: EmbedderStamp) -> None:
        self._stamp = stamp

    @property
    def stamp(self) -> EmbedderStamp:
        """The configured embedder; no vector of it is held."""
        return self._stamp

    async def insert(self, entries: Sequence[IndexEntry]) -> None:
        """Refuse: nothing would be kept."""
        raise MemoryDisabled

    async def search(self, query: MemoryQuery) -> list[Candidate]:
        """Find nothing."""
        return []

    async def get(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Page]:
        """Know no page."""
        return []

    async def list_pages(
        self, scope: Scope, *, limit: int, cursor: str | None = None, session_id: SessionId | None = None
    ) -> PageList:
        """List nothing; a cursor is not looked at, as none was ever given."""
        return PageList(pages=())

    async def delete(self, scope: Scope, ids: Sequence[MemoryId]) -> list[MemoryId]:
        """Delete nothing: there is nothing."""
        return []

    async def supersede(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Mark nothing: there is nothing."""

    async def count(self, scope: Scope) -> int:
        """Count no page."""
        return 0

    async def ping(self) -> None:
        """Always answer."""
