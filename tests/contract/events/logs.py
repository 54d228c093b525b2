"""Every event log that keeps things, by name: a new adapter is one more entry."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Protocol, runtime_checkable

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.events.outbox import OutboxEvents
from memoryos_adapters.events.outbox_file import OutboxFile
from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.events.sqlite import SCHEMA, SqliteEvents
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.relayed_events import RelayedEvents
from memoryos_adapters.settings import RedisSettings, WorkerSettings
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_ports.events import Event, EventLog
from tests.support.redis_server import RedisServer, database_url
from tests.support.redis_topology import shared_cluster


@runtime_checkable
class Contested(Protocol):
    """A log into which events come in other ways than by a publication, so that one id may have two contents."""

    async def contest(self, event: Event) -> None:
        """Add an event whatever is known of its id."""
        ...


async def insist(log: EventLog, event: Event) -> None:
    """Bring an event in whose id is known with other content, where the log has a way for that."""
    if isinstance(log, Contested):
        await log.contest(event)
    else:
        assert (await log.publish(event)).outcome == "other"


class Opener(Protocol):
    """Opens a log for one consumer process.

    Opened again over the same directory, it is the process that comes after the one that died: what that one held
    must be handed out again within seconds.
    """

    def __call__(self, directory: Path, *, max_queue: int = 1_000) -> AbstractAsyncContextManager[EventLog]:
        """Open it; `directory` is there for whoever needs files, `max_queue` bounds the events that wait."""
        ...


@asynccontextmanager
async def open_sqlite_file(directory: Path, *, max_queue: int = 1_000) -> AsyncIterator[EventLog]:
    """Open the log in a file of the directory; opened again, it holds what it held."""
    async with SqliteDatabase.open(directory / "memoryos.db", schemas=[SCHEMA]) as db:
        yield SqliteEvents(db, SystemClock(), max_queue=max_queue)


@asynccontextmanager
async def open_sqlite_memory(directory: Path, *, max_queue: int = 1_000) -> AsyncIterator[EventLog]:
    """Open an empty log in memory."""
    async with SqliteDatabase.open(":memory:", schemas=[SCHEMA]) as db:
        yield SqliteEvents(db, SystemClock(), max_queue=max_queue)


@asynccontextmanager
async def open_redis(directory: Path, *, max_queue: int = 1_000) -> AsyncIterator[EventLog]:
    """Open the log in a database of Redis that is the directory's own; what was held is taken over after 200 ms."""
    consuming = WorkerSettings(claim_idle_ms=200)
    async with (
        RedisDatabase.open(RedisSettings(url=database_url(directory))) as redis,
        RedisEvents.open(redis, SystemClock(), consuming, max_queue=max_queue) as events,
    ):
        yield events


@asynccontextmanager
async def open_redis_cluster(directory: Path, *, max_queue: int = 1_000) -> AsyncIterator[EventLog]:
    """Open the log in a cluster, which is emptied for each directory."""
    servers = empty_cluster_of(directory)
    consuming = WorkerSettings(stream="{chat_log}", claim_idle_ms=200)
    async with (
        RedisDatabase.open(RedisSettings(url=servers[0].url, mode="cluster")) as redis,
        RedisEvents.open(redis, SystemClock(), consuming, max_queue=max_queue) as events,
    ):
        yield events


@asynccontextmanager
async def open_outbox(directory: Path, *, max_queue: int = 1_000) -> AsyncIterator[EventLog]:
    """Open the log in Redis behind an outbox, which nothing has to go through."""

    async def contest(event: Event) -> None:
        raise AssertionError(f"{event.event_id} went through the outbox")

    async with (
        open_redis(directory, max_queue=max_queue) as remote,
        SqliteDatabase.open(directory / "outbox.db", schemas=[SCHEMA]) as db,
    ):
        outbox = OutboxEvents(remote, OutboxFile(db, SystemClock()), SystemClock(), contest=contest)
        delivering = asyncio.create_task(outbox.run())
        try:
            yield _WithLetters(outbox, remote)
        finally:
            delivering.cancel()
            await asyncio.wait({delivering})


class _WithLetters(RelayedEvents):
    """The outbox, and beside it the dead letters, which are the remote log's."""

    def __init__(self, outbox: OutboxEvents, remote: EventLog) -> None:
        super().__init__(outbox)
        assert isinstance(remote, RedisEvents)
        self.list_dead, self.find, self.replay, self.drop = remote.list_dead, remote.find, remote.replay, remote.drop
        self.contest = remote.contest


@cache
def empty_cluster_of(directory: Path) -> list[RedisServer]:
    """Return the servers of a cluster, emptied when the directory is a new one."""
    servers = shared_cluster()
    for server in servers:
        server.flush()
    return servers


DURABLE: dict[str, Opener] = {
    "sqlite-file": open_sqlite_file,
    "redis": open_redis,
    "redis-cluster": open_redis_cluster,
    "outbox": open_outbox,
}
SHARED: dict[str, Opener] = {name: DURABLE[name] for name in ("redis", "redis-cluster")}
"""Those that may be open in several processes at once."""
LOGS: dict[str, Opener] = {**DURABLE, "sqlite-memory": open_sqlite_memory}
