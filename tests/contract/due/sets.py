"""Every due-set that keeps things, by name: a new adapter is one more entry."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from memoryos_adapters.due.redis import RedisDue
from memoryos_adapters.due.sqlite import SCHEMA, SqliteDue
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_ports.clock import Clock
from memoryos_ports.due import DueSet
from tests.support.redis_databases import RedisDatabases


@asynccontextmanager
async def open_sqlite_file(directory: Path, clock: Clock) -> AsyncIterator[DueSet]:
    """Open the set in a file of the directory; opened again, also at the same time, it holds what it held."""
    async with SqliteDatabase.open(directory / "memoryos.db", schemas=[SCHEMA]) as db:
        yield SqliteDue(db, clock)


@asynccontextmanager
async def open_sqlite_memory(directory: Path, clock: Clock) -> AsyncIterator[DueSet]:
    """Open an empty set in memory."""
    async with SqliteDatabase.open(":memory:", schemas=[SCHEMA]) as db:
        yield SqliteDue(db, clock)


Opener: TypeAlias = Callable[[Path, Clock], AbstractAsyncContextManager[DueSet]]


def on_redis(databases: RedisDatabases) -> Opener:
    """Return how to open the set in the database of a directory."""

    @asynccontextmanager
    async def open_redis(directory: Path, clock: Clock) -> AsyncIterator[DueSet]:
        async with databases.open(directory) as redis:
            yield RedisDue(redis, clock)

    return open_redis


DURABLE: dict[str, Opener] = {"sqlite-file": open_sqlite_file}
SETS: dict[str, Opener] = {**DURABLE, "sqlite-memory": open_sqlite_memory}
ON_REDIS: dict[str, Callable[[RedisDatabases], Opener]] = {"redis": on_redis}
