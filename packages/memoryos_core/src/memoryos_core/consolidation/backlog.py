"""Pages that wait to be sorted into segments, in the order in which they were said."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from memoryos_core.consolidation.places import Places
from memoryos_ports.clock import Clock
from memoryos_ports.documents import DocumentStore
from memoryos_ports.due import DueSet
from memoryos_ports.ids import MemoryId, Scope

UNSORTED_KIND = "unsorted"
QUIET_S = 30.0
_PAGES_PER_NOTE = 64


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Pages that were noted together."""

    id: str
    pages: tuple[MemoryId, ...]


class Backlog:
    """Notes of new pages, durable, one document each; noting again what was sorted already changes nothing.

    A scope with notes is due `quiet_s` seconds after its first one: a conversation is sorted a few turns at a time.
    """

    def __init__(self, *, documents: DocumentStore, due: DueSet, clock: Clock, quiet_s: float = QUIET_S) -> None:
        self._documents = documents
        self._places = Places(documents)
        self._due = due
        self._clock = clock
        self._quiet = timedelta(seconds=quiet_s)

    async def note(self, scope: Scope, pages: Sequence[MemoryId], *, said_at: datetime, edition: int = 0) -> None:
        """Note pages that are in the index now; durable on return. `said_at` (UTC) orders them among the others."""
        for start in range(0, len(pages), _PAGES_PER_NOTE):
            part = pages[start : start + _PAGES_PER_NOTE]
            id_ = f"{said_at:%Y-%m-%dT%H:%M:%S.%f}/{pages[0]}/{edition}/{start:06}"
            await self._documents.put(scope, UNSORTED_KIND, id_, msgspec.json.encode(part))
        if pages:
            await self._due.add(scope, at=self._clock.now() + self._quiet)

    async def renew(self, scope: Scope, page: MemoryId, *, said_at: datetime) -> None:
        """Note a page that was edited or released, after `Derivatives.forget`: it is learnt from as if new."""
        await self._places.renew(scope, [page])
        place = (await self._places.get(scope, [page]))[page]
        await self.note(scope, [page], said_at=said_at, edition=place.edition)

    async def oldest(self, scope: Scope, *, limit: int) -> list[Note]:
        """Return the oldest `limit` notes."""
        documents = await self._documents.list_documents(scope, UNSORTED_KIND, limit=limit)
        return [Note(id=doc.id, pages=msgspec.json.decode(doc.body, type=tuple[MemoryId, ...])) for doc in documents]

    async def drop(self, scope: Scope, notes: Sequence[Note]) -> None:
        """Forget notes whose pages are sorted."""
        await self._documents.delete(scope, UNSORTED_KIND, [note.id for note in notes])
