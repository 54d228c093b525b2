"""A shard that is made beside the one in use and takes its place at the end: embedded again, or without the erased.

Whatever happens on the way, the index is either the old one, whole, or the new one, whole.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from qdrant_edge import CountRequest, EdgeShard, Filter, Point, Record, ScrollRequest, UpdateMode, UpdateOperation

from memoryos_adapters.storage.edge_errors import UPSTREAM, engine_errors
from memoryos_adapters.storage.edge_shard import open_shard, require_space
from memoryos_adapters.storage.edge_stamp import (
    StampedShard,
    drop_other_shards,
    generation_directory,
    read_stamped_shard,
    sync_path,
    write_stamped_shard,
)
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import UpstreamProtocolError

_POINTS_PER_FLUSH = 10_000


class Successor:
    """The shard in use, `old`, and the one that is to follow it; for one thread at a time, built by `open`. Blocks."""

    def __init__(self, directory: Path, stamped: StampedShard, stamp: EmbedderStamp, *, reserve_bytes: int) -> None:
        self._directory, self._stamp, self._reserve_bytes = directory, stamp, reserve_bytes
        self._generation = stamped.generation + 1
        self._made = generation_directory(directory, self._generation)
        self.old = EdgeShard.load(str(directory / stamped.shard))
        self._new = _open_new(self._made, stamp, reserve_bytes=reserve_bytes)
        self._unflushed_points, self._is_closed = 0, False

    @classmethod
    @contextmanager
    def open(
        cls, directory: Path, stamped: StampedShard, stamp: EmbedderStamp, *, reserve_bytes: int
    ) -> Iterator[Self]:
        """Open the shard in use and its successor of this stamp, unfinished or not begun.

        Raises StorageFull when the disk has no room for a second shard, UpstreamUnavailable when another process has
        the index open.
        """
        with engine_errors():
            drop_other_shards(directory, stamped, spare=generation_directory(directory, stamped.generation + 1))
            require_space(directory, _bytes_needed(directory, stamped, stamp) + reserve_bytes)
            successor = cls(directory, stamped, stamp, reserve_bytes=reserve_bytes)
            try:
                yield successor
            finally:
                successor._close()

    def counts(self, counted: CountRequest) -> tuple[int, int]:
        """Return how many points of a kind the old shard holds, and how many the new one."""
        return self.old.count(counted), self._new.count(counted)

    def missing(
        self, limit: int, *, wanted: Filter | None = None, vectors: bool | list[str] = True
    ) -> Iterator[list[Record]]:
        """Yield the points of the old shard that the new one does not hold yet, of `limit` at a time."""
        offset = None
        while True:
            request = ScrollRequest(offset=offset, limit=limit, filter=wanted, with_payload=True, with_vector=vectors)
            records, offset = self.old.scroll(request)
            if unknown := self._unknown(records):
                yield unknown
            if offset is None:
                return

    def write(self, points: Sequence[Point]) -> None:
        """Write points into the new shard, all of them in one operation."""
        require_space(self._directory, self._reserve_bytes)
        self._new.update(UpdateOperation.upsert_points([*points], update_mode=UpdateMode.InsertOnly))
        self._unflushed_points += len(points)
        if self._unflushed_points >= _POINTS_PER_FLUSH:
            self._new.flush()
            self._unflushed_points = 0

    def finish(self, counted: CountRequest) -> None:
        """Put the new shard in the place of the old one, which is removed.

        Raises UpstreamProtocolError, and changes nothing, unless the new one holds as many points of this kind.
        """
        total, copied = self.counts(counted)
        if copied != total:
            raise UpstreamProtocolError(upstream=UPSTREAM, detail=f"{copied} of {total} memories were copied")
        self._close()
        for path in [self._made, *self._made.rglob("*")]:
            sync_path(path)  # the old one goes: from here on not even a power cut may take the new one
        drop_other_shards(
            self._directory, write_stamped_shard(self._directory, self._stamp, generation=self._generation)
        )

    def _close(self) -> None:
        """Flush and release both shards; closing again does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._new.flush()
            self._new.close()
            self.old.close()

    def _unknown(self, records: Sequence[Record]) -> list[Record]:
        ids = [record.id for record in records]
        known = {str(r.id) for r in self._new.retrieve(ids, with_payload=False, with_vector=False)} if ids else set()
        return [record for record in records if str(record.id) not in known]


def _open_new(directory: Path, stamp: EmbedderStamp, *, reserve_bytes: int) -> EdgeShard:
    """Open the unfinished shard of this stamp; one of another embedder is dropped."""
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
