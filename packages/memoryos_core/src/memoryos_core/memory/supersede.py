"""Answers that were regenerated: marked as superseded whichever of the events is applied first."""

import asyncio
from collections.abc import Sequence

from memoryos_ports.documents import DocumentStore
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.memory import MemoryStorage
from memoryos_ports.short_term import ShortTermStore

SUPERSEDED_KIND = "superseded"


class Supersession:
    """Marks pages as superseded, and remembers the mark for pages that are not there yet.

    The mark is written before the pages are looked for, and pages are inserted before the marks are looked for: of
    two events applied at once, one at least sees the other.
    """

    def __init__(self, *, documents: DocumentStore, storage: MemoryStorage, short_term: ShortTermStore) -> None:
        self._documents = documents
        self._storage = storage
        self._short_term = short_term

    async def apply(self, scope: Scope, *, superseded: Sequence[MemoryId], inserted: Sequence[MemoryId]) -> None:
        """Supersede pages, and those of the just inserted ones that were superseded before they came."""
        await asyncio.gather(*(self._documents.put(scope, SUPERSEDED_KIND, id_, b"{}") for id_ in superseded))
        marked = await self._documents.get(scope, SUPERSEDED_KIND, inserted)
        if hidden := [*superseded, *(MemoryId(id_) for id_ in marked)]:
            await self._storage.supersede(scope, hidden)
            await self._short_term.remove(scope, hidden)
