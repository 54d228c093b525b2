"""Points of a shard as searches need them: each is read once, and known until it is written again."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from uuid import UUID

from qdrant_edge import EdgeShard, Record, ScoredPoint, SparseVector

from memoryos_adapters.storage.known import KNOWN_FIELDS, Known, read_known
from memoryos_adapters.storage.requests import SPARSE

_KEPT_CHARS = 8 * 2**20  # of memories as JSON: 12,000 turns of a chat, which take 40 MB


class Points(Mapping[str, Known]):
    """What searches have read of a shard so far; whoever writes to the shard makes this `forget` the points first."""

    def __init__(self, shard: EdgeShard) -> None:
        self._shard = shard
        self._known: dict[str, Known] = {}
        self._chars = 0

    def __contains__(self, point: object) -> bool:
        """Return whether the point was read and exists."""
        return point in self._known

    def __getitem__(self, point: str) -> Known:
        """Return a point that was read."""
        return self._known[point]

    def __iter__(self) -> Iterator[str]:
        """Iterate over what was read, longest ago first."""
        return iter(self._known)

    def __len__(self) -> int:
        """Return how many points are known."""
        return len(self._known)

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
        for record in self._shard.retrieve([*missing], with_payload=[*KNOWN_FIELDS], with_vector=[SPARSE]):
            id = id_of(record)
            known = self._known[id] = read_known(id, record.payload or {}, _words(record))
            self._chars += known.chars


def id_of(point: Record | ScoredPoint) -> str:
    """Return the id of a point; the engine makes a UUID of it each time, and its `str` is slower still."""
    uuid = point.id
    return _text(uuid.int) if isinstance(uuid, UUID) else str(uuid)


@lru_cache(maxsize=16_384)
def _text(uuid: int) -> str:
    return str(UUID(int=uuid))


def _words(record: Record) -> dict[int, float]:
    sparse = record.vector.get(SPARSE) if isinstance(record.vector, dict) else None
    return dict(zip(sparse.indices, sparse.values, strict=True)) if isinstance(sparse, SparseVector) else {}
