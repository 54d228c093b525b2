"""The memory index of the embedded profile, on the Qdrant engine inside this process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from loguru import logger

from memoryos_adapters.storage.edge_errors import closed, engine_errors
from memoryos_adapters.storage.edge_index import EdgeIndex
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.ids import MemoryId, Scope, SessionId
from memoryos_ports.memory import Found, IndexEntry, Memory, MemoryKind, MemoryList, MemoryQuery

T = TypeVar("T")

DEFAULT_RESERVE_BYTES = 128 * 2**20

_CLOSE_TIMEOUT_S = 10.0


class QdrantEdgeMemory:
    """A `MemoryStorage` on a shard of the in-process Qdrant engine; built by `open`.

    The engine holds the GIL while it works, so that one thread is all that is of use; it also makes what reads and
    then writes atomic. A shard opens in one process at a time.
    """

    def __init__(self, index: EdgeIndex, thread: ThreadPoolExecutor) -> None:
        self._index = index
        self._thread = thread

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path, stamp: EmbedderStamp, *, reserve_bytes: int = DEFAULT_RESERVE_BYTES
    ) -> AsyncIterator[Self]:
        """Open (or create, mode 0700) the index in directory `path`, flush and close it at the end.

        Writes are refused with StorageFull while the disk has less than `reserve_bytes` free. Raises EmbedderMismatch
        when the index is of another stamp, UpstreamUnavailable when another process has it open.
        """
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="qdrant-edge")
        try:
            index = await _run(thread, partial(EdgeIndex.open, path, stamp, reserve_bytes=reserve_bytes))
            memory = cls(index, thread)
            try:
                yield memory
            finally:
                await memory._close()
        finally:
            thread.shutdown(wait=False)

    @property
    def stamp(self) -> EmbedderStamp:
        """The embedder whose vectors this index holds."""
        return self._index.stamp

    async def insert(self, entries: Sequence[IndexEntry]) -> list[MemoryId]:
        """Store pages that are not known and return the others' ids; in the write-ahead log on return."""
        return await self._run(partial(self._index.insert, entries))

    async def put(self, entries: Sequence[IndexEntry]) -> None:
        """Store memories over what their ids had; in the write-ahead log on return."""
        await self._run(partial(self._index.put, entries))

    async def search(self, query: MemoryQuery) -> Found:
        """Return the candidates of a query, each with its cosine and the parts of its BM25 score."""
        return await self._run(partial(self._index.search, query))

    async def get(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Memory]:
        """Return those of the memories that exist, in the order asked for."""
        return await self._run(partial(self._index.get, scope, ids))

    async def list_memories(
        self,
        scope: Scope,
        *,
        limit: int,
        kind: MemoryKind = "page",
        cursor: str | None = None,
        session_id: SessionId | None = None,
    ) -> MemoryList:
        """Return memories of a kind newest first; reads all of a timestamp at a time."""
        return await self._run(partial(self._index.list_memories, scope, kind, limit, cursor, session_id))

    async def delete(self, scope: Scope, ids: Sequence[MemoryId]) -> list[MemoryId]:
        """Delete memories and their chunks, leaving tombstones."""
        return await self._run(partial(self._index.delete, scope, ids))

    async def supersede(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Mark pages as superseded."""
        await self._run(partial(self._index.supersede, scope, ids))

    async def erase(self, scope: Scope) -> int:
        """Remove everything of a scope."""
        return await self._run(partial(self._index.erase, scope))

    def residue(self) -> str | None:
        """Return what the files of the index wait for."""
        return self._index.residue()

    async def count(self, scope: Scope, *, kind: MemoryKind = "page") -> int:
        """Return how many memories of a kind exist."""
        return await self._run(partial(self._index.count, scope, kind))

    async def ping(self) -> None:
        """Return when the engine answers."""
        await self._run(self._index.ping)

    async def _run(self, work: Callable[[], T]) -> T:
        return await _run(self._thread, work)

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._run(self._index.close)
        except (TimeoutError, MemoryOSError) as exc:
            logger.bind(reason=repr(exc)).warning("memory index not flushed: the next start replays its log")


async def _run(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Do blocking work in the thread, with the engine's errors translated."""
    try:
        future = asyncio.get_running_loop().run_in_executor(thread, _translated, work)
    except RuntimeError as exc:  # the executor was shut down
        raise closed() from exc
    return await future


def _translated(work: Callable[[], T]) -> T:
    with engine_errors():
        return work()
