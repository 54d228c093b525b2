"""Single memories: getting, listing and deleting them, with what is accepted but not indexed yet."""

from memoryos_core.memory.ingest import spoken
from memoryos_ports.cursor import position_of, read_cursor, write_cursor
from memoryos_ports.errors import NotFound
from memoryos_ports.ids import MemoryId, Scope, SessionId
from memoryos_ports.memory import Chunk, IndexEntry, MemoryStorage, Page, PageList
from memoryos_ports.short_term import ShortTermStore


class Library:
    """The memories of a scope, one by one."""

    def __init__(self, *, storage: MemoryStorage, short_term: ShortTermStore) -> None:
        self._storage = storage
        self._short_term = short_term

    async def get(self, scope: Scope, memory_id: MemoryId) -> Page:
        """Return a memory. Raises NotFound when the scope has none of that id."""
        waiting = await self._short_term.get(scope, [memory_id])  # first: it may be indexed at this moment
        found = await self._storage.get(scope, [memory_id]) or waiting
        if not found:
            raise NotFound("memory", memory_id)
        return found[0]

    async def browse(
        self, scope: Scope, *, limit: int, cursor: str | None = None, session_id: SessionId | None = None
    ) -> PageList:
        """Return memories newest first, those that are accepted and not indexed yet in their places among them."""
        after = None if cursor is None else read_cursor(cursor)
        waiting = await self._short_term.unindexed(scope, limit=limit + 1, session_id=session_id, after=after)
        listed = await self._storage.list_pages(scope, limit=limit, cursor=cursor, session_id=session_id)
        pages = {page.id: page for page in (*waiting, *listed.pages)}
        newest = sorted(pages.values(), key=position_of, reverse=True)
        is_end = len(newest) <= limit and listed.next_cursor is None
        next_cursor = None if is_end else write_cursor(position_of(newest[:limit][-1]))
        return PageList(pages=tuple(newest[:limit]), next_cursor=next_cursor)

    async def delete(self, scope: Scope, memory_id: MemoryId) -> list[MemoryId]:
        """Delete a memory everywhere and for good; return the ids that went. Raises NotFound when there is none."""
        page = await self.get(scope, memory_id)
        await self._storage.insert([_textless_entry(page)])  # a page still on its way must find its tombstone
        await self._short_term.remove(scope, [memory_id])
        return await self._storage.delete(scope, [memory_id])


def _textless_entry(page: Page) -> IndexEntry:
    return IndexEntry(page=page, chunks=(Chunk(number=0, start=0, end=len(page.text)),), terms=spoken(page, ""))
