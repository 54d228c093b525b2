"""Embedding a whole index again: a second shard is made beside the old one, and takes its place at the end.

Payloads, words and tombstones are copied as they are; only the dense vectors are made anew. Whatever happens on the
way, the index is either the old one, whole, or the new one, whole. Run again, it goes on where it was.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec
from qdrant_edge import (
    CountRequest,
    EdgeShard,
    Filter,
    IsEmptyCondition,
    Point,
    Record,
    ScrollRequest,
    SparseVector,
    UpdateMode,
    UpdateOperation,
)

from memoryos_adapters.storage.edge_errors import UPSTREAM, engine_errors
from memoryos_adapters.storage.edge_shard import DENSE, SPARSE, open_shard, require_space
from memoryos_adapters.storage.edge_stamp import (
    StampedShard,
    drop_other_shards,
    generation_directory,
    read_stamped_shard,
    write_stamped_shard,
)
from memoryos_adapters.storage.payload import point_ids, read_chunk, read_memory
from memoryos_adapters.storage.vectors import check_vector
from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.ids import MemoryId
from memoryos_ports.memory import Chunk, Memory

_POINTS_PER_FLUSH = 10_000
_OWN = Filter(must=[IsEmptyCondition("page_id")])  # memories and tombstones, not their further chunks


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

    def __init__(self, directory: Path, stamped: StampedShard, stamp: EmbedderStamp, *, reserve_bytes: int) -> None:
        self._directory, self._stamp, self._reserve_bytes = directory, stamp, reserve_bytes
        self._generation = stamped.generation + 1
        self._made = generation_directory(directory, self._generation)
        self._old = EdgeShard.load(str(directory / stamped.shard))
        self._new = _open_new(self._made, stamp, reserve_bytes=reserve_bytes)
        self._unflushed_points, self._is_closed = 0, False
        self.total, self.done = _count(self._old), _count(self._new)

    @classmethod
    @contextmanager
    def open(cls, directory: Path, stamp: EmbedderStamp, *, reserve_bytes: int) -> Iterator[Self | None]:
        """Open the old shard and the new one, unfinished or not begun; None when the index is of this stamp already.

        An index that does not exist needs nothing either. Raises StorageFull when the disk has no room for a second
        shard, UpstreamUnavailable when another process has the index open.
        """
        with engine_errors():
            stamped = read_stamped_shard(directory)
            if stamped is None or stamped.stamp == stamp:
                yield None
                return
            drop_other_shards(directory, stamped, spare=generation_directory(directory, stamped.generation + 1))
            require_space(directory, _bytes_needed(directory, stamped, stamp) + reserve_bytes)
            reembedding = cls(directory, stamped, stamp, reserve_bytes=reserve_bytes)
            try:
                yield reembedding
            finally:
                reembedding._close()

    def pending(self, limit: int) -> Iterator[list[StoredPoints]]:
        """Yield what the new shard does not hold yet, at most so many memories at a time."""
        offset = None
        while True:
            request = ScrollRequest(offset=offset, limit=limit, filter=_OWN, with_payload=True, with_vector=[SPARSE])
            records, offset = self._old.scroll(request)
            if unknown := self._unknown(records):
                yield self._with_chunks(unknown)
            if offset is None:
                return

    def write(self, stored: Sequence[StoredPoints], vectors: Sequence[Sequence[Vector | None]]) -> None:
        """Write memories, each with one vector (or None) per chunk, all of them in one operation."""
        points = [point for one, own in zip(stored, vectors, strict=True) for point in self._points(one, own)]
        require_space(self._directory, self._reserve_bytes)
        self._new.update(UpdateOperation.upsert_points(points, update_mode=UpdateMode.InsertOnly))
        self._unflushed_points += len(points)
        if self._unflushed_points >= _POINTS_PER_FLUSH:
            self._new.flush()
            self._unflushed_points = 0

    def finish(self) -> None:
        """Put the new shard in the place of the old one, which is removed.

        Raises UpstreamProtocolError, and changes nothing, unless the new one holds every memory of the old one.
        """
        copied = _count(self._new)
        if copied != self.total:
            raise UpstreamProtocolError(upstream=UPSTREAM, detail=f"{copied} of {self.total} memories were copied")
        self._close()
        drop_other_shards(
            self._directory, write_stamped_shard(self._directory, self._stamp, generation=self._generation)
        )

    def _close(self) -> None:
        """Flush and release both shards; closing again does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._new.flush()
            self._new.close()
            self._old.close()

    def _unknown(self, records: Sequence[Record]) -> list[Record]:
        ids = [record.id for record in records]
        known = {str(r.id) for r in self._new.retrieve(ids, with_payload=False, with_vector=False)} if ids else set()
        return [record for record in records if str(record.id) not in known]

    def _with_chunks(self, own: Sequence[Record]) -> list[StoredPoints]:
        """Return memories with all of their points, the further ones read together."""
        ids = {str(record.id): _further_points(record) for record in own}
        further = [point for points in ids.values() for point in points]
        read = self._old.retrieve([*further], with_payload=True, with_vector=False) if further else []
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


def _open_new(directory: Path, stamp: EmbedderStamp, *, reserve_bytes: int) -> EdgeShard:
    """Open the unfinished shard of this stamp; one of a third embedder is dropped."""
    begun = read_stamped_shard(directory)
    if begun is not None and begun.stamp != stamp:
        shutil.rmtree(directory)
    return open_shard(directory, stamp, reserve_bytes=reserve_bytes)


def _bytes_needed(directory: Path, stamped: StampedShard, stamp: EmbedderStamp) -> int:
    """Return about what the new shard will take: as much as the old, more where its vectors are longer."""
    growth = max(1.0, stamp.dimensions / stamped.dimensions)
    begun = generation_directory(directory, stamped.generation + 1)
    return max(0, int(_size(directory / stamped.shard) * growth) - _size(begun))


def _size(directory: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in directory.rglob("*") if file.is_file())


def _count(shard: EdgeShard) -> int:
    return shard.count(CountRequest(filter=_OWN))


def _memory(record: Record) -> Memory | None:
    payload = record.payload or {}
    return read_memory(payload) if "page" in payload else None


def _further_points(own: Record) -> list[str]:
    payload = own.payload or {}
    return point_ids(MemoryId(str(own.id)), payload)[1:] if "page" in payload else []


def _sparse(record: Record) -> dict[str, SparseVector]:
    words = record.vector.get(SPARSE) if isinstance(record.vector, dict) else None
    return {SPARSE: words} if isinstance(words, SparseVector) else {}
