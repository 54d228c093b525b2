"""Segments as they are stored: in the index, the sums of their vectors beside them."""

from collections.abc import Mapping, Sequence

import msgspec

from memoryos_core.consolidation.centroid import Centroid
from memoryos_core.consolidation.listing import all_segments
from memoryos_core.consolidation.memo import Memo
from memoryos_core.consolidation.replacement import becoming
from memoryos_core.memory.embedding_policy import GuardedEmbedder
from memoryos_core.memory.indexing import spoken
from memoryos_ports.documents import Document, DocumentStore
from memoryos_ports.embedding import Vector
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Segment
from memoryos_ports.memory import Chunk, IndexEntry, MemoryStorage, Page, only_pages

CENTROID_KIND = "centroid"

_OPENING_CHARS = 1024
"""What of a page stands for it in its segment: about as much as an embedder reads."""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """A segment with the mean of its pages' vectors."""

    segment: Segment
    centroid: Centroid


class SegmentStore:
    """Reads and writes segments; a vector always is that of the pages that are in the segment now.

    The sum of a segment's vectors is kept in a document, since an index gives no vector back; where it is missing, of
    another embedder, or holds a page that left, it is made again from the texts.
    """

    def __init__(self, *, storage: MemoryStorage, documents: DocumentStore, embedder: GuardedEmbedder) -> None:
        self._storage = storage
        self._documents = documents
        self._embedder = embedder

    @property
    def empty_centroid(self) -> Centroid:
        """The centroid of a segment without pages."""
        return Centroid(stamp=str(self._storage.stamp))

    async def all(self, scope: Scope) -> list[Segment]:
        """Return every segment of a scope, evicted ones included, newest first."""
        return await all_segments(self._storage, scope)

    async def get(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Segment]:
        """Return those of the segments that exist."""
        found = await self._storage.get(scope, ids) if ids else []
        return [memory for memory in found if isinstance(memory, Segment)]

    async def clusters(self, scope: Scope, segments: Sequence[Segment]) -> list[Cluster]:
        """Return segments with what is known of the mean of their vectors."""
        ids = [segment.id for segment in segments]
        documents = await self._documents.get(scope, CENTROID_KIND, ids) if ids else {}
        return [Cluster(segment=s, centroid=self._centroid(documents.get(s.id), s)) for s in segments]

    async def put(self, scope: Scope, segments: Sequence[Segment]) -> None:
        """Write segments whose pages have vectors already, or get them now."""
        await self.save(scope, await self.clusters(scope, segments))

    async def save(self, scope: Scope, clusters: Sequence[Cluster]) -> None:
        """Write segments with the vectors of their pages; searchable on return."""
        await self.write(scope, await self.completed(scope, clusters, self.memo()))

    def memo(self) -> Memo:
        """Return an empty memo of vectors."""
        return Memo(self._embedder)

    async def completed(self, scope: Scope, clusters: Sequence[Cluster], memo: Memo) -> list[Cluster]:
        """Return segments with the vectors of all of their pages."""
        missing = [id_ for cluster in clusters for id_ in _lacking(cluster)]
        pages = only_pages(await self._storage.get(scope, missing)) if missing else []
        vectors = await self.page_vectors(pages, memo)
        return [_filled(cluster, vectors) for cluster in clusters]

    async def write(self, scope: Scope, whole: Sequence[Cluster]) -> None:
        """Write segments that are completed, as `save` does."""
        if not whole:
            return
        bodies = {cluster.segment.id: msgspec.msgpack.encode(cluster.centroid) for cluster in whole}
        await self._documents.update(scope, {(CENTROID_KIND, str(id_)): becoming(body) for id_, body in bodies.items()})
        await self._storage.put([_entry(cluster) for cluster in whole])

    async def delete(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Delete segments for good."""
        if ids:
            await self._storage.delete(scope, ids)
            await self._documents.delete(scope, CENTROID_KIND, ids)

    async def page_vectors(self, pages: Sequence[Page], memo: Memo) -> dict[MemoryId, Vector | None]:
        """Return the vector that stands for each page; None for one that the embedder must not see."""
        texts = [spoken(page, page.text[:_OPENING_CHARS]) for page in pages]
        vectors = await memo.vectors(texts, sensitive=[page.sensitive for page in pages])
        return {page.id: vector for page, vector in zip(pages, vectors, strict=True)}

    def _centroid(self, document: Document | None, segment: Segment) -> Centroid:
        """Return the stored sum, or an empty one when it is of another embedder or of other pages."""
        known = self.empty_centroid if document is None else msgspec.msgpack.decode(document.body, type=Centroid)
        is_good = known.stamp == str(self._storage.stamp) and set(known.pages) <= set(segment.pages)
        return known if is_good else self.empty_centroid


def _lacking(cluster: Cluster) -> list[MemoryId]:
    return [] if cluster.segment.evicted else cluster.centroid.lacks(cluster.segment.pages)


def _filled(cluster: Cluster, vectors: Mapping[MemoryId, Vector | None]) -> Cluster:
    centroid = cluster.centroid
    for page in _lacking(cluster):
        centroid = centroid.plus(page, vectors.get(page))
    return msgspec.structs.replace(cluster, centroid=centroid)


def _entry(cluster: Cluster) -> IndexEntry:
    segment = cluster.segment
    vector = None if segment.evicted else cluster.centroid.vector
    chunk = Chunk(number=0, start=0, end=len(segment.text), vector=vector)
    terms = "" if segment.evicted else " ".join((segment.text, *segment.keywords))
    return IndexEntry(memory=segment, chunks=(chunk,), terms=terms)
