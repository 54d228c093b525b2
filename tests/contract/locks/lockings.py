"""Every kind of locks, by name: a new adapter is one more entry."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from memoryos_adapters.locks.local import LocalLocks
from memoryos_adapters.locks.redis import RedisLocks
from memoryos_ports.locks import Locks
from tests.support.redis_databases import RedisDatabases

Pair: TypeAlias = tuple[Locks, Locks]
"""Those of two processes that share their stores; of one process, where no other can share them."""

Opener: TypeAlias = Callable[[Path, RedisDatabases], AbstractAsyncContextManager[Pair]]


@asynccontextmanager
async def open_local(directory: Path, databases: RedisDatabases) -> AsyncIterator[Pair]:
    """Make the locks of one process."""
    locks = LocalLocks()
    yield locks, locks


@asynccontextmanager
async def open_redis(directory: Path, databases: RedisDatabases) -> AsyncIterator[Pair]:
    """Open the locks of two processes on the database of a directory."""
    async with AsyncExitStack() as stack:
        redis = [await stack.enter_async_context(databases.open(directory)) for _ in range(2)]
        yield RedisLocks(redis[0]), RedisLocks(redis[1])


OPENERS: dict[str, Opener] = {"local": open_local, "redis": open_redis}
