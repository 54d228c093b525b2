"""Embedding a whole index again: its successor holds the same, with dense vectors of another embedder.

Payloads, words and tombstones are copied as they are. Run again, it goes on where it was.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec
from qdrant_edge import CountRequest, Filter, IsEmptyCondition, Point, Record, SparseVector

from memoryos_adapters.storage.edge_errors import engine_errors
from memoryos_adapters.storage.edge_stamp import read_stamped_shard
from memoryos_adapters.storage.edge_successor import Successor
from memoryos_adapters.storage.payload import point_ids, read_chunk, read_memory
from memoryos_adapters.storage.requests import DENSE, SPARSE
from memoryos_adapters.storage.vectors import check_vector
from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.ids import MemoryId
from memoryos_ports.memory import Chunk, Memory

_OWN = Filter(must=[IsEmptyCondition("page_id")])  # memories and tombstones, not their further chunks
_COUNTED = CountRequest(filter=_OWN)


class StoredPoints(msgspec.Struct, frozen=True, kw_only=True):
    """The points of one memory, its own first, or the one of a tombstone, whose `memory` is None."""

    memory: Memory | None
    records: tuple[Record, ...]

    @property
    def chunks(self) -> list[Chunk]:
        """The stretches that need a vector, one per point; a tombstone has none."""
        return [read_chunk(record.payload or {}) for record in self.records] if self.memory else []


class EdgeReembedding:
    """An index being embedded again; blocking, for one thread at a time. Built by `open`.

    `total` is the number of memories and tombstones, `done` how many of them the new shard held at the start.
    """

    def __init__(self, successor: Successor, stamp: EmbedderStamp) -> None:
        self._successor, self._stamp = successor, stamp
        self.total, self.done = successor.counts(_COUNTED)

    @classmethod
    @contextmanager
    def open(cls, directory: Path, stamp: EmbedderStamp, *, reserve_bytes: int) -> Iterator[Self | None]:
        """Open the old shard and the new one, unfinished or not begun; None when the index is of this stamp already.

        An index that does not exist needs nothing either. Raises what `Successor.open` raises.
        """
        with engine_errors():
            stamped = read_stamped_shard(directory)
        if stamped is None or stamped.stamp == stamp:
            yield None
            return
        with Successor.open(directory, stamped, stamp, reserve_bytes=reserve_bytes) as successor:
            yield cls(successor, stamp)

    def pending(self, limit: int) -> Iterator[list[StoredPoints]]:
        """Yield what the new shard does not hold yet, at most so many memories at a time."""
        return map(self._with_chunks, self._successor.missing(limit, wanted=_OWN, vectors=[SPARSE]))

    def write(self, stored: Sequence[StoredPoints], vectors: Sequence[Sequence[Vector | None]]) -> None:
        """Write memories, each with one vector (or None) per chunk, all of them in one operation."""
        points = [point for one, own in zip(stored, vectors, strict=True) for point in self._points(one, own)]
        self._successor.write(points)

    def finish(self) -> None:
        """Put the new shard in the place of the old one, as `Successor.finish` does."""
        self._successor.finish(_COUNTED)

    def _with_chunks(self, own: Sequence[Record]) -> list[StoredPoints]:
        """Return memories with all of their points, the further ones read together."""
        ids = {str(record.id): _further_points(record) for record in own}
        further = [point for points in ids.values() for point in points]
        read = self._successor.old.retrieve([*further], with_payload=True, with_vector=False) if further else []
        found = {str(record.id): record for record in read}
        return [
            StoredPoints(
                memory=_memory(record), records=(record, *(found[p] for p in ids[str(record.id)] if p in found))
            )
            for record in own
        ]

    def _points(self, stored: StoredPoints, vectors: Sequence[Vector | None]) -> Iterator[Point]:
        if stored.memory is None:
            (grave,) = stored.records
            yield Point(grave.id, {}, grave.payload)
            return
        for record, vector in zip(stored.records, vectors, strict=True):
            if vector is not None:
                check_vector(vector, self._stamp)
            dense = {} if vector is None else {DENSE: vector}
            yield Point(record.id, {**dense, **_sparse(record)}, record.payload)


def _memory(record: Record) -> Memory | None:
    payload = record.payload or {}
    return read_memory(payload) if "page" in payload else None


def _further_points(own: Record) -> list[str]:
    payload = own.payload or {}
    return point_ids(MemoryId(str(own.id)), payload)[1:] if "page" in payload else []


def _sparse(record: Record) -> dict[str, SparseVector]:
    words = record.vector.get(SPARSE) if isinstance(record.vector, dict) else None
    return {SPARSE: words} if isinstance(words, SparseVector) else {}
