"""The memory index on one shard of the in-process Qdrant engine: the blocking half of `QdrantEdgeMemory`."""

from pathlib import Path
from typing import Self, TypeVar

from qdrant_edge import EdgeShard

from memoryos_adapters.storage.edge_compaction import compact_after_erasure
from memoryos_adapters.storage.edge_engine import EdgeEngine
from memoryos_adapters.storage.edge_shard import open_shard
from memoryos_adapters.storage.points import check_query
from memoryos_adapters.storage.requests import Plan
from memoryos_adapters.storage.searching import search
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.memory import Found, MemoryQuery

T = TypeVar("T")


class EdgeIndex:
    """An open shard of a stamp that runs plans, for one thread at a time; the engine's own errors come out of it."""

    def __init__(self, shard: EdgeShard, directory: Path, stamp: EmbedderStamp, *, reserve_bytes: int) -> None:
        self.stamp = stamp
        self._shard = shard
        self._engine = EdgeEngine(shard, directory, reserve_bytes=reserve_bytes)

    @classmethod
    def open(cls, directory: Path, stamp: EmbedderStamp, *, reserve_bytes: int) -> Self:
        """Open the shard in a directory, made when there is none; raise EmbedderMismatch if it is of another stamp.

        One that users were erased from is rewritten first.
        """
        compact_after_erasure(directory, stamp, reserve_bytes=reserve_bytes)
        shard = open_shard(directory, stamp, reserve_bytes=reserve_bytes)
        # Another kill must not replay again what this start has just replayed.
        shard.flush()
        return cls(shard, directory, stamp, reserve_bytes=reserve_bytes)

    def close(self) -> None:
        """Flush and release the shard."""
        try:
            self._shard.flush()
        finally:
            self._shard.close()

    def ping(self) -> None:
        """Return when the engine answers and could write."""
        self._shard.info()
        self._engine.require_space()

    def run(self, plan: Plan[T]) -> T:
        """Return what a plan returns."""
        return self._engine.run(plan)

    def search(self, query: MemoryQuery) -> Found:
        """Return the candidates of a query."""
        check_query(query, self.stamp)
        self._engine.points.make_room()
        return self._engine.run(search(self._engine.points, query))

    def residue(self) -> str | None:
        """Return what the files wait for, None when nothing was erased."""
        return "its files are rewritten at the next start" if self._engine.is_erased_from else None
