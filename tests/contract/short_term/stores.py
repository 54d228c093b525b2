"""Every short-term store that keeps things, by name: a new adapter is one more entry."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from memoryos_adapters.short_term.redis import RedisShortTerm
from memoryos_adapters.short_term.sqlite import SCHEMA, SqliteShortTerm
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_ports.short_term import ShortTermStore
from tests.support.redis_databases import RedisDatabases


class Opener(Protocol):
    """Opens a store that keeps `per_session` turns of each session."""

    def __call__(self, directory: Path, *, per_session: int = 200) -> AbstractAsyncContextManager[ShortTermStore]:
        """Open it; `directory` is there for whoever needs files."""
        ...


@asynccontextmanager
async def open_sqlite_file(directory: Path, *, per_session: int = 200) -> AsyncIterator[ShortTermStore]:
    """Open the store in a file of the directory; opened again, it holds what it held."""
    async with SqliteDatabase.open(directory / "memoryos.db", schemas=[SCHEMA]) as db:
        yield SqliteShortTerm(db, per_session=per_session)


@asynccontextmanager
async def open_sqlite_memory(directory: Path, *, per_session: int = 200) -> AsyncIterator[ShortTermStore]:
    """Open an empty store in memory."""
    async with SqliteDatabase.open(":memory:", schemas=[SCHEMA]) as db:
        yield SqliteShortTerm(db, per_session=per_session)


def on_redis(databases: RedisDatabases) -> Opener:
    """Return how to open the store in the database of a directory."""

    @asynccontextmanager
    async def open_redis(directory: Path, *, per_session: int = 200) -> AsyncIterator[ShortTermStore]:
        async with databases.open(directory) as redis:
            yield RedisShortTerm(redis, per_session=per_session, session_days=30)

    return open_redis


DURABLE: dict[str, Opener] = {"sqlite-file": open_sqlite_file}
STORES: dict[str, Opener] = {**DURABLE, "sqlite-memory": open_sqlite_memory}
ON_REDIS: dict[str, Callable[[RedisDatabases], Opener]] = {"redis": on_redis}
