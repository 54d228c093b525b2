"""Points of a shard as searches need them: each is read once, and known until it is written again."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
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
from memoryos_adapters.storage.payload import point_ids, read_chunk, read_memory
from memoryos_ports.embedding import Vector
from memoryos_ports.ids import MemoryId
from memoryos_ports.memory import Chunk, Memory

_FIELDS = ["page", "page_id", "search_scope", "superseded", "number", "start", "end", "chunks"]
_KEPT_CHARS = 8 * 2**20  # of memories as JSON: 12,000 turns of a chat, which take 40 MB
_LEAST_CHARS = 256  # that a point counts for
_NO_CHUNK = Chunk(number=0, start=0, end=0)


class Known(msgspec.Struct, frozen=True, kw_only=True, gc=False):  # there are many, and no cycles
    """What a point says. `memory` is None for a tombstone, and for a further chunk: its own has the id `owner`.

    `words` are the weights of the memory's terms, `key` is its `kind_key` while it may be found, `points` are the ids
    of all its points, `chars` is how much is kept.
    """

    memory: Memory | None
    owner: str
    chunk: Chunk
    words: dict[int, float]
    key: str | None
    points: tuple[str, ...]
    chars: int


class Near(NamedTuple):
    """A point with its cosine to the question."""

    cosine: float
    point: str


class Points:
    """What searches have read of a shard so far; whoever writes to the shard makes this `forget` the points first."""

    def __init__(self, shard: EdgeShard) -> None:
        self._shard = shard
        self._known: dict[str, Known] = {}
        self._chars = 0

    def __contains__(self, point: str) -> bool:
        """Return whether the point was read and exists."""
        return point in self._known

    def __getitem__(self, point: str) -> Known:
        """Return a point that was read."""
        return self._known[point]

    def make_room(self) -> None:
        """Forget what was read longest ago, if that is much; not for the middle of a search."""
        while self._chars > _KEPT_CHARS:
            self.forget([next(iter(self._known))])

    def forget(self, points: Iterable[str]) -> None:
        """Drop what is known of points."""
        for point in points:
            if (known := self._known.pop(point, None)) is not None:
                self._chars -= known.chars

    def read(self, points: Iterable[str]) -> None:
        """Read those of the points that are not known yet."""
        missing = [point for point in points if point not in self._known]
        if not missing:
            return
        for record in self._shard.retrieve([*missing], with_payload=_FIELDS, with_vector=[SPARSE]):
            id = id_of(record)
            known = self._known[id] = _read(id, record)
            self._chars += known.chars

    def memory(self, point: str) -> Memory | None:
        """Return the memory that a point stands for: none where a chunk has outlived its own, by a delete cut short."""
        known = self._known.get(point)
        return None if known is None else known.memory

    def query(self, query: Query, wanted: Filter, limit: int, params: SearchParams | None = None) -> dict[str, float]:
        """Return points with their scores, best first; they are read."""
        request = QueryRequest(limit=limit, query=query, filter=wanted, params=params)
        scores = {id_of(point): point.score for point in self._shard.query(request)}
        self.read(scores)
        return scores

    def nearest_of(self, vector: Vector, memories: Iterable[str]) -> dict[str, Near]:
        """Return the best chunks of memories that are read."""
        owners = {point: id for id in memories for point in self._known[id].points}
        if not owners:
            return {}
        wanted, nearest = Filter(must=[HasIdCondition({*owners})]), Query.Nearest(vector, using=DENSE)
        best: dict[str, Near] = {}
        for point in self._shard.query(QueryRequest(limit=len(owners), query=nearest, filter=wanted)):
            best.setdefault(owners[id := id_of(point)], Near(point.score, id))
        self.read(near.point for near in best.values())
        return best

    def by_memory(self, points: Mapping[str, float]) -> dict[str, Near]:
        """Return memories with their best chunk, in the order of the points, which are nearest first and read."""
        memories: dict[str, Near] = {}
        for point, cosine in points.items():
            memories.setdefault(self._known[point].owner, Near(cosine, point))
        return memories


def id_of(point: Record | ScoredPoint) -> str:
    """Return the id of a point; the engine makes a UUID of it each time, and its `str` is slower still."""
    uuid = point.id
    return _text(uuid.int) if isinstance(uuid, UUID) else str(uuid)


@lru_cache(maxsize=16_384)
def _text(uuid: int) -> str:
    return str(UUID(int=uuid))


def _read(id: str, record: Record) -> Known:
    payload: dict[str, Any] = record.payload or {}
    text = payload.get("page", "")
    return Known(
        memory=read_memory(payload) if text else None,
        owner=payload.get("page_id", id),
        chunk=read_chunk(payload) if "number" in payload else _NO_CHUNK,
        words=read_words(record.vector),
        key=payload.get("search_scope"),
        points=(*point_ids(MemoryId(id), payload),) if text else (),
        chars=max(len(text), _LEAST_CHARS),
    )


def read_words(vectors: object) -> dict[int, float]:
    """Return the weights of terms that a point's vectors hold."""
    sparse = vectors.get(SPARSE) if isinstance(vectors, dict) else None
    return dict(zip(sparse.indices, sparse.values, strict=True)) if isinstance(sparse, SparseVector) else {}
