"""A memory index by its plans; what is left to an engine is to run them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar

from memoryos_adapters.storage import inserting, reading, writing
from memoryos_adapters.storage.points import check_entries
from memoryos_adapters.storage.requests import Plan
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.ids import MemoryId, Scope, SessionId
from memoryos_ports.memory import IndexEntry, Memory, MemoryKind, MemoryList

T = TypeVar("T")


class PlannedMemory(ABC):
    """What every `MemoryStorage` on a Qdrant engine does alike; searching is the engine's own, which keeps points."""

    @property
    @abstractmethod
    def stamp(self) -> EmbedderStamp:
        """The embedder whose vectors this index holds."""

    @abstractmethod
    async def _run(self, plan: Plan[T]) -> T:
        """Return what a plan returns; raises the errors of the port."""

    async def insert(self, entries: Sequence[IndexEntry]) -> list[MemoryId]:
        """Store pages that are not known and return the ids of those that are; durable on return."""
        return await self._run(self._insert(entries))

    async def put(self, entries: Sequence[IndexEntry]) -> None:
        """Store memories over what their ids had; durable on return."""
        await self._run(self._put(entries))

    async def get(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Memory]:
        """Return those of the memories that exist, in the order asked for."""
        return await self._run(reading.get(scope, ids))

    async def list_memories(
        self,
        scope: Scope,
        *,
        limit: int,
        kind: MemoryKind = "page",
        cursor: str | None = None,
        session_id: SessionId | None = None,
    ) -> MemoryList:
        """Return memories of a kind newest first; reads all of a timestamp at a time."""
        return await self._run(reading.list_memories(scope, kind, limit, cursor, session_id))

    async def delete(self, scope: Scope, ids: Sequence[MemoryId]) -> list[MemoryId]:
        """Delete memories and their chunks, leaving tombstones."""
        return await self._run(writing.delete(scope, ids))

    async def supersede(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Mark pages as superseded."""
        await self._run(writing.supersede(scope, ids))

    async def erase(self, scope: Scope) -> int:
        """Remove everything of a scope."""
        return await self._run(writing.erase(scope))

    async def count(self, scope: Scope, *, kind: MemoryKind = "page") -> int:
        """Return how many memories of a kind exist."""
        return await self._run(reading.count(scope, kind))

    def _insert(self, entries: Sequence[IndexEntry]) -> Plan[list[MemoryId]]:
        check_entries(entries, self.stamp)
        (known,) = yield from inserting.insert([entries], inserting.new_claim())
        return known

    def _put(self, entries: Sequence[IndexEntry]) -> Plan[None]:
        check_entries(entries, self.stamp)
        yield from writing.put(entries)
