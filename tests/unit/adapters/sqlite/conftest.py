"""Databases to test with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_adapters.sqlite import SqliteDatabase
from tests.unit.adapters.sqlite.notes import NOTES


@pytest.fixture(params=["file", "memory"])
async def db(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """A database with the table of notes."""
    path = ":memory:" if request.param == "memory" else tmp_path / "notes.db"
    async with SqliteDatabase.open(path, schemas=[NOTES], busy_timeout_s=0.02) as opened:
        yield opened
