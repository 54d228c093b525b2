"""What is particular to the event log in SQLite: due times, ages, payloads that go, cancelled consumers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from memoryos_adapters.events.sqlite import SCHEMA, SqliteEvents
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_ports.event_wire import encode_event
from memoryos_ports.events import QueueStats
from memoryos_ports.ids import EventId
from tests.contract.events.makers import ANA, make_event, make_receipt
from tests.unit.adapters.sqlite.gate import Gate

PATIENCE_S = 10.0


class ManualClock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the moment that it stands at."""
        return self._now

    def monotonic(self) -> float:
        """Return the same moment in seconds."""
        return self._now.timestamp()

    def advance(self, seconds: float) -> None:
        """Go on by so many seconds."""
        self._now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> ManualClock:
    """The clock of the log."""
    return ManualClock()


@pytest.fixture
async def db() -> AsyncIterator[SqliteDatabase]:
    """The database of the log."""
    async with SqliteDatabase.open(":memory:", schemas=[SCHEMA]) as opened:
        yield opened


@pytest.fixture
def log(db: SqliteDatabase, clock: ManualClock) -> SqliteEvents:
    """The log under test."""
    return SqliteEvents(db, clock)


async def payloads_in(db: SqliteDatabase, table: str) -> list[bytes]:
    """Return the payloads that a table holds."""
    return await db.read(
        lambda connection: [payload for (payload,) in connection.execute(f"SELECT payload FROM {table}")]
    )


async def test_a_left_event_is_due_to_the_moment(log: SqliteEvents, clock: ManualClock) -> None:
    await log.publish(make_event())
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.leave(delivery, error="no", retry_in_s=2.5)
    clock.advance(2.499999)
    assert await log.receive(limit=1, wait_s=0) == []
    clock.advance(0.000001)
    assert [each.event_id for each in await log.receive(limit=1, wait_s=0)] == ["e1"]


async def test_what_is_due_again_comes_before_what_is_newer(log: SqliteEvents) -> None:
    await log.publish(make_event("e1"))
    await log.publish(make_event("e2"))
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.leave(delivery, error="no", retry_in_s=0)
    assert [each.event_id for each in await log.receive(limit=2, wait_s=0)] == ["e1", "e2"]


async def test_the_oldest_age_counts_from_publication_and_ends_with_the_event(
    log: SqliteEvents, clock: ManualClock
) -> None:
    await log.publish(make_event("e1"))
    clock.advance(5)
    await log.publish(make_event("e2"))
    clock.advance(2)
    assert await log.stats() == QueueStats(length=2, oldest_age_s=7.0, dead=0)
    first, second = await log.receive(limit=2, wait_s=0)
    await log.ack(first)
    assert await log.stats() == QueueStats(length=1, oldest_age_s=2.0, dead=0)
    await log.bury(second, error="no")
    assert await log.stats() == QueueStats(length=0, oldest_age_s=0.0, dead=1)


async def test_purge_goes_by_the_moment_at_which_the_event_was_stored(log: SqliteEvents, clock: ManualClock) -> None:
    await log.publish(make_event("e1"))
    clock.advance(100)
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.ack(delivery)
    assert await log.purge(before=clock.now()) == 0
    clock.advance(0.000001)
    assert await log.purge(before=clock.now()) == 1
    assert (await log.publish(make_event("e1"))).outcome == "new"


async def test_the_payload_of_a_stored_event_is_dropped(db: SqliteDatabase, log: SqliteEvents) -> None:
    await log.publish(make_event())
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.ack(delivery)
    assert await payloads_in(db, "event_queue") == []
    assert await payloads_in(db, "event_dead_letters") == []


async def test_the_payload_of_a_dead_event_is_kept_untouched(db: SqliteDatabase, log: SqliteEvents) -> None:
    await log.publish(make_event())
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.bury(delivery, error="no")
    assert await payloads_in(db, "event_queue") == []
    assert await payloads_in(db, "event_dead_letters") == [encode_event(make_event())]


async def test_a_consumer_that_is_cancelled_while_it_is_handed_something_gives_it_back(
    db: SqliteDatabase, log: SqliteEvents
) -> None:
    await log.publish(make_event())
    consumer = asyncio.create_task(log.receive(limit=1, wait_s=PATIENCE_S))
    await asyncio.sleep(0)  # it asks
    consumer.cancel()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(asyncio.CancelledError):
            await consumer
        (delivery,) = await log.receive(limit=1, wait_s=0)
    assert (delivery.event_id, delivery.attempts) == ("e1", 0)


async def test_what_a_cancelled_publisher_queued_reaches_a_waiting_consumer(log: SqliteEvents) -> None:
    async with asyncio.timeout(PATIENCE_S):
        consumer = asyncio.create_task(log.receive(limit=1, wait_s=2 * PATIENCE_S))
        await log.receipt(ANA, EventId("e1"))  # the consumer has looked, and waits
        publisher = asyncio.create_task(log.publish(make_event()))
        await asyncio.sleep(0)
        publisher.cancel()
        assert [each.event_id for each in await consumer] == ["e1"]


async def test_what_is_announced_while_a_consumer_looks_is_not_missed(db: SqliteDatabase, log: SqliteEvents) -> None:
    gate = Gate()
    async with asyncio.timeout(PATIENCE_S):
        held = asyncio.create_task(db.write(gate))
        await gate.entered()
        consumer = asyncio.create_task(log.receive(limit=1, wait_s=2 * PATIENCE_S))
        publisher = asyncio.create_task(log.publish(make_event()))
        await asyncio.sleep(0)  # the look and the publication queue up, in this order
        publisher.cancel()
        gate.open()
        assert [each.event_id for each in await consumer] == ["e1"]
        await held


async def test_a_receipt_keeps_the_last_error_when_the_event_is_stored_after_all(log: SqliteEvents) -> None:
    event = make_event()
    await log.publish(event)
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.leave(delivery, error="stumbled", retry_in_s=0)
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.ack(delivery)
    assert await log.receipt(ANA, event.event_id) == make_receipt(event, "stored", attempts=2, error="stumbled")
