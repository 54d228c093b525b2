"""What every event log promises about its dead letters: listed, found, put back, dropped."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from memoryos_ports.dead_letters import DeadLetters
from memoryos_ports.event_wire import encode_event
from memoryos_ports.events import EventLog, Published
from memoryos_ports.ids import EventId
from tests.contract.events.logs import insist
from tests.contract.events.makers import ANA, BOB, make_event, make_receipt

PATIENCE_S = 10.0


@pytest.fixture
def letters(log: EventLog) -> DeadLetters:
    """The dead letters of the log."""
    assert isinstance(log, DeadLetters)
    return log


async def bury(log: EventLog, *event_ids: str) -> None:
    """Publish events and bury them, each with a reason of its own."""
    for event_id in event_ids:
        await log.publish(make_event(event_id))
        (delivery,) = await log.receive(limit=1, wait_s=PATIENCE_S)
        await log.bury(delivery, error=f"{event_id} is broken")


async def bury_what_is_there(log: EventLog, *, error: str) -> None:
    """Bury the events that are due."""
    for delivery in await log.receive(limit=10, wait_s=0.3):
        await log.bury(delivery, error=error)


async def ids_of(letters: DeadLetters) -> list[str]:
    """Return the ids of all dead letters."""
    return [letter.id for letter in await letters.list_dead(limit=100)]


async def test_there_are_none_at_first(letters: DeadLetters) -> None:
    assert await letters.list_dead(limit=10) == []


async def test_a_dead_letter_tells_whose_it_was_and_why(log: EventLog, letters: DeadLetters) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    await bury(log, "e1")
    (letter,) = await letters.list_dead(limit=10)
    assert (letter.event_id, letter.tenant_id, letter.user_id) == ("e1", "acme", "ana")
    assert (letter.attempts, letter.error, letter.payload) == (1, "e1 is broken", encode_event(make_event("e1")))
    assert before < letter.failed_at < datetime.now(UTC) + timedelta(seconds=1)


async def test_they_are_listed_oldest_first_and_page_by_page(log: EventLog, letters: DeadLetters) -> None:
    await bury(log, "e3", "e1", "e2")
    first = await letters.list_dead(limit=2)
    rest = await letters.list_dead(limit=2, after=first[-1].id)
    assert [letter.event_id for letter in (*first, *rest)] == ["e3", "e1", "e2"]
    await letters.drop([first[-1].id])
    assert await letters.list_dead(limit=2, after=first[-1].id) == rest


async def test_those_with_given_ids_are_found_oldest_first_and_once(log: EventLog, letters: DeadLetters) -> None:
    await bury(log, "e3", "e1", "e2")
    first, second, third = await letters.list_dead(limit=3)
    assert [each async for each in letters.find([third.id, first.id, third.id])] == [first, third]
    await letters.replay([first.id])
    await letters.drop([second.id])
    assert [each async for each in letters.find([first.id, second.id, third.id])] == [third]
    assert [each async for each in letters.find([])] == []


async def test_an_id_that_is_written_in_another_way_is_not_one(log: EventLog, letters: DeadLetters) -> None:
    await bury(log, "e1")
    (id,) = await ids_of(letters)
    assert [each async for each in letters.find([f"0{id}", f" {id}", f"{id}\n", f"{id}@0"])] == []


async def test_a_replayed_event_is_queued_as_if_never_tried(log: EventLog, letters: DeadLetters) -> None:
    await bury(log, "e1")
    assert await letters.replay(await ids_of(letters)) == 1
    assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event("e1"))
    assert ((await log.stats()).length, (await log.stats()).dead) == (1, 0)
    (delivery,) = await log.receive(limit=1, wait_s=PATIENCE_S)
    assert (delivery.payload, delivery.attempts, delivery.event_id) == (encode_event(make_event("e1")), 0, "e1")
    await log.ack(delivery)
    assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event("e1"), "stored", attempts=1)


async def test_a_waiting_consumer_gets_what_is_replayed(log: EventLog, letters: DeadLetters) -> None:
    await bury(log, "e1")
    waiting = asyncio.create_task(log.receive(limit=1, wait_s=PATIENCE_S))
    await letters.replay(await ids_of(letters))
    async with asyncio.timeout(PATIENCE_S):
        assert [delivery.event_id for delivery in await waiting] == ["e1"]


async def test_only_what_was_named_is_replayed_or_dropped(log: EventLog, letters: DeadLetters) -> None:
    await bury(log, "e1", "e2", "e3")
    first, second, third = await ids_of(letters)
    assert await letters.replay([first]) == 1
    assert await letters.drop([third]) == 1
    assert await ids_of(letters) == [second]


@pytest.mark.parametrize("unknown", ["0-1", "12345", "never", "", "-", "٣", "9" * 30, f"{2**64}-0"])
async def test_unknown_ids_are_passed_over(log: EventLog, letters: DeadLetters, unknown: str) -> None:
    await bury(log, "e1")
    (letter,) = await letters.list_dead(limit=10)
    assert [each async for each in letters.find([unknown, letter.id])] == [letter]
    assert await letters.replay([unknown]) == 0
    assert await letters.drop([unknown]) == 0
    assert len(await ids_of(letters)) == 1


async def test_replaying_twice_replays_once(log: EventLog, letters: DeadLetters) -> None:
    await bury(log, "e1")
    ids = await ids_of(letters)
    assert sorted(await asyncio.gather(letters.replay(ids), letters.replay(ids))) == [0, 1]
    assert (await log.stats()).length == 1


async def test_a_replayed_event_is_as_far_as_its_consumers_are(log: EventLog, letters: DeadLetters) -> None:
    events = [make_event(f"e{number}") for number in range(8)]
    await bury(log, *(event.event_id for event in events))

    async def consume() -> None:
        for _ in events:
            (delivery,) = await log.receive(limit=1, wait_s=PATIENCE_S)
            await log.ack(delivery)

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        group.create_task(consume())
        group.create_task(letters.replay(await ids_of(letters)))
    receipts = [await log.receipt(ANA, event.event_id) for event in events]
    assert receipts == [make_receipt(event, "stored", attempts=1) for event in events]


async def test_other_content_that_is_dead_and_replayed_changes_no_receipt_of_what_is_stored(
    log: EventLog, letters: DeadLetters
) -> None:
    first, stored = make_event("e1", "tea"), make_receipt(make_event("e1", "tea"), "stored", attempts=1)
    await log.publish(first)
    (delivery,) = await log.receive(limit=1, wait_s=PATIENCE_S)
    await log.ack(delivery)
    await insist(log, make_event("e1", "coffee"))
    for _ in range(2):
        await bury_what_is_there(log, error="other content")
        assert await log.receipt(ANA, EventId("e1")) == stored
        await letters.replay(await ids_of(letters))
        assert await log.receipt(ANA, EventId("e1")) == stored
    assert await log.publish(first) == Published(outcome="same", receipt=stored)


async def test_the_receipt_of_a_dead_event_is_that_of_its_own_letter(log: EventLog, letters: DeadLetters) -> None:
    dead = make_receipt(make_event("e1"), "dead", attempts=1, error="e1 is broken")
    await bury(log, "e1")
    await insist(log, make_event("e1", "other"))
    await bury_what_is_there(log, error="other content")
    first, *others = await ids_of(letters)
    await letters.replay(others)
    await bury_what_is_there(log, error="other content again")
    assert await log.receipt(ANA, EventId("e1")) == dead
    assert await letters.replay([first]) == 1
    assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event("e1"))


async def test_a_dropped_event_stays_dead_and_known(log: EventLog, letters: DeadLetters) -> None:
    await bury(log, "e1")
    assert await letters.drop(await ids_of(letters)) == 1
    assert await ids_of(letters) == []
    assert (await log.stats()).dead == 0
    assert await log.receipt(ANA, EventId("e1")) == make_receipt(
        make_event("e1"), "dead", attempts=1, error="e1 is broken"
    )
    assert (await log.publish(make_event("e1"))).outcome == "same"
    assert await log.purge(before=datetime.now(UTC) + timedelta(hours=1)) == 0


async def test_an_erased_scope_has_no_dead_letters(log: EventLog, letters: DeadLetters) -> None:
    await bury(log, "e1", "e2")
    await letters.drop((await ids_of(letters))[:1])
    ids = await ids_of(letters)
    assert await log.erase(BOB) == 0
    assert await log.erase(ANA) == 2
    assert await letters.replay(ids) == 0
    assert (await log.stats()).length == 0
    assert await log.receipt(ANA, EventId("e1")) is None
