"""Single memories: getting, listing and deleting them, with what is accepted but not indexed yet."""

from collections.abc import Sequence

from memoryos_core.memory.indexing import textless_entry
from memoryos_ports.cursor import position_of, read_cursor, write_cursor
from memoryos_ports.errors import NotFound
from memoryos_ports.ids import MemoryId, Scope, SessionId
from memoryos_ports.memory import Memory, MemoryKind, MemoryList, MemoryStorage, only_pages
from memoryos_ports.short_term import ShortTermStore


class Library:
    """The memories of a scope, one by one."""

    def __init__(self, *, storage: MemoryStorage, short_term: ShortTermStore) -> None:
        self._storage = storage
        self._short_term = short_term

    async def get(self, scope: Scope, memory_id: MemoryId) -> Memory:
        """Return a memory. Raises NotFound when the scope has none of that id."""
        waiting = await self._short_term.get(scope, [memory_id])  # first: it may be indexed at this moment
        found = await self._storage.get(scope, [memory_id]) or waiting
        if not found:
            raise NotFound("memory", memory_id)
        return found[0]

    async def browse(
        self,
        scope: Scope,
        *,
        limit: int,
        kind: MemoryKind = "page",
        cursor: str | None = None,
        session_id: SessionId | None = None,
    ) -> MemoryList:
        """Return memories of a kind newest first; turns accepted and not indexed yet are in their places among them."""
        if kind != "page":
            return await self._storage.list_memories(
                scope, limit=limit, kind=kind, cursor=cursor, session_id=session_id
            )
        after = None if cursor is None else read_cursor(cursor)
        waiting = await self._short_term.unindexed(scope, limit=limit + 1, session_id=session_id, after=after)
        listed = await self._storage.list_memories(scope, limit=limit, cursor=cursor, session_id=session_id)
        memories: dict[MemoryId, Memory] = {memory.id: memory for memory in (*waiting, *listed.memories)}
        newest = sorted(memories.values(), key=position_of, reverse=True)
        is_end = len(newest) <= limit and listed.next_cursor is None
        next_cursor = None if is_end else write_cursor(position_of(newest[:limit][-1]))
        return MemoryList(memories=tuple(newest[:limit]), next_cursor=next_cursor)

    async def delete(self, scope: Scope, memory_id: MemoryId) -> list[MemoryId]:
        """Delete a memory everywhere and for good; return the ids that went. Raises NotFound when there is none."""
        return await self.remove(scope, [await self.get(scope, memory_id)])

    async def remove(self, scope: Scope, memories: Sequence[Memory]) -> list[MemoryId]:
        """Delete memories of a scope from index and short-term memory, for good; return the ids that went."""
        ids, pages = [memory.id for memory in memories], only_pages(memories)
        # a page that is still on its way to the index must find its tombstone there
        await self._storage.insert([textless_entry(page) for page in pages])
        await self._short_term.remove(scope, [page.id for page in pages])
        return await self._storage.delete(scope, ids)
