"""What every event log promises about erasing a scope."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memoryos_ports.events import Delivery, EventLog, EventState, QueueStats
from memoryos_ports.ids import EventId, Scope
from tests.contract.events.logs import Opener
from tests.contract.events.makers import ANA, BOB, STRANGER, make_event, make_receipt

EMPTY = QueueStats(length=0, oldest_age_s=0.0, dead=0)

Ending = Callable[[EventLog, Delivery], Awaitable[None]]
ENDINGS: dict[str, Ending] = {
    "ack": lambda log, delivery: log.ack(delivery),
    "leave": lambda log, delivery: log.leave(delivery, error="late", retry_in_s=0),
    "bury": lambda log, delivery: log.bury(delivery, error="late"),
}
STATES: tuple[EventState, ...] = ("stored", "dead", "processing", "queued")


@pytest.fixture(params=ENDINGS)
def end(request: pytest.FixtureRequest) -> Ending:
    """What a consumer says of an event that it holds."""
    return ENDINGS[request.param]


async def fill(log: EventLog, scope: Scope) -> None:
    """Publish an event for each state, named like it, and bring it there."""
    for state in STATES:
        await log.publish(make_event(state, scope=scope))
    stored, dead, _held = await log.receive(limit=3, wait_s=0)
    await log.ack(stored)
    await log.bury(dead, error="no")


async def states_of(log: EventLog, scope: Scope) -> list[str | None]:
    """Return the states of the events that `fill` published."""
    receipts = [await log.receipt(scope, EventId(state)) for state in STATES]
    return [receipt.state if receipt else None for receipt in receipts]


async def hold_erased(log: EventLog) -> Delivery:
    """Return a delivery of an event that was erased after it was handed out."""
    await log.publish(make_event())
    (delivery,) = await log.receive(limit=1, wait_s=0)
    assert await log.erase(ANA) == 1
    return delivery


async def test_erasing_removes_events_of_every_state(log: EventLog) -> None:
    await fill(log, ANA)
    assert await log.erase(ANA) == 4
    assert await states_of(log, ANA) == [None] * 4
    assert await log.stats() == EMPTY
    assert await log.receive(limit=10, wait_s=0) == []


async def test_erasing_what_is_not_there_removes_nothing(log: EventLog) -> None:
    await log.publish(make_event())
    assert await log.erase(BOB) == 0
    assert await log.erase(ANA) == 1
    assert await log.erase(ANA) == 0


@pytest.mark.parametrize("scope", [BOB, STRANGER])
async def test_erasing_one_scope_leaves_the_others(log: EventLog, scope: Scope) -> None:
    await fill(log, scope)
    await log.publish(make_event("queued"))
    await log.erase(ANA)
    assert await states_of(log, scope) == list(STATES)
    stats = await log.stats()
    assert (stats.length, stats.dead) == (2, 1)
    (delivery,) = await log.receive(limit=10, wait_s=0)
    await log.ack(delivery)
    assert await states_of(log, scope) == ["stored", "dead", "processing", "stored"]


async def test_an_erased_event_that_is_held_cannot_be_ended(log: EventLog, end: Ending) -> None:
    await end(log, await hold_erased(log))
    assert await log.receipt(ANA, EventId("e1")) is None
    assert await log.stats() == EMPTY
    assert await log.receive(limit=10, wait_s=0) == []


async def test_publishing_after_an_erasure_is_new(log: EventLog) -> None:
    await log.publish(make_event("e1", "tea"))
    await log.erase(ANA)
    event = make_event("e1", "coffee")
    published = await log.publish(event)
    assert (published.outcome, published.receipt) == ("new", make_receipt(event))
    (delivery,) = await log.receive(limit=10, wait_s=0)
    await log.ack(delivery)
    assert await log.receipt(ANA, event.event_id) == make_receipt(event, "stored", attempts=1)


@pytest.mark.parametrize("scope", [ANA, BOB])
@pytest.mark.parametrize("handed_out", [False, True])
async def test_a_late_ending_of_an_erased_event_ends_no_other(
    log: EventLog, end: Ending, scope: Scope, handed_out: bool
) -> None:
    erased = await hold_erased(log)
    event = make_event(scope=scope)
    await log.publish(event)
    if handed_out:
        await log.receive(limit=1, wait_s=0)
    await end(log, erased)
    assert await log.receipt(scope, event.event_id) == make_receipt(event, "processing" if handed_out else "queued")


async def test_erased_events_make_room(opener: Opener, tmp_path: Path) -> None:
    async with opener(tmp_path, max_queue=2) as log:
        await log.publish(make_event("e1"))
        await log.publish(make_event("e2"))
        await log.erase(ANA)
        outcomes = [(await log.publish(make_event(event_id))).outcome for event_id in ("e2", "e3")]
        assert outcomes == ["new", "new"]


async def test_what_was_erased_is_gone_after_a_restart(durable_opener: Opener, tmp_path: Path) -> None:
    async with durable_opener(tmp_path) as log:
        await fill(log, ANA)
        await log.erase(ANA)
    async with durable_opener(tmp_path) as log:
        assert await states_of(log, ANA) == [None] * 4
        assert await log.stats() == EMPTY
        assert await log.receive(limit=10, wait_s=0) == []


async def test_publications_and_an_erasure_at_once_agree_with_the_figures(log: EventLog) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(log.publish(make_event(f"e{number}")))
            if number == 20:
                erasure = group.create_task(log.erase(ANA))
    left = await log.receive(limit=100, wait_s=0)
    assert erasure.result() + len(left) == 40
    assert (await log.stats()).length == len(left)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([ANA, BOB]),
        st.sampled_from(["e1", "e2", "e3"]),
        st.sampled_from(["publish", *ENDINGS, "erase"]),
    ),
    max_size=20,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_the_figures_are_right_after_anything(
    opener: Opener, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Scope, str, str]]
) -> None:
    waiting: list[tuple[Scope, str]] = []
    ended: dict[tuple[Scope, str], str] = {}
    async with opener(tmp_path_factory.mktemp("log")) as log:
        for scope, event_id, step in steps:
            key = (scope, event_id)
            if step == "publish" and key not in waiting and key not in ended:
                waiting.append(key)
            if step == "publish":
                await log.publish(make_event(event_id, scope=scope))
            elif step == "erase":
                known = [key for key in (*waiting, *ended) if key[0] == scope]
                assert await log.erase(scope) == len(known)
                waiting = [key for key in waiting if key not in known]
                ended = {key: step for key, step in ended.items() if key not in known}
            else:
                for delivery in await log.receive(limit=1, wait_s=0):
                    await ENDINGS[step](log, delivery)
                    if step != "leave":
                        ended[waiting.pop(0)] = step
        stats = await log.stats()
        assert (stats.length, stats.dead) == (len(waiting), list(ended.values()).count("bury"))
