"""Sorting new pages into segments, and taking down what rules can tell of them."""

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from memoryos_core.consolidation.backlog import Backlog, Note
from memoryos_core.consolidation.centroid import Centroid, cosine
from memoryos_core.consolidation.fence import Fence
from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.consolidation.memo import Memo
from memoryos_core.consolidation.own_pages import own_pages
from memoryos_core.consolidation.places import Place, Places
from memoryos_core.consolidation.recording import Recorder
from memoryos_core.consolidation.segment_store import Cluster, SegmentStore
from memoryos_core.consolidation.segments import SIMILARITY, admits, begun_by, joined, likeness, open_segment, redrawn
from memoryos_core.extraction.extract import extract_all
from memoryos_core.extraction.keywords import extract_keywords
from memoryos_ports.cursor import position_of
from memoryos_ports.embedding import Vector
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Segment
from memoryos_ports.memory import MemoryQuery, MemoryStorage, Page

PAGES_AT_ONCE = 64
"""About how many pages are sorted before anybody else's turn."""

_CANDIDATES = 20


class _Seated(msgspec.Struct, frozen=True, kw_only=True):
    """Pages that are sorted, where each of them goes, and the segments that take one in."""

    pages: Sequence[Page]
    places: Mapping[MemoryId, MemoryId]
    clusters: Sequence[Cluster]


class Sorter:
    """Puts each new page into one segment, for good, and enters what rules find in it as facts.

    Where a page goes is written down before its segment is: whatever fails in between, the page is in that segment
    when it is tried again, and in no other.
    """

    def __init__(
        self,
        *,
        storage: MemoryStorage,
        segments: SegmentStore,
        places: Places,
        backlog: Backlog,
        recorder: Recorder,
        locks: ScopeLocks,
        similarity: float = SIMILARITY,
    ) -> None:
        self._storage = storage
        self._segments = segments
        self._places = places
        self._backlog = backlog
        self._recorder = recorder
        self._locks = locks
        self._similarity = similarity

    async def sort(self, scope: Scope, fence: Fence) -> bool:
        """Sort the oldest notes of a scope; return whether there may be more.

        What is slow is done before the lock is taken, and what it depends on is read again behind it.
        """
        notes = await self._backlog.oldest(scope, limit=PAGES_AT_ONCE)
        if not (portion := _portion(notes)):
            return False
        ids = list(dict.fromkeys(page for note in portion for page in note.pages))
        memo = self._segments.memo()
        await self._read_ahead(scope, ids, memo)
        async with self._locks.of(scope):
            await self._sort(scope, ids, fence, memo)
            await self._backlog.drop(scope, portion)
        return len(portion) < len(notes) or len(notes) == PAGES_AT_ONCE

    async def _read_ahead(self, scope: Scope, ids: Sequence[MemoryId], memo: Memo) -> None:
        _, pages = await self._waiting(scope, ids)
        await self._segments.page_vectors(pages, memo)
        await self._recorder.read_ahead(scope, _by_id(pages), extract_all(pages), memo)

    async def _sort(self, scope: Scope, ids: Sequence[MemoryId], fence: Fence, memo: Memo) -> None:
        seated = await memo.settled(partial(self._seated, scope, ids, memo))
        await fence.check()
        await self._places.decide(scope, seated.places)
        await self._segments.write(scope, seated.clusters)
        await self._recorder.record(scope, _by_id(seated.pages), extract_all(seated.pages), fence, memo)

    async def _waiting(self, scope: Scope, ids: Sequence[MemoryId]) -> tuple[Mapping[MemoryId, Place], Sequence[Page]]:
        """Return where these pages are, and those of them that are to be sorted, in their order."""
        places = await self._places.get(scope, ids)
        waiting = [id_ for id_, place in places.items() if not place.gone]
        return places, sorted(await own_pages(self._storage, scope, waiting), key=position_of)

    async def _seated(self, scope: Scope, ids: Sequence[MemoryId], memo: Memo) -> _Seated:
        """Return where these pages go, and the segments as they are then."""
        places, pages = await self._waiting(scope, ids)
        vectors = await self._segments.page_vectors(pages, memo)
        table = _Table(self._similarity, vectors, self._segments.empty_centroid)
        table.lay(await self._known(scope, pages, places, vectors))
        decided = {page.id: table.seat(page, places[page.id]) for page in pages}
        drawn = [drawn for cluster in table.touched if (drawn := await self._drawn(cluster))]
        return _Seated(pages=pages, places=decided, clusters=await self._segments.completed(scope, drawn, memo))

    async def _known(
        self,
        scope: Scope,
        pages: Sequence[Page],
        places: Mapping[MemoryId, Place],
        vectors: Mapping[MemoryId, Vector | None],
    ) -> list[Cluster]:
        """Return the segments that the pages may join, and those in which they are to be already."""
        near = [await self._near(page, vectors[page.id]) for page in pages]
        candidates = {segment.id: segment for found in near for segment in found}
        seats = [place.segment for place in places.values() if place.segment]
        missing = [id_ for id_ in seats if id_ not in candidates]
        return await self._segments.clusters(scope, [*candidates.values(), *await self._segments.get(scope, missing)])

    async def _near(self, page: Page, vector: Vector | None) -> list[Segment]:
        query = MemoryQuery(
            scope=page.scope,
            terms=" ".join(extract_keywords([page])),
            vector=vector,
            limit=_CANDIDATES,
            kinds=frozenset({"segment"}),
            knowledge_limit=_CANDIDATES,
            agent_id=page.agent_id,
        )
        found = await self._storage.search(query)
        return [item.memory for item in found.knowledge if isinstance(item.memory, Segment)]

    async def _drawn(self, cluster: Cluster) -> Cluster | None:
        """Return a segment as its pages make it, None when they were all deleted meanwhile."""
        segment = cluster.segment
        pages = await own_pages(self._storage, segment.scope, segment.pages)
        return msgspec.structs.replace(cluster, segment=redrawn(segment, pages)) if pages else None


def _by_id(pages: Sequence[Page]) -> dict[MemoryId, Page]:
    return {page.id: page for page in pages}


def _portion(notes: Sequence[Note]) -> list[Note]:
    """Return the first notes that together have enough pages."""
    portion: list[Note] = []
    for note in notes:
        if sum(len(taken.pages) for taken in portion) >= PAGES_AT_ONCE:
            break
        portion.append(note)
    return portion


class _Table:
    """Segments that take in one page after the other."""

    def __init__(self, similarity: float, vectors: Mapping[MemoryId, Vector | None], empty: Centroid) -> None:
        self._similarity = similarity
        self._vectors = vectors
        self._empty = empty
        self._clusters: dict[MemoryId, Cluster] = {}
        self._touched: set[MemoryId] = set()

    def lay(self, clusters: Sequence[Cluster]) -> None:
        """Take segments that are there already to the table."""
        self._clusters |= {cluster.segment.id: cluster for cluster in clusters}

    @property
    def touched(self) -> list[Cluster]:
        """The segments that took a page in."""
        return [self._clusters[id_] for id_ in sorted(self._touched)]

    def seat(self, page: Page, place: Place) -> MemoryId:
        """Put a page into its segment and return which: where it belongs already, the likest, or a new one."""
        chosen = place.segment or self._likest(page) or begun_by(page, edition=place.edition)
        cluster = self._clusters.get(chosen) or self._begin(chosen, page)
        if page.id not in cluster.segment.pages and not cluster.segment.evicted:
            self._touched.add(chosen)
            self._clusters[chosen] = Cluster(
                segment=joined(cluster.segment, page),
                centroid=cluster.centroid.plus(page.id, self._vectors[page.id]),
            )
        return chosen

    def _likest(self, page: Page) -> MemoryId | None:
        """Return the segment that is nearest to the page, None when none is near enough; ties go to the lower id."""
        own = extract_keywords([page])
        near = [
            (self._likeness(c, page, own), c.segment.id) for c in self._clusters.values() if admits(c.segment, page)
        ]
        best = min(near, key=lambda item: (-item[0], item[1]), default=None)
        return best[1] if best and best[0] >= self._similarity else None

    def _likeness(self, cluster: Cluster, page: Page, keywords: tuple[str, ...]) -> float:
        near = cosine(cluster.centroid.vector, self._vectors[page.id])
        return likeness(near, cluster.segment.keywords, keywords)

    def _begin(self, id_: MemoryId, page: Page) -> Cluster:
        segment = msgspec.structs.replace(open_segment(id_, page), keywords=extract_keywords([page]))
        return Cluster(segment=segment, centroid=self._empty)
