"""A tiny schema for the tests of the database itself, and the jobs that use it."""

import sqlite3
from collections.abc import Callable

from memoryos_adapters.sqlite import Schema, SqliteDatabase

NOTES = Schema(name="notes", steps=("CREATE TABLE notes (text TEXT PRIMARY KEY)",))


def inserting(*texts: str) -> Callable[[sqlite3.Connection], None]:
    """Return a job that writes notes."""

    def insert(connection: sqlite3.Connection) -> None:
        connection.executemany("INSERT INTO notes VALUES (?)", [(text,) for text in texts])

    return insert


def running(statement: str) -> Callable[[sqlite3.Connection], None]:
    """Return a job that runs one statement."""

    def run(connection: sqlite3.Connection) -> None:
        connection.execute(statement)

    return run


def filling_up(connection: sqlite3.Connection) -> None:
    """Leave the file no page to grow by: from here on its disk is full."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")


def making_room(connection: sqlite3.Connection) -> None:
    """Undo `filling_up`."""
    connection.execute("PRAGMA max_page_count = 1000000")


async def notes_in(db: SqliteDatabase) -> list[str]:
    """Return the notes, in order."""
    return await db.read(
        lambda connection: [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY text")]
    )
