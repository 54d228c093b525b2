"""The memory index of the embedded profile, on the Qdrant engine inside this process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from loguru import logger

from memoryos_adapters.storage.edge_errors import closed, engine_errors
from memoryos_adapters.storage.edge_index import EdgeIndex
from memoryos_adapters.storage.planned import PlannedMemory
from memoryos_adapters.storage.requests import Plan
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.memory import Found, MemoryQuery

T = TypeVar("T")

DEFAULT_RESERVE_BYTES = 128 * 2**20

_CLOSE_TIMEOUT_S = 10.0


class QdrantEdgeMemory(PlannedMemory):
    """A `MemoryStorage` on a shard of the in-process Qdrant engine; built by `open`.

    What was written is in the engine's write-ahead log on return.

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

    async def search(self, query: MemoryQuery) -> Found:
        """Return the candidates of a query, each with its cosine and the parts of its BM25 score."""
        return await self._do(partial(self._index.search, query))

    def residue(self) -> str | None:
        """Return what the files of the index wait for."""
        return self._index.residue()

    async def ping(self) -> None:
        """Return when the engine answers."""
        await self._do(self._index.ping)

    async def _run(self, plan: Plan[T]) -> T:
        return await self._do(partial(self._index.run, plan))

    async def _do(self, work: Callable[[], T]) -> T:
        return await _run(self._thread, work)

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._do(self._index.close)
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
