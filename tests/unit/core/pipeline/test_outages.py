"""The border of the runner under trouble that lasts: outages bury nothing, and no entry stops the others.

Time is the loop's own and passes only when everybody waits.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from memoryos_core.pipeline.policy import RetryPolicy, is_of_a_dependency
from memoryos_core.pipeline.runner import Runner
from memoryos_ports.errors import (
    ConfigurationError,
    EmbedderMismatch,
    InvalidEvent,
    MemoryOSError,
    NotFound,
    Overloaded,
    QuotaExhausted,
    RateLimited,
    StorageFull,
    UpstreamAuthError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from memoryos_ports.events import Delivery, Event
from tests.support.faults import DOWN
from tests.unit.core.pipeline.entries import Dependencies, Entries, Notes, make_runner, published, typed
from tests.unit.core.routing.virtual_time import in_virtual_time, now

HOUR_S = 3600.0
HALF_DEAD = UpstreamProtocolError(upstream="redis", detail="NOREPLICAS")
EVENTS = [f"e{number}" for number in range(40)]
GOOD = [f"good-{number}" for number in range(200)]


@in_virtual_time
async def test_an_outage_of_an_hour_buries_nothing_and_is_over_at_once() -> None:
    entries, needs = Entries(published(*EVENTS)), Dependencies()
    needs.error_of, needs.probe_error = lambda _: DOWN, DOWN
    async with running(make_runner(entries, needs)):
        await asyncio.sleep(HOUR_S)
        tries_while_down = len(needs.tries)
        needs.error_of, needs.probe_error = lambda _: None, None
        await entries.settled.wait()
        assert now() - HOUR_S < 5

    assert sorted(entries.acknowledged) == sorted(EVENTS)
    assert entries.buried == {}
    assert {delivery.attempts for delivery in entries.left} == {0}
    assert tries_while_down <= 32


@in_virtual_time
async def test_a_half_dead_server_that_answers_probes_buries_nothing_and_is_not_stormed() -> None:
    entries, needs = Entries(published(*EVENTS)), Dependencies()
    needs.error_of = lambda _: HALF_DEAD
    async with running(make_runner(entries, needs)):
        await asyncio.sleep(HOUR_S)
        assert len(needs.tries) < HOUR_S * 2
        needs.error_of = lambda _: None
        await entries.settled.wait()
        assert now() - HOUR_S < 65

    assert sorted(entries.acknowledged) == sorted(EVENTS)
    assert entries.buried == {}
    assert {delivery.attempts for delivery in entries.left} == {0}


@in_virtual_time
async def test_an_event_that_times_out_every_time_does_not_stop_the_others() -> None:
    entries, needs = Entries(published("heavy", *GOOD)), Dependencies()
    needs.error_of = lambda id_: UpstreamTimeout(upstream="qdrant") if id_ == "heavy" else None
    async with running(make_runner(entries, needs, concurrency=4)):
        await asyncio.sleep(10)
        assert sorted(entries.acknowledged) == sorted(GOOD)
        await asyncio.sleep(HOUR_S)

    assert entries.buried == {}
    assert entries.waiting == {"heavy": 0}
    assert len([id_ for _, id_ in needs.tries if id_ == "heavy"]) < HOUR_S / 10


@pytest.mark.parametrize("error", [HALF_DEAD, KeyError("bug")], ids=lambda error: type(error).__name__)
@in_virtual_time
async def test_an_entry_that_cannot_be_buried_does_not_stop_the_others(error: Exception) -> None:
    entries, needs = Entries([*typed(b"garbage"), *published(*GOOD)]), Dependencies()
    entries.errors["bury", "0-0"] = error
    async with running(make_runner(entries, needs, concurrency=4)):
        await asyncio.sleep(10)
        assert sorted(entries.acknowledged) == sorted(GOOD)
        entries.errors.clear()
        await entries.settled.wait()

    assert list(entries.buried) == ["0-0"]


@pytest.mark.parametrize("error", [HALF_DEAD, KeyError("bug")], ids=lambda error: type(error).__name__)
@in_virtual_time
async def test_an_entry_that_can_neither_be_buried_nor_left_does_not_stop_the_others(error: Exception) -> None:
    entries, needs = Entries([*typed(b"garbage"), *published(*GOOD)]), Dependencies()
    entries.errors["bury", "0-0"] = entries.errors["leave", "0-0"] = error
    async with running(make_runner(entries, needs, concurrency=4)):
        await asyncio.sleep(10)
        assert sorted(entries.acknowledged) == sorted(GOOD)
        assert entries.buried == {}
        entries.errors.clear()
        await entries.settled.wait()
        assert now() <= 10 + 2 * RetryPolicy().max_s + 2  # it rests before it is left, and again once it is

    assert list(entries.buried) == ["0-0"]


@in_virtual_time
async def test_an_acknowledgement_that_fails_in_an_unforeseen_way_is_made_good() -> None:
    entries, needs = Entries(published("e1")), Dependencies()
    entries.errors["ack", "e1"] = KeyError("bug")
    async with running(make_runner(entries, needs)):
        await asyncio.sleep(3)
        entries.errors.clear()
        await entries.settled.wait()

    assert entries.acknowledged == ["e1"]
    assert {delivery.attempts for delivery in entries.left} == {0}


@in_virtual_time
async def test_a_log_that_fails_in_an_unforeseen_way_is_asked_again() -> None:
    class Odd(Entries):
        async def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
            if len(self.limits) < 3:
                self.limits.append(limit)
                raise KeyError("payload")
            return await super().receive(limit=limit, wait_s=wait_s)

    entries = Odd(published("e1"))
    async with running(make_runner(entries, Dependencies())):
        await entries.settled.wait()

    assert now() < 5


@in_virtual_time
async def test_a_consumer_that_may_not_go_on_finishes_what_it_has_in_hand_and_says_why() -> None:
    class Refusing(Entries):
        async def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
            if self.limits:
                raise ConfigurationError(["worker.consumer: 'w1' is in use by another process"])
            return await super().receive(limit=limit, wait_s=wait_s)

    class Slow(Dependencies):
        async def apply(self, event: Event) -> None:
            await asyncio.sleep(3)

    entries = Refusing(published("e1"))
    with pytest.raises(ConfigurationError, match="in use"):
        await ended(asyncio.create_task(make_runner(entries, Slow()).run()))

    assert (now(), entries.acknowledged) == (3, ["e1"])


@in_virtual_time
async def test_what_was_in_hand_when_time_was_up_is_given_back_without_an_attempt() -> None:
    entries, needs = Entries(published("stuck", *EVENTS[:3])), Dependencies()
    needs.hanging = {"stuck"}
    runner = make_runner(entries, needs)
    task = asyncio.create_task(runner.run())
    await asyncio.sleep(1)
    runner.stop(within_s=20)
    await ended(task)

    assert now() == 21
    assert entries.acknowledged == EVENTS[:3]
    assert entries.waiting == {"stuck": 0}


@in_virtual_time
async def test_told_to_stop_again_it_does_not_wait() -> None:
    entries, needs = Entries(published("stuck")), Dependencies()
    needs.hanging = {"stuck"}
    runner = make_runner(entries, needs)
    task = asyncio.create_task(runner.run())
    await asyncio.sleep(1)
    runner.stop(within_s=20)
    runner.stop(within_s=0)
    await ended(task)

    assert now() == 1
    assert entries.waiting == {"stuck": 0}


@in_virtual_time
async def test_told_to_stop_while_it_waits_for_an_event_it_ends_soon() -> None:
    runner = make_runner(Entries([]), Dependencies(), wait_s=300)
    task = asyncio.create_task(runner.run())
    await asyncio.sleep(0.5)
    runner.stop(within_s=20)
    await ended(task)

    assert now() == 1


@in_virtual_time
async def test_what_the_log_hands_out_while_it_stops_is_given_back() -> None:
    class Slow(Entries):
        async def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
            deliveries = await super().receive(limit=limit, wait_s=wait_s)
            await asyncio.sleep(1)
            return deliveries

    entries, needs = Slow(published("e1")), Dependencies()
    runner = make_runner(entries, needs)
    task = asyncio.create_task(runner.run())
    await entries.received.wait()
    runner.stop(within_s=20)
    await ended(task)

    assert (needs.tries, entries.waiting) == ([], {"e1": 0})


@in_virtual_time
async def test_events_taken_and_not_yet_begun_are_given_back_too() -> None:
    entries, needs = Entries(published(*EVENTS)), Dependencies()
    needs.hanging = set(EVENTS)
    runner = make_runner(entries, needs)
    task = asyncio.create_task(runner.run())
    await entries.received.wait()
    runner.stop(within_s=0)
    await ended(task)

    assert entries.waiting == dict.fromkeys(EVENTS, 0)


@in_virtual_time
async def test_a_log_that_does_not_answer_does_not_hold_up_the_end() -> None:
    class Hanging(Entries):
        async def leave(self, *_: object, **__: object) -> None:
            await asyncio.Event().wait()

    entries, needs = Hanging(published("stuck")), Dependencies()
    needs.hanging = {"stuck"}
    runner = make_runner(entries, needs)
    task = asyncio.create_task(runner.run())
    await asyncio.sleep(1)
    runner.stop(within_s=1)
    await ended(task)

    assert now() == 4


@in_virtual_time
async def test_never_more_is_asked_for_than_there_are_free_slots_or_belongs_to_a_batch() -> None:
    entries, needs = Entries(published(*EVENTS[:12])), Dependencies()
    needs.hanging = set(EVENTS)
    runner = make_runner(entries, needs, concurrency=10, batch=4)
    task = asyncio.create_task(runner.run())
    await asyncio.sleep(1)
    assert entries.limits == [4, 4, 2]
    assert len(needs.tries) == 10
    runner.stop(within_s=0)
    await ended(task)


@in_virtual_time
async def test_the_observer_is_told_every_outcome() -> None:
    entries, needs, notes = Entries([*typed(b"garbage"), *published("bad", "unlucky", "e1")]), Dependencies(), Notes()
    errors: dict[str, list[Exception]] = {"unlucky": [DOWN], "bad": [ValueError("odd") for _ in range(5)]}
    needs.error_of = lambda id_: errors[id_].pop() if errors.get(id_) else None
    async with running(make_runner(entries, needs, observer=notes)):
        await entries.settled.wait()

    assert sorted(notes.outcomes) == [
        ("buried", 1),
        ("buried", 5),
        ("failed", 1),
        ("failed", 2),
        ("failed", 3),
        ("failed", 4),
        ("put_off", 0),
        ("stored", 1),
        ("stored", 1),
    ]
    assert notes.pauses == [True, False]
    assert (max(notes.hands), notes.hands[-1]) == (4, 0)


@in_virtual_time
async def test_the_observer_is_told_how_long_an_event_was_in_hand() -> None:
    class Slow(Dependencies):
        async def apply(self, event: Event) -> None:
            await asyncio.sleep(0.25)

    entries, notes = Entries(published("e1")), Notes()
    async with running(make_runner(entries, Slow(), observer=notes)):
        await entries.settled.wait()

    assert (notes.outcomes, notes.seconds) == ([("stored", 1)], [0.25])


DEPENDENCY_ERRORS: list[MemoryOSError] = [
    UpstreamUnavailable(upstream="redis"),
    UpstreamTimeout(upstream="qdrant"),
    UpstreamProtocolError(upstream="redis"),
    UpstreamAuthError(upstream="qdrant"),
    RateLimited(upstream="embedder"),
    QuotaExhausted(upstream="embedder"),
    EmbedderMismatch(stored="a", configured="b"),
    StorageFull("redis"),
    Overloaded("write queue"),
]
OWN_ERRORS: list[Exception] = [
    UpstreamRejected(upstream="qdrant", status=400, message="a vector of 3 dimensions"),
    NotFound("page", "p1"),
    InvalidEvent("no messages"),
    ValueError("odd"),
]


def test_only_errors_of_dependencies_are_no_attempt() -> None:
    assert [is_of_a_dependency(error) for error in DEPENDENCY_ERRORS] == [True] * len(DEPENDENCY_ERRORS)
    assert [is_of_a_dependency(error) for error in OWN_ERRORS] == [False] * len(OWN_ERRORS)


@asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[None]:
    """Run it for as long as the block lasts, then stop it and see it end."""
    async with asyncio.timeout(3 * HOUR_S):
        task = asyncio.create_task(runner.run())
        try:
            yield
        finally:
            runner.stop(within_s=1)
            await task


async def ended(task: asyncio.Task[None]) -> None:
    """Return once a runner that was told to stop has ended."""
    async with asyncio.timeout(HOUR_S):
        await task
