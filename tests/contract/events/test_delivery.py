"""What every event log promises about handing events out, and about ack, leave and bury."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memoryos_ports.event_wire import encode_event
from memoryos_ports.events import EventLog
from tests.contract.events.logs import Opener
from tests.contract.events.makers import ANA, make_event, make_receipt

PATIENCE_S = 10.0


async def publish(log: EventLog, *event_ids: str) -> None:
    """Publish an event for each id."""
    for event_id in event_ids:
        await log.publish(make_event(event_id))


async def ids_of_received(log: EventLog, *, limit: int = 10, wait_s: float = 0) -> list[str | None]:
    """Receive, and return the ids of the events."""
    async with asyncio.timeout(PATIENCE_S):
        return [delivery.event_id for delivery in await log.receive(limit=limit, wait_s=wait_s)]


async def test_a_delivery_carries_the_payload_as_it_was_published(log: EventLog) -> None:
    event = make_event()
    await log.publish(event)
    (delivery,) = await log.receive(limit=1, wait_s=0)
    assert (delivery.payload, delivery.attempts, delivery.event_id) == (encode_event(event), 0, event.event_id)
    assert await log.receipt(ANA, event.event_id) == make_receipt(event, "processing")


async def test_receive_gives_the_oldest_first_and_not_more_than_asked_for(log: EventLog) -> None:
    await publish(log, "e3", "e1", "e2")
    assert await ids_of_received(log, limit=2) == ["e3", "e1"]
    assert await ids_of_received(log, limit=2) == ["e2"]


@pytest.mark.parametrize("wait_s", [0, 0.02])
async def test_receive_is_empty_when_nothing_comes(log: EventLog, wait_s: float) -> None:
    assert await ids_of_received(log, wait_s=wait_s) == []


async def test_an_event_is_handed_to_one_consumer_at_a_time(log: EventLog) -> None:
    await publish(log, "e1", "e2", "e3")
    async with asyncio.timeout(PATIENCE_S):
        handed = await asyncio.gather(*(log.receive(limit=2, wait_s=0) for _ in range(3)))
    assert sorted(str(delivery.event_id) for each in handed for delivery in each) == ["e1", "e2", "e3"]


async def test_a_waiting_consumer_gets_what_is_published(log: EventLog) -> None:
    waiting = asyncio.create_task(ids_of_received(log, wait_s=PATIENCE_S))
    await log.receipt(ANA, make_event().event_id)  # a turn of the loop, so that the consumer waits
    await publish(log, "e1")
    assert await waiting == ["e1"]


async def test_two_waiting_consumers_get_one_event_each(log: EventLog) -> None:
    waiting = [asyncio.create_task(ids_of_received(log, limit=1, wait_s=PATIENCE_S)) for _ in range(2)]
    await log.receipt(ANA, make_event().event_id)
    await asyncio.gather(publish(log, "e1"), publish(log, "e2"))
    assert sorted(map(str, await asyncio.gather(*waiting))) == ["['e1']", "['e2']"]


async def test_an_acked_event_is_stored_and_not_handed_out_again(log: EventLog) -> None:
    event = make_event()
    await log.publish(event)
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.ack(delivery)
    await log.ack(delivery)
    assert await log.receipt(ANA, event.event_id) == make_receipt(event, "stored", attempts=1)
    assert await ids_of_received(log) == []


async def test_many_events_are_acked_at_once(log: EventLog) -> None:
    await publish(log, *(f"e{number}" for number in range(30)))
    deliveries = await log.receive(limit=30, wait_s=0)
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*map(log.ack, deliveries))
    assert (await log.stats()).length == 0


async def test_a_left_event_comes_again_when_it_is_due(log: EventLog) -> None:
    event = make_event()
    await log.publish(event)
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.leave(delivery, error="the embedder stumbled", retry_in_s=0.05)
    assert await log.receipt(ANA, event.event_id) == make_receipt(event, attempts=1, error="the embedder stumbled")
    async with asyncio.timeout(PATIENCE_S):
        (again,) = await log.receive(limit=1, wait_s=PATIENCE_S)
    assert (again.payload, again.attempts, again.event_id) == (delivery.payload, 1, event.event_id)


async def test_a_left_event_does_not_come_before_it_is_due(log: EventLog) -> None:
    await publish(log, "e1", "e2")
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.leave(delivery, error="no", retry_in_s=60)
    assert await ids_of_received(log, wait_s=0.02) == ["e2"]
    assert await ids_of_received(log, wait_s=0.02) == []


async def test_a_waiting_consumer_gets_what_another_one_leaves(log: EventLog) -> None:
    await publish(log, "e1")
    (delivery,) = await log.receive(limit=1, wait_s=0)
    waiting = asyncio.create_task(ids_of_received(log, wait_s=PATIENCE_S))
    await log.receipt(ANA, make_event().event_id)
    await log.leave(delivery, error="no", retry_in_s=0)
    assert await waiting == ["e1"]


async def test_an_event_left_through_no_fault_of_its_own_was_not_attempted(log: EventLog) -> None:
    event = make_event()
    await log.publish(event)
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.leave(delivery, error="qdrant is down", retry_in_s=0, attempted=False)
    (again,) = await log.receive(limit=1, wait_s=1)
    assert again.attempts == 0
    assert await log.receipt(ANA, event.event_id) == make_receipt(event, "processing", error="qdrant is down")


async def test_attempts_add_up_and_the_last_error_stays(log: EventLog) -> None:
    event = make_event()
    await log.publish(event)
    for number in range(3):
        (delivery,) = await log.receive(limit=1, wait_s=1)
        assert delivery.attempts == number
        await log.leave(delivery, error=f"failure {number}", retry_in_s=0)
    assert await log.receipt(ANA, event.event_id) == make_receipt(event, attempts=3, error="failure 2")


async def test_a_buried_event_is_dead_and_not_handed_out_again(log: EventLog) -> None:
    event = make_event()
    await log.publish(event)
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.bury(delivery, error="cannot be parsed")
    assert await log.receipt(ANA, event.event_id) == make_receipt(event, "dead", attempts=1, error="cannot be parsed")
    assert await ids_of_received(log) == []


async def test_what_has_ended_cannot_be_left_or_ended_otherwise(log: EventLog) -> None:
    await publish(log, "e1")
    (delivery,) = await log.receive(limit=1, wait_s=0)
    await log.ack(delivery)
    await log.leave(delivery, error="late", retry_in_s=0)
    await log.bury(delivery, error="late")
    assert await log.receipt(ANA, make_event().event_id) == make_receipt(make_event(), "stored", attempts=1)
    assert await ids_of_received(log) == []


async def test_a_delivery_of_a_purged_event_ends_no_other(log: EventLog) -> None:
    await publish(log, "e1")
    (purged,) = await log.receive(limit=1, wait_s=0)
    await log.ack(purged)
    assert await log.purge(before=datetime.now(UTC) + timedelta(hours=1)) == 1
    await publish(log, "e2")
    await log.ack(purged)
    assert await ids_of_received(log) == ["e2"]


async def test_an_event_of_a_dead_consumer_is_handed_out_again_and_was_attempted(
    durable_opener: Opener, tmp_path: Path
) -> None:
    async with durable_opener(tmp_path) as log:
        await publish(log, "e1", "e2", "e3")
        held, left, acked = await log.receive(limit=3, wait_s=0)
        await log.leave(left, error="no", retry_in_s=0, attempted=False)
        await log.ack(acked)
    async with durable_opener(tmp_path) as log, asyncio.timeout(60):
        again: dict[str | None, int] = {}
        while len(again) < 2:
            again |= {each.event_id: each.attempts for each in await log.receive(limit=3, wait_s=1)}
        assert again == {held.event_id: 1, left.event_id: 0}
        assert await ids_of_received(log) == []


async def test_endings_are_there_after_a_restart(durable_opener: Opener, tmp_path: Path) -> None:
    stored, dead = make_event("e1"), make_event("e2")
    async with durable_opener(tmp_path) as log:
        await publish(log, "e1", "e2")
        first, second = await log.receive(limit=2, wait_s=0)
        await log.ack(first)
        await log.bury(second, error="no")
    async with durable_opener(tmp_path) as log:
        assert await log.receipt(ANA, stored.event_id) == make_receipt(stored, "stored", attempts=1)
        assert await log.receipt(ANA, dead.event_id) == make_receipt(dead, "dead", attempts=1, error="no")
        assert await ids_of_received(log) == []
