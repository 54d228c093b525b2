"""Every document store that keeps things, by name: a new adapter is one more entry."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from memoryos_adapters.documents.redis import RedisDocuments
from memoryos_adapters.documents.sqlite import SCHEMA, SqliteDocuments
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_ports.documents import DocumentStore
from tests.support.redis_databases import RedisDatabases

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


class StoppedClock:
    """A clock that always says `NOW`."""

    def now(self) -> datetime:
        """Return `NOW`."""
        return NOW

    def monotonic(self) -> float:
        """Return 0."""
        return 0.0


@asynccontextmanager
async def open_sqlite_file(directory: Path) -> AsyncIterator[DocumentStore]:
    """Open the store in a file of the directory; opened again, it holds what it held."""
    async with SqliteDatabase.open(directory / "memoryos.db", schemas=[SCHEMA]) as db:
        yield SqliteDocuments(db, StoppedClock())


@asynccontextmanager
async def open_sqlite_memory(directory: Path) -> AsyncIterator[DocumentStore]:
    """Open an empty store in memory."""
    async with SqliteDatabase.open(":memory:", schemas=[SCHEMA]) as db:
        yield SqliteDocuments(db, StoppedClock())


Opener: TypeAlias = Callable[[Path], AbstractAsyncContextManager[DocumentStore]]


def on_redis(databases: RedisDatabases) -> Opener:
    """Return how to open the store in the database of a directory."""

    @asynccontextmanager
    async def open_redis(directory: Path) -> AsyncIterator[DocumentStore]:
        async with databases.open(directory) as redis:
            yield RedisDocuments(redis, StoppedClock())

    return open_redis


DURABLE: dict[str, Opener] = {"sqlite-file": open_sqlite_file}
STORES: dict[str, Opener] = {**DURABLE, "sqlite-memory": open_sqlite_memory}
ON_REDIS: dict[str, Callable[[RedisDatabases], Opener]] = {"redis": on_redis}
