"""The database engine: order, groups, isolation of jobs, bounds, cancellation and closing."""

import asyncio
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from memoryos_adapters.micros import from_micros, to_micros
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_ports.errors import InvalidInput, Overloaded, UpstreamUnavailable
from tests.unit.adapters.sqlite.gate import Gate
from tests.unit.adapters.sqlite.notes import NOTES, inserting, notes_in, running

PATIENCE_S = 10.0


async def test_write_returns_what_the_job_returns(db: SqliteDatabase) -> None:
    assert await db.write(lambda connection: connection.execute("SELECT 7").fetchone()) == (7,)


async def test_a_read_sees_what_was_written_before(db: SqliteDatabase) -> None:
    for number in range(20):
        await db.write(inserting(f"{number:02}"))
        assert len(await notes_in(db)) == number + 1


async def test_a_read_cannot_change_a_file(tmp_path: Path) -> None:
    async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[NOTES]) as db:
        with pytest.raises(UpstreamUnavailable):
            await db.read(inserting("a"))
        assert await notes_in(db) == []


async def test_jobs_run_in_the_order_of_their_calls(db: SqliteDatabase) -> None:
    order: list[int] = []

    def noting(number: int) -> None:
        order.append(number)

    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(db.write(lambda _, number=number: noting(number)) for number in range(50)))  # type: ignore[misc]  # a default binds the number
    assert order == list(range(50))


async def test_jobs_that_wait_share_one_commit(tmp_path: Path) -> None:
    gate = Gate()
    async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[NOTES]) as db, asyncio.timeout(PATIENCE_S):
        statements: list[str] = []
        await db.write(lambda connection: connection.set_trace_callback(statements.append))
        async with asyncio.TaskGroup() as group:
            group.create_task(db.write(gate))
            await gate.entered()
            statements.clear()
            for number in range(30):
                group.create_task(db.write(inserting(str(number))))
            await asyncio.sleep(0)  # the tasks start, and queue their jobs
            gate.open()
        assert statements.count("COMMIT") == 2  # that of the gate, that of the thirty
        assert len(await notes_in(db)) == 30


async def test_a_failing_job_rolls_back_alone(db: SqliteDatabase) -> None:
    def failing(connection: sqlite3.Connection) -> None:
        inserting("half done")(connection)
        raise InvalidInput("no", param="text")

    gate = Gate()
    held = asyncio.create_task(db.write(gate))
    jobs = [asyncio.create_task(db.write(job)) for job in (inserting("a"), failing, inserting("b"), inserting("a"))]
    await gate.entered()
    gate.open()
    async with asyncio.timeout(PATIENCE_S):
        await held
        first, second, third, fourth = await asyncio.gather(*jobs, return_exceptions=True)
    assert (first, third) == (None, None)
    assert isinstance(second, InvalidInput)
    assert isinstance(fourth, UpstreamUnavailable)
    assert isinstance(fourth.__cause__, sqlite3.IntegrityError)
    assert await notes_in(db) == ["a", "b"]


async def test_when_the_commit_fails_every_job_of_the_group_fails_and_the_next_works(tmp_path: Path) -> None:
    async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[NOTES]) as db, asyncio.timeout(PATIENCE_S):
        await db.write(running("CREATE TABLE children (note TEXT REFERENCES notes DEFERRABLE INITIALLY DEFERRED)"))
        gate = Gate()
        held = asyncio.create_task(db.write(gate))
        await gate.entered()
        jobs = [
            asyncio.create_task(db.write(job)) for job in (inserting("a"), running("INSERT INTO children VALUES ('x')"))
        ]
        await asyncio.sleep(0)
        gate.open()
        await held
        outcomes = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [UpstreamUnavailable, UpstreamUnavailable]
        assert await notes_in(db) == []
        await db.write(inserting("b"))
        assert await notes_in(db) == ["b"]


async def test_the_queue_is_bounded(tmp_path: Path) -> None:
    gate = Gate()
    async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[NOTES], max_queue=2) as db:
        held = asyncio.create_task(db.write(gate))
        await gate.entered()
        waiting = [asyncio.create_task(db.write(inserting(text))) for text in ("a", "b")]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await db.write(inserting("c"))
        gate.open()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(held, *waiting)
        await db.write(inserting("d"))
        assert await notes_in(db) == ["a", "b", "d"]


async def test_the_job_of_a_cancelled_caller_leaves_nothing_behind(db: SqliteDatabase) -> None:
    gate = Gate()
    held = asyncio.create_task(db.write(gate))
    await gate.entered()
    jobs = (inserting("a"), running("no such statement"), inserting("b"))
    first, second, third = [asyncio.create_task(db.write(job)) for job in jobs]
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    gate.open()
    async with asyncio.timeout(PATIENCE_S):
        outcomes = await asyncio.gather(held, first, second, third, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        asyncio.CancelledError,
        asyncio.CancelledError,
        type(None),
    ]
    assert await notes_in(db) == ["a", "b"]


async def test_closing_waits_for_the_jobs_that_wait(tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[NOTES]) as db:
            jobs = [asyncio.create_task(db.write(inserting(str(number)))) for number in range(9)]
            await asyncio.sleep(0)
        await asyncio.gather(*jobs)
        async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[NOTES]) as db:
            assert await notes_in(db) == [str(number) for number in range(9)]


async def test_closing_ends_the_threads_and_tidies_the_directory(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    async with SqliteDatabase.open(tmp_path / "notes.db", schemas=[NOTES]) as db:
        await db.write(inserting("a"))
        await notes_in(db)
        own = {thread for thread in set(threading.enumerate()) - before if thread.name == "sqlite"}
    assert own
    assert not own & set(threading.enumerate())
    assert os.listdir(tmp_path) == ["notes.db"]


async def test_two_databases_in_memory_share_nothing() -> None:
    async with (
        SqliteDatabase.open(":memory:", schemas=[NOTES]) as one,
        SqliteDatabase.open(":memory:", schemas=[NOTES]) as two,
    ):
        await one.write(inserting("a"))
        assert await notes_in(two) == []


@pytest.mark.parametrize("micros", [-62_135_596_800_000_000, -1, 0, 1, 253_402_300_799_999_999])
def test_moments_keep_their_microseconds(micros: int) -> None:
    assert to_micros(from_micros(micros)) == micros
