"""Faults of the disk and the file, as they come out of the stores: errors of our tree, and nothing half written."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.documents.sqlite import SCHEMA as DOCUMENTS
from memoryos_adapters.documents.sqlite import SqliteDocuments
from memoryos_adapters.due.sqlite import SCHEMA as DUE
from memoryos_adapters.due.sqlite import SqliteDue
from memoryos_adapters.events.sqlite import SCHEMA as EVENTS
from memoryos_adapters.events.sqlite import SqliteEvents
from memoryos_adapters.short_term.sqlite import SCHEMA as SHORT_TERM
from memoryos_adapters.short_term.sqlite import SqliteShortTerm
from memoryos_adapters.sqlite import Schema, SqliteDatabase
from memoryos_ports.due import Lease
from memoryos_ports.errors import StorageFull, UpstreamUnavailable
from memoryos_ports.events import Delivery
from memoryos_ports.ids import EventId, SessionId
from tests.contract.events.makers import ANA, make_event
from tests.contract.short_term.makers import make_page
from tests.unit.adapters.sqlite.notes import filling_up, making_room, running

ALL: tuple[Schema, ...] = (SHORT_TERM, EVENTS, DOCUMENTS, DUE)
LARGE = "tea " * 50_000
Call = Callable[[SqliteDatabase], Awaitable[object]]


def events(db: SqliteDatabase) -> SqliteEvents:
    """Return the event log in a database."""
    return SqliteEvents(db, SystemClock())


def documents(db: SqliteDatabase) -> SqliteDocuments:
    """Return the documents in a database."""
    return SqliteDocuments(db, SystemClock())


def due(db: SqliteDatabase) -> SqliteDue:
    """Return the due-set in a database."""
    return SqliteDue(db, SystemClock())


NOW = datetime(2026, 3, 1, tzinfo=UTC)
LEASE = Lease(scope=ANA, fence=1, until=NOW)
DELIVERY = Delivery(handle="1", payload=b"", attempts=0, event_id=EventId("e1"))
WRITES: dict[str, Call] = {
    "append": lambda db: SqliteShortTerm(db).append([make_page(LARGE)]),
    "mark_indexed": lambda db: SqliteShortTerm(db).mark_indexed(ANA, [make_page("a").id]),
    "remove": lambda db: SqliteShortTerm(db).remove(ANA, [make_page("a").id]),
    "replace": lambda db: SqliteShortTerm(db).replace(make_page(LARGE)),
    "erase turns": lambda db: SqliteShortTerm(db).erase(ANA),
    "publish": lambda db: events(db).publish(make_event("e9", LARGE)),
    "receive": lambda db: events(db).receive(limit=1, wait_s=0),
    "ack": lambda db: events(db).ack(DELIVERY),
    "leave": lambda db: events(db).leave(DELIVERY, error="no", retry_in_s=0),
    "bury": lambda db: events(db).bury(DELIVERY, error="no"),
    "purge": lambda db: events(db).purge(before=datetime(2100, 1, 1, tzinfo=UTC)),
    "erase events": lambda db: events(db).erase(ANA),
    "put": lambda db: documents(db).put(ANA, "profile", "main", LARGE.encode()),
    "delete": lambda db: documents(db).delete(ANA, "profile", ["kept"]),
    "erase documents": lambda db: documents(db).erase(ANA),
    "add": lambda db: due(db).add(ANA, at=NOW),
    "claim": lambda db: due(db).claim(limit=10, lease_s=60),
    "finish": lambda db: due(db).finish(LEASE, again_at=NOW),
    "erase due": lambda db: due(db).erase(ANA),
}
READS: dict[str, Call] = {
    "recent": lambda db: SqliteShortTerm(db).recent(ANA, SessionId("s1"), limit=10),
    "unindexed": lambda db: SqliteShortTerm(db).unindexed(ANA, limit=10),
    "receipt": lambda db: events(db).receipt(ANA, EventId("e1")),
    "settled": lambda db: events(db).settled(ANA, EventId("e1"), timeout_s=0),
    "stats": lambda db: events(db).stats(),
    "get": lambda db: documents(db).get(ANA, "profile", ["main"]),
    "list_documents": lambda db: documents(db).list_documents(ANA, "profile", limit=10),
    "holds": lambda db: due(db).holds(LEASE),
    "ping": lambda db: events(db).ping(),
}
GROWING = ("append", "publish", "put")


async def dump(db: SqliteDatabase) -> list[str]:
    """Return everything that a database holds, as statements."""
    return await db.write(lambda connection: list(connection.iterdump()))


def empty_the_log(path: Path) -> None:
    """Move what is in the write-ahead log into the file itself."""
    foreign = sqlite3.connect(path)
    foreign.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    foreign.close()


@pytest.mark.parametrize("call", GROWING)
async def test_a_full_disk_refuses_the_write_whole_and_takes_it_when_there_is_room(call: str, tmp_path: Path) -> None:
    async with SqliteDatabase.open(tmp_path / "all.db", schemas=ALL) as db, asyncio.timeout(10):
        await events(db).publish(make_event("kept"))
        before = await dump(db)
        await db.write(filling_up)
        for _ in range(2):
            with pytest.raises(StorageFull) as caught:
                await WRITES[call](db)
            assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
            assert await dump(db) == before
        await READS["stats"](db)
        await db.write(making_room)
        await WRITES[call](db)
        assert await dump(db) != before


async def test_on_a_full_disk_nobody_is_told_that_a_lost_write_was_stored(tmp_path: Path) -> None:
    async with SqliteDatabase.open(tmp_path / "all.db", schemas=ALL) as db, asyncio.timeout(10):
        await db.write(filling_up)
        log = events(db)
        published = [log.publish(make_event(f"e{number}", "tea " * 400)) for number in range(40)]
        outcomes = await asyncio.gather(*published, return_exceptions=True)
        stored = [f"e{number}" for number, outcome in enumerate(outcomes) if not isinstance(outcome, BaseException)]
        assert {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)} == {StorageFull}
        assert [each.event_id for each in await log.receive(limit=100, wait_s=0)] == stored


@pytest.mark.parametrize("call", WRITES)
async def test_a_file_that_somebody_else_locks_refuses_writes_until_it_is_free(call: str, tmp_path: Path) -> None:
    path = tmp_path / "all.db"
    async with SqliteDatabase.open(path, schemas=ALL, busy_timeout_s=0.01) as db, asyncio.timeout(10):
        foreign = sqlite3.connect(path, isolation_level=None)
        foreign.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(UpstreamUnavailable) as caught:
                await WRITES[call](db)
            for read in READS.values():
                await read(db)
        finally:
            foreign.close()
        assert caught.value.upstream == "sqlite"
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
        await WRITES[call](db)


@pytest.mark.parametrize("call", GROWING)
async def test_a_file_that_cannot_be_written_refuses_writes(call: str, tmp_path: Path) -> None:
    async with SqliteDatabase.open(tmp_path / "all.db", schemas=ALL) as db, asyncio.timeout(10):
        await db.write(running("PRAGMA query_only = ON"))
        with pytest.raises(UpstreamUnavailable) as caught:
            await WRITES[call](db)
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)


@pytest.mark.parametrize("call", [*WRITES, *READS])
@pytest.mark.parametrize("path", ["file", ":memory:"])
async def test_a_closed_database_refuses_everything(call: str, path: str, tmp_path: Path) -> None:
    async with SqliteDatabase.open(path if path == ":memory:" else tmp_path / "all.db", schemas=ALL) as db:
        pass
    async with asyncio.timeout(10):
        with pytest.raises(UpstreamUnavailable):
            await (WRITES | READS)[call](db)


@pytest.mark.parametrize("call", READS)
async def test_a_file_overwritten_with_garbage_refuses_reads(call: str, tmp_path: Path) -> None:
    path = tmp_path / "all.db"
    async with SqliteDatabase.open(path, schemas=ALL) as db, asyncio.timeout(10):
        empty_the_log(path)
        path.write_bytes(b"\xa5" * path.stat().st_size)
        with pytest.raises(UpstreamUnavailable) as caught:
            await READS[call](db)
        assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)


async def test_a_row_that_cannot_be_read_is_an_error_of_the_store(tmp_path: Path) -> None:
    async with SqliteDatabase.open(tmp_path / "all.db", schemas=ALL) as db, asyncio.timeout(10):
        await SqliteShortTerm(db).append([make_page("a")])
        await db.write(running("UPDATE turns SET page = CAST('{\"id\": 7' AS BLOB)"))
        with pytest.raises(UpstreamUnavailable):
            await SqliteShortTerm(db).recent(ANA, SessionId("s1"), limit=10)
