"""What was erased is not legible in the files either: neither in the database nor in its log."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
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
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_ports.errors import UpstreamUnavailable
from memoryos_ports.ids import Scope, SessionId, TenantId, UserId
from tests.contract.events.makers import NOW, make_event
from tests.contract.short_term.makers import make_page
from tests.unit.adapters.sqlite.notes import NOTES, inserting, notes_in, running

SECRET = "quetzalcoatlus"
ZOE = Scope(tenant_id=TenantId("acme"), user_id=UserId("zoe-who-leaves"))


async def fill(db: SqliteDatabase) -> None:
    """Put the secret wherever a scope has text, dead letters and removed turns among it."""
    log = SqliteEvents(db, SystemClock())
    for event_id in ("stored", "dead", "queued"):
        await log.publish(make_event(f"{event_id}-{SECRET}", SECRET, scope=ZOE))
    stored, dead = await log.receive(limit=2, wait_s=0)
    await log.ack(stored)
    await log.bury(dead, error=SECRET)
    page = make_page(SECRET, scope=ZOE)
    await SqliteShortTerm(db).append([page])
    await SqliteShortTerm(db).remove(ZOE, [page.id])
    await SqliteShortTerm(db).append([make_page(f"{SECRET} again", scope=ZOE)])
    await SqliteDocuments(db, SystemClock()).put(ZOE, "profile", SECRET, SECRET.encode())
    await SqliteDue(db, SystemClock()).add(ZOE, at=NOW)


async def erase(db: SqliteDatabase) -> None:
    """Erase the scope everywhere."""
    await SqliteEvents(db, SystemClock()).erase(ZOE)
    await SqliteShortTerm(db).erase(ZOE)
    await SqliteDocuments(db, SystemClock()).erase(ZOE)
    await SqliteDue(db, SystemClock()).erase(ZOE)


def contents_of(directory: Path) -> bytes:
    """Return the bytes of every file of a directory."""
    return b"".join(path.read_bytes() for path in directory.iterdir())


def traces_in(directory: Path) -> list[str]:
    """Return what the files still say of the scope."""
    return [trace for trace in (SECRET, ZOE.user_id) if trace.encode() in contents_of(directory)]


async def test_nothing_of_an_erased_scope_is_left_in_the_closed_file(tmp_path: Path) -> None:
    schemas = [SHORT_TERM, EVENTS, DOCUMENTS, DUE]
    for job in (fill, erase):
        async with SqliteDatabase.open(tmp_path / "all.db", schemas=schemas) as db:
            await job(db)
        assert traces_in(tmp_path) == ([SECRET, ZOE.user_id] if job is fill else [])


async def test_nothing_of_an_erased_scope_is_left_in_the_files_in_use(tmp_path: Path) -> None:
    async with SqliteDatabase.open(tmp_path / "all.db", schemas=[SHORT_TERM, EVENTS, DOCUMENTS, DUE]) as db:
        await fill(db)
        assert traces_in(tmp_path) == [SECRET, ZOE.user_id]

        await erase(db)

        assert traces_in(tmp_path) == []


ERASURES: dict[str, Callable[[SqliteDatabase], Awaitable[object]]] = {
    "events": lambda db: SqliteEvents(db, SystemClock()).erase(ZOE),
    "session": lambda db: SqliteEvents(db, SystemClock()).erase(ZOE, session_id=SessionId("s1")),
    "short-term": lambda db: SqliteShortTerm(db).erase(ZOE),
    "documents": lambda db: SqliteDocuments(db, SystemClock()).erase(ZOE),
    "due": lambda db: SqliteDue(db, SystemClock()).erase(ZOE),
}


@pytest.mark.parametrize("erase_one", ERASURES.values(), ids=[*ERASURES])
async def test_every_store_empties_the_log(
    erase_one: Callable[[SqliteDatabase], Awaitable[object]], tmp_path: Path
) -> None:
    async with SqliteDatabase.open(tmp_path / "all.db", schemas=[SHORT_TERM, EVENTS, DOCUMENTS, DUE]) as db:
        await fill(db)

        await erase_one(db)

        assert (tmp_path / "all.db-wal").stat().st_size == 0


async def test_an_erasure_behind_which_somebody_reads_on_is_told_and_ends_when_it_is_repeated(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    async with SqliteDatabase.open(path, schemas=[NOTES], busy_timeout_s=0.02) as db:
        await db.write(inserting(SECRET))
        with closing(sqlite3.connect(path)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT text FROM notes").fetchall() == [(SECRET,)]
            with pytest.raises(UpstreamUnavailable, match="the log is being read"):
                await db.erase(running("DELETE FROM notes"))
            assert await notes_in(db) == []
            await db.write(inserting("others go on"))
        await db.erase(running("DELETE FROM notes WHERE text = 'nobody'"))

        assert traces_in(tmp_path) == []
        assert await notes_in(db) == ["others go on"]


async def test_a_job_that_fails_is_told_of_its_own_failure(db: SqliteDatabase) -> None:
    with pytest.raises(UpstreamUnavailable, match="no such table"):
        await db.erase(running("DELETE FROM nowhere"))
