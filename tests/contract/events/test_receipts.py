"""What every event log promises about receipts, waiting for them, figures and purging."""

import asyncio
from datetime import UTC, datetime, timedelta

from memoryos_ports.events import Delivery, EventLog, QueueStats
from memoryos_ports.ids import EventId
from tests.contract.events.makers import ANA, BOB, make_event, make_receipt

PATIENCE_S = 10.0


async def published_and_received(log: EventLog, event_id: str = "e1") -> Delivery:
    """Publish an event and receive it."""
    await log.publish(make_event(event_id))
    (delivery,) = await log.receive(limit=1, wait_s=PATIENCE_S)
    return delivery


async def test_an_unknown_event_has_no_receipt(log: EventLog) -> None:
    assert await log.receipt(ANA, EventId("nope")) is None


async def test_settled_returns_at_once_what_has_ended(log: EventLog) -> None:
    await log.ack(await published_and_received(log))
    async with asyncio.timeout(PATIENCE_S):
        settled = await log.settled(ANA, EventId("e1"), timeout_s=10 * PATIENCE_S)
    assert settled == make_receipt(make_event(), "stored", attempts=1)


async def test_settled_returns_when_the_event_is_acked(log: EventLog) -> None:
    delivery = await published_and_received(log)
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        waiting = [group.create_task(log.settled(ANA, EventId("e1"), timeout_s=10 * PATIENCE_S)) for _ in range(3)]
        await log.receipt(ANA, EventId("e1"))  # a turn of the loop, so that they wait
        await log.ack(delivery)
    assert [task.result() for task in waiting] == [make_receipt(make_event(), "stored", attempts=1)] * 3


async def test_settled_returns_when_the_event_is_buried(log: EventLog) -> None:
    delivery = await published_and_received(log)
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        waiting = group.create_task(log.settled(ANA, EventId("e1"), timeout_s=10 * PATIENCE_S))
        await log.receipt(ANA, EventId("e1"))
        await log.bury(delivery, error="no")
    assert waiting.result() == make_receipt(make_event(), "dead", attempts=1, error="no")


async def test_settled_may_be_asked_before_the_event_is_published(log: EventLog) -> None:
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        waiting = group.create_task(log.settled(ANA, EventId("e1"), timeout_s=10 * PATIENCE_S))
        await log.ack(await published_and_received(log))
    assert waiting.result() == make_receipt(make_event(), "stored", attempts=1)


async def test_settled_is_not_taken_in_by_the_same_event_id_of_another_scope(log: EventLog) -> None:
    await log.publish(make_event("e1", scope=BOB))
    (bobs,) = await log.receive(limit=1, wait_s=0)
    anas = await published_and_received(log)
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        waiting = group.create_task(log.settled(ANA, EventId("e1"), timeout_s=10 * PATIENCE_S))
        await log.ack(bobs)
        await log.receipt(ANA, EventId("e1"))
        await log.ack(anas)
    assert waiting.result() == make_receipt(make_event(), "stored", attempts=1)


async def test_settled_returns_after_its_time_what_there_is(log: EventLog) -> None:
    await published_and_received(log, "e1")
    await log.publish(make_event("e2"))
    assert await log.settled(ANA, EventId("e1"), timeout_s=0.02) == make_receipt(make_event(), "processing")
    assert await log.settled(ANA, EventId("e2"), timeout_s=0) == make_receipt(make_event("e2"))
    assert await log.settled(ANA, EventId("e3"), timeout_s=0.02) is None


async def test_stats_of_an_empty_log_are_zero(log: EventLog) -> None:
    assert await log.stats() == QueueStats(length=0, oldest_age_s=0.0, dead=0)


async def test_stats_count_what_is_queued_or_processed_and_what_is_dead(log: EventLog) -> None:
    for event_id in ("e1", "e2", "e3", "e4", "e5"):
        await log.publish(make_event(event_id))
    stored, dead, left, _held = await log.receive(limit=4, wait_s=0)
    await log.ack(stored)
    await log.bury(dead, error="no")
    await log.leave(left, error="no", retry_in_s=60)
    stats = await log.stats()
    assert (stats.length, stats.dead) == (3, 1)
    assert stats.oldest_age_s >= 0


async def test_purge_forgets_receipts_of_stored_events_only(log: EventLog) -> None:
    for event_id in ("stored", "dead", "held", "queued"):
        await log.publish(make_event(event_id))
    stored, dead, _held = await log.receive(limit=3, wait_s=0)
    await log.ack(stored)
    await log.bury(dead, error="no")
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await log.purge(before=later) == 1
    assert await log.purge(before=later) == 0
    receipts = [await log.receipt(ANA, EventId(event_id)) for event_id in ("stored", "dead", "held", "queued")]
    states = [receipt.state if receipt else None for receipt in receipts]
    assert states == [None, "dead", "processing", "queued"]


async def test_purge_keeps_what_was_stored_since(log: EventLog) -> None:
    await log.ack(await published_and_received(log))
    assert await log.purge(before=datetime.now(UTC) - timedelta(hours=1)) == 0
    assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event(), "stored", attempts=1)


async def test_ping_returns_when_the_log_answers(log: EventLog) -> None:
    await log.ping()
