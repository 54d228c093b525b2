"""Opening a file: its mode, its pragmas, and the tables of each store brought up to date."""

import sqlite3
import stat
from pathlib import Path

import pytest

from memoryos_adapters.documents.sqlite import SCHEMA as DOCUMENTS
from memoryos_adapters.due.sqlite import SCHEMA as DUE
from memoryos_adapters.events.sqlite import SCHEMA as EVENTS
from memoryos_adapters.short_term.sqlite import SCHEMA as SHORT_TERM
from memoryos_adapters.sqlite import Schema, SqliteDatabase
from memoryos_ports.errors import ConfigurationError, UpstreamUnavailable
from tests.unit.adapters.sqlite.notes import NOTES, inserting, notes_in

MORE_NOTES = Schema(name="notes", steps=(*NOTES.steps, "ALTER TABLE notes ADD COLUMN colour TEXT DEFAULT 'blue'"))


def mode_of(path: Path) -> int:
    """Return the permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


async def test_the_file_and_its_companions_are_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "notes.db"
    async with SqliteDatabase.open(path, schemas=[NOTES]) as db:
        await db.write(inserting("a"))
        assert {entry.name: mode_of(entry) for entry in path.parent.iterdir()} == {
            "notes.db": 0o600,
            "notes.db-wal": 0o600,
            "notes.db-shm": 0o600,
        }
    assert mode_of(path.parent) == 0o700


async def test_a_commit_is_synced_to_the_log(tmp_path: Path) -> None:
    async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[NOTES], busy_timeout_s=1.5) as db:
        pragmas = {
            name: await db.write(lambda connection, name=name: connection.execute(f"PRAGMA {name}").fetchone()[0])  # type: ignore[misc]  # a default binds the name
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        }
    full = 2
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 1500,
    }


async def test_the_tables_of_every_store_live_in_one_file(tmp_path: Path) -> None:
    for _ in range(2):
        async with SqliteDatabase.open(tmp_path / "all.db", schemas=[SHORT_TERM, EVENTS, DOCUMENTS, DUE]) as db:
            await db.ping()


async def test_an_older_file_gets_the_steps_that_it_lacks(tmp_path: Path) -> None:
    async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[NOTES]) as db:
        await db.write(inserting("kept"))
    for _ in range(2):
        async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[MORE_NOTES]) as db:
            rows = await db.read(lambda connection: connection.execute("SELECT text, colour FROM notes").fetchall())
            assert rows == [("kept", "blue")]


async def test_a_file_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    async with SqliteDatabase.open(path, schemas=[MORE_NOTES]) as db:
        await db.write(lambda connection: connection.execute("INSERT INTO notes (text) VALUES ('kept')").rowcount)
    with pytest.raises(ConfigurationError) as caught:
        async with SqliteDatabase.open(path, schemas=[NOTES, DOCUMENTS]):
            pass
    assert caught.value.faults == (f"{path}: notes is of version 2, this program knows 1",)
    async with SqliteDatabase.open(path, schemas=[MORE_NOTES]) as db:
        assert await notes_in(db) == ["kept"]


async def test_a_step_that_fails_undoes_the_steps_before_it(tmp_path: Path) -> None:
    broken = Schema(name="notes", steps=(*MORE_NOTES.steps, "no such statement"))
    async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[NOTES]):
        pass
    with pytest.raises(UpstreamUnavailable):
        async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[broken]):
            pass
    async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[MORE_NOTES]) as db:
        await db.ping()


async def test_statements_for_every_opening_run_at_every_opening(tmp_path: Path) -> None:
    schema = Schema(name="notes", steps=NOTES.steps, at_open=("INSERT INTO notes SELECT count(*) FROM notes",))
    for openings in (1, 2, 3):
        async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[schema]) as db:
            assert len(await notes_in(db)) == openings


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_bytes(b"garbage, a good deal of it. " * 400)
    with pytest.raises(UpstreamUnavailable) as caught:
        async with SqliteDatabase.open(path, schemas=[NOTES]):
            pass
    assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)


async def test_a_path_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UpstreamUnavailable) as caught:
        async with SqliteDatabase.open(tmp_path / "file" / "notes.db", schemas=[NOTES]):
            pass
    assert isinstance(caught.value.__cause__, OSError)


async def test_a_file_that_somebody_else_holds_is_refused_after_the_busy_timeout(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    async with SqliteDatabase.open(path, schemas=[NOTES]):
        pass
    foreign = sqlite3.connect(path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(UpstreamUnavailable) as caught:
            async with SqliteDatabase.open(path, schemas=[NOTES], busy_timeout_s=0.01):
                pass
    finally:
        foreign.close()
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
