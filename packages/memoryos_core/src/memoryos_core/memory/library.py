"""Single memories: getting, listing and deleting them, with what is accepted but not indexed yet."""

from collections.abc import Sequence

import msgspec

from memoryos_core.memory.ingest import spoken
from memoryos_ports.errors import NotFound
from memoryos_ports.ids import MemoryId, Scope, SessionId
from memoryos_ports.memory import Chunk, IndexEntry, MemoryStorage, Page, PageList
from memoryos_ports.short_term import ShortTermStore

OVERLAY = 50


class Library:
    """The memories of a scope, one by one."""

    def __init__(self, *, storage: MemoryStorage, short_term: ShortTermStore) -> None:
        self._storage = storage
        self._short_term = short_term

    async def get(self, scope: Scope, memory_id: MemoryId) -> Page:
        """Return a memory. Raises NotFound when the scope has none of that id."""
        if found := await self._storage.get(scope, [memory_id]):
            return found[0]
        for page in await self._short_term.unindexed(scope, limit=OVERLAY):
            if page.id == memory_id:
                return page
        raise NotFound("memory", memory_id)

    async def browse(
        self, scope: Scope, *, limit: int, cursor: str | None = None, session_id: SessionId | None = None
    ) -> PageList:
        """Return memories newest first; the first stretch begins with what is not indexed yet."""
        fresh = [] if cursor else await self._fresh(scope, session_id, limit=limit)
        listed = await self._storage.list_pages(scope, limit=limit - len(fresh), cursor=cursor, session_id=session_id)
        known = {page.id for page in listed.pages}
        pages = (*(page for page in fresh if page.id not in known), *listed.pages)
        return msgspec.structs.replace(listed, pages=pages)

    async def delete(self, scope: Scope, memory_id: MemoryId) -> list[MemoryId]:
        """Delete a memory everywhere and for good; return the ids that went. Raises NotFound when there is none."""
        page = await self.get(scope, memory_id)
        await self._storage.insert([_textless_entry(page)])  # a page still on its way must find its tombstone
        gone = await self._storage.delete(scope, [memory_id])
        await self._short_term.remove(scope, [memory_id])
        return gone

    async def _fresh(self, scope: Scope, session_id: SessionId | None, *, limit: int) -> Sequence[Page]:
        pages = await self._short_term.unindexed(scope, limit=min(OVERLAY, limit - 1)) if limit > 1 else []
        return [page for page in reversed(pages) if session_id is None or page.session_id == session_id]


def _textless_entry(page: Page) -> IndexEntry:
    return IndexEntry(page=page, chunks=(Chunk(number=0, start=0, end=len(page.text)),), terms=spoken(page, ""))
