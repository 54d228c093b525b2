"""A file as the first version wrote it (`first_version.sql`, recorded): it opens, and what it holds is understood."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memoryos_adapters.documents.sqlite import SCHEMA as DOCUMENTS
from memoryos_adapters.documents.sqlite import SqliteDocuments
from memoryos_adapters.due.sqlite import SCHEMA as DUE
from memoryos_adapters.due.sqlite import SqliteDue
from memoryos_adapters.events.sqlite import SCHEMA as EVENTS
from memoryos_adapters.events.sqlite import SqliteEvents
from memoryos_adapters.short_term.sqlite import SCHEMA as SHORT_TERM
from memoryos_adapters.short_term.sqlite import SqliteShortTerm
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_ports.event_wire import decode_event
from memoryos_ports.ids import EventId
from tests.contract.events.makers import ANA, make_event, make_receipt
from tests.contract.short_term.makers import S1, make_page
from tests.support.memory_stack import FixedClock

RECORDED = Path(__file__).with_name("first_version.sql")
NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """The recorded file, opened."""
    path = tmp_path / "memory.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(RECORDED.read_text())
    async with SqliteDatabase.open(path, schemas=[SHORT_TERM, EVENTS, DOCUMENTS, DUE]) as opened:
        yield opened


@pytest.fixture
def log(db: SqliteDatabase) -> SqliteEvents:
    """The event log in it."""
    return SqliteEvents(db, FixedClock(NOW), max_queue=3)


async def test_turns_without_the_newer_fields_are_read(db: SqliteDatabase) -> None:
    tea, coffee = make_page("tea", name="Ana", metadata={"mood": "fine"}), make_page("coffee", at=1)
    store = SqliteShortTerm(db)
    assert await store.recent(ANA, S1, limit=10) == [tea, coffee]
    assert await store.unindexed(ANA, limit=10) == [coffee]
    assert [(page.follows, page.quarantined) for page in (tea, coffee)] == [(None, False)] * 2


async def test_turns_that_were_removed_stay_removed(db: SqliteDatabase) -> None:
    store = SqliteShortTerm(db)
    await store.append([make_page("milk")])
    assert len(await store.recent(ANA, S1, limit=10)) == 2


async def test_events_are_in_the_state_that_they_had(log: SqliteEvents) -> None:
    receipts = [await log.receipt(ANA, EventId(name)) for name in ("stored", "dead", "held", "queued")]
    assert receipts == [
        make_receipt(make_event("stored"), "stored", attempts=1),
        make_receipt(make_event("dead"), "dead", attempts=1, error="no"),
        make_receipt(make_event("held"), attempts=1, error="the process that applied it ended"),
        make_receipt(make_event("queued")),
    ]


async def test_events_without_the_newer_fields_are_read(log: SqliteEvents) -> None:
    deliveries = await log.receive(limit=10, wait_s=0)
    events = [decode_event(each.payload, entry_id=each.handle, received_at=NOW) for each in deliveries]
    assert events == [make_event("held"), make_event("queued")]
    assert {event.follows for event in events} == {None}


async def test_waiting_events_are_counted_and_new_ones_get_handles_of_their_own(log: SqliteEvents) -> None:
    stats = await log.stats()
    assert (stats.length, stats.dead) == (2, 1)
    assert (await log.publish(make_event("new"))).outcome == "new"
    assert (await log.stats()).length == 3
    deliveries = await log.receive(limit=10, wait_s=0)
    assert [(each.event_id, each.handle) for each in deliveries] == [("held", "3"), ("queued", "4"), ("new", "5")]


async def test_documents_are_there_and_nothing_is_due(db: SqliteDatabase) -> None:
    found = await SqliteDocuments(db, FixedClock(NOW)).get(ANA, "profile", ["main"])
    assert [(document.version, document.body) for document in found.values()] == [(1, b"{}")]
    assert await SqliteDue(db, FixedClock(NOW)).claim(limit=10, lease_s=60) == []
