"""Points of a shard, each read once: payload, words, and the best chunk of a memory by its vector."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from qdrant_edge import (
    EdgeShard,
    Filter,
    HasIdCondition,
    Query,
    QueryRequest,
    Record,
    ScoredPoint,
    SearchParams,
    SparseVector,
)

from memoryos_adapters.storage.edge_shard import DENSE, SPARSE
from memoryos_adapters.storage.payload import point_ids
from memoryos_ports.embedding import Vector
from memoryos_ports.ids import MemoryId

FIELDS = ["page", "page_id", "search_scope", "superseded", "number", "start", "end", "chunks"]


class Near(NamedTuple):
    """A point with its cosine to the question."""

    cosine: float
    point: str


class Points:
    """What a search has read of a shard so far."""

    def __init__(self, shard: EdgeShard) -> None:
        self._shard = shard
        self.payloads: dict[str, dict[str, Any]] = {}
        self._words: dict[str, dict[int, float]] = {}

    def read(self, points: Iterable[str]) -> None:
        """Read those of the points that are not known yet."""
        missing = [point for point in points if point not in self.payloads]
        if missing:
            self.add(self._shard.retrieve([*missing], with_payload=FIELDS, with_vector=[SPARSE]))

    def add(self, records: Iterable[Record | ScoredPoint]) -> list[str]:
        """Take in records that were read with `FIELDS` and their words; return their ids."""
        ids = []
        for record in records:
            ids.append(id := str(record.id))
            if id not in self.payloads:
                self.payloads[id] = record.payload or {}
                self._words[id] = read_words(record.vector)
        return ids

    def is_memory(self, point: str) -> bool:
        """Return whether the point stands for a memory: a chunk may have outlived its own, by a delete cut short."""
        return "page" in self.payloads.get(point, {})

    def is_found_in(self, point: str, key: str) -> bool:
        """Return whether the point stands for a memory that a search under this `kind_key` may find."""
        return self.is_memory(point) and self.payloads[point].get("search_scope") == key

    def words(self, point: str) -> dict[int, float]:
        """Return the weights of a memory's terms."""
        return self._words.get(point, {})

    def query(self, query: Query, wanted: Filter, limit: int, params: SearchParams | None = None) -> dict[str, float]:
        """Return points with their scores, best first; what they hold is read with them."""
        request = QueryRequest(
            limit=limit, query=query, filter=wanted, params=params, with_payload=FIELDS, with_vector=[SPARSE]
        )
        found = self._shard.query(request)
        return dict(zip(self.add(found), (point.score for point in found), strict=True))

    def nearest_of(self, vector: Vector, memories: Iterable[str]) -> dict[str, Near]:
        """Return the best chunks of memories that are read."""
        owners = {point: id for id in memories for point in point_ids(MemoryId(id), self.payloads[id])}
        if not owners:
            return {}
        wanted, nearest = Filter(must=[HasIdCondition({*owners})]), Query.Nearest(vector, using=DENSE)
        best: dict[str, Near] = {}
        for point in self._shard.query(QueryRequest(limit=len(owners), query=nearest, filter=wanted)):
            best.setdefault(owners[id := str(point.id)], Near(point.score, id))
        self.read(near.point for near in best.values())
        return best

    def by_memory(self, points: Mapping[str, float]) -> dict[str, Near]:
        """Return memories with their best chunk, in the order of the points, which are nearest first and read."""
        memories: dict[str, Near] = {}
        for point, cosine in points.items():
            memories.setdefault(self.payloads[point].get("page_id", point), Near(cosine, point))
        return memories


def read_words(vectors: object) -> dict[int, float]:
    """Return the weights of terms that a point's vectors hold."""
    sparse = vectors.get(SPARSE) if isinstance(vectors, dict) else None
    return dict(zip(sparse.indices, sparse.values, strict=True)) if isinstance(sparse, SparseVector) else {}
