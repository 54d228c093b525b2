"""The runner on the real log: what is acknowledged, left or buried, and what makes it pause."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from memoryos_core.pipeline.policy import RetryPolicy
from memoryos_core.pipeline.runner import Runner
from memoryos_ports.errors import MemoryOSError, Overloaded, RateLimited, StorageFull, UpstreamTimeout
from memoryos_ports.events import Receipt, TurnsEvent
from tests.support.faults import DOWN
from tests.support.makers import ANA, after, make_event
from tests.support.memory_stack import MemoryStack, fast_directory, open_stack
from tests.unit.core.pipeline.entries import Entries, typed

EVENT = make_event("e1", "my tea is green")


async def test_an_applied_event_is_acknowledged(stack: MemoryStack) -> None:
    await stack.ingest.accept(EVENT)
    async with running(stack.runner()):
        receipt = await settled(stack, EVENT)
    assert (receipt.state, receipt.error) == ("stored", None)
    assert (await stack.events.stats()).length == 0


async def test_a_failing_event_is_tried_five_times_and_buried(stack: MemoryStack) -> None:
    stack.faults.embedder.fail("embed", error=ValueError("odd text"))
    await stack.ingest.accept(EVENT)
    async with running(stack.runner()):
        receipt = await settled(stack, EVENT)
    assert (receipt.state, receipt.attempts, receipt.error) == ("dead", 5, "ValueError: odd text")
    stats = await stack.events.stats()
    assert (stats.length, stats.dead) == (0, 1)


async def test_an_event_that_kills_its_consumers_is_buried_without_another_try(stack: MemoryStack) -> None:
    await stack.ingest.accept(EVENT)
    for _ in range(5):  # each time the consumer was gone, and the log counted an attempt
        (delivery,) = await stack.events.receive(limit=1, wait_s=0)
        await stack.events.leave(delivery, error="left by a dead consumer", retry_in_s=0)
    stack.faults.embedder.hang("embed")
    async with running(stack.runner()):
        receipt = await settled(stack, EVENT)
    assert (receipt.state, receipt.error) == ("dead", "5 attempts, the last without an outcome")


async def test_an_event_that_fails_at_first_is_stored_in_the_end(stack: MemoryStack) -> None:
    stack.faults.embedder.fail("embed", error=ValueError("not now"), times=4)
    await stack.ingest.accept(EVENT)
    async with running(stack.runner()):
        receipt = await settled(stack, EVENT)
    assert (receipt.state, receipt.attempts) == ("stored", 5)


async def test_a_failing_event_does_not_hold_up_another(stack: MemoryStack) -> None:
    bad = make_event("bad", "odd", at=after(-1))
    stack.faults.embedder.fail("embed", error=ValueError("odd"), times=1)
    patient = RetryPolicy(base_s=1e9, max_s=1e9)
    await stack.ingest.accept(bad)
    await stack.ingest.accept(EVENT)
    async with running(stack.runner(policy=patient, concurrency=1)):
        assert (await settled(stack, EVENT)).state == "stored"
    waiting = await stack.events.receipt(ANA, bad.event_id)
    assert waiting is not None
    assert (waiting.state, waiting.attempts) == ("queued", 1)


async def test_what_can_never_be_an_event_is_buried_at_once(stack: MemoryStack) -> None:
    entries = Entries(typed(b"garbage", b'{"v":9}', b'{"user_id":"u","role":"system","content":"x"}', b"[" * 100_000))
    await run_over(entries, stack)
    assert [error.split(":")[0] for error in entries.buried.values()] == [
        "not an event",
        "unknown event version 9",
        "messages[0].role must be user or assistant",
        "not an event",
    ]
    assert entries.acknowledged == []


async def test_a_payload_of_the_predecessor_is_applied(stack: MemoryStack) -> None:
    entries = Entries(typed(b'{"user_id":"ana","role":"user","content":"my tea is green"}'))
    await run_over(entries, stack)
    scope = make_event(tenant_id="default", user_id="ana").scope
    (page,) = await stack.pages(scope)
    assert (page.text, page.event_id, page.source) == ("my tea is green", "0-0", "api")


DEPENDENCY_ERRORS: list[MemoryOSError] = [
    DOWN,
    UpstreamTimeout(upstream="index"),
    RateLimited(upstream="embedder"),
    StorageFull("index"),
    Overloaded("write queue"),
]


@pytest.mark.parametrize("error", DEPENDENCY_ERRORS, ids=lambda error: type(error).__name__)
async def test_a_dependency_that_is_down_is_no_attempt(error: MemoryOSError, stack: MemoryStack) -> None:
    stack.faults.storage.fail("insert", error=error, times=1)
    await stack.ingest.accept(EVENT)
    async with running(stack.runner()):
        await has_error(stack)
        stack.clock.advance(2)
        receipt = await settled(stack, EVENT)
    assert (receipt.state, receipt.attempts) == ("stored", 1)


async def test_nothing_is_taken_until_every_probe_succeeds(stack: MemoryStack) -> None:
    stack.faults.storage.fail("insert", "ping")
    await stack.ingest.accept(EVENT)
    runner = stack.runner()
    async with running(runner):
        await has_error(stack)
        later = make_event("e2", "more tea")
        stack.clock.advance(2)
        await stack.ingest.accept(later)
        waiting = await stack.events.settled(ANA, later.event_id, timeout_s=0.05)
        assert waiting is not None
        assert (waiting.state in ("queued", "processing"), waiting.attempts) == (True, 0)
        stack.faults.storage.mend()
        assert (await settled(stack, later)).state == "stored"
        assert (await settled(stack, EVENT)).attempts == 1


@pytest.mark.parametrize("method", ["ack", "leave", "bury"])
async def test_an_outcome_that_could_not_be_noted_is_made_good(method: str, stack: MemoryStack) -> None:
    """The log went away between handing an event out and hearing what became of it."""
    stack.faults.events.fail(method, times=1)
    if method != "ack":
        stack.faults.embedder.fail("embed", error=ValueError("odd"), times=1)
    await stack.ingest.accept(EVENT)
    policy = RetryPolicy(base_s=0.0, max_attempts=1 if method == "bury" else 5)
    async with running(stack.runner(policy=policy)):
        receipt = await settled(stack, EVENT)
    assert receipt.state == "stored"
    assert len(await stack.pages()) == 1


async def test_a_log_that_is_down_is_waited_for(stack: MemoryStack) -> None:
    stack.faults.events.fail("receive", times=1)
    await stack.ingest.accept(EVENT)
    async with running(stack.runner()):
        assert (await settled(stack, EVENT)).state == "stored"


async def test_cancelled_it_leaves_what_is_in_hand_and_what_is_queued(stack: MemoryStack) -> None:
    for number in range(3):
        await stack.ingest.accept(make_event(f"e{number}", at=after(number)))
    stack.faults.embedder.hang("embed")
    task = asyncio.create_task(stack.runner(concurrency=1).run())
    async with asyncio.timeout(5):
        await stack.faults.embedder.hung.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    receipts = [await stack.events.receipt(ANA, make_event(f"e{n}").event_id) for n in range(3)]
    assert [receipt and receipt.state for receipt in receipts] == ["processing", "queued", "queued"]


async def test_stop_drains_what_is_in_hand_and_takes_no_more(stack: MemoryStack) -> None:
    is_in_hand, gate = asyncio.Event(), asyncio.Event()

    class Slow:
        async def apply(self, event: TurnsEvent) -> None:
            is_in_hand.set()
            await gate.wait()

    for number in range(2):
        await stack.ingest.accept(make_event(f"e{number}", at=after(number)))
    runner = Runner(
        events=stack.events,
        handlers=Slow(),
        probes=[],
        clock=stack.clock,
        concurrency=1,
    )
    async with running(runner):
        await is_in_hand.wait()
        runner.stop()
        gate.set()
    receipts = [await stack.events.receipt(ANA, make_event(f"e{n}").event_id) for n in range(2)]
    assert [receipt and receipt.state for receipt in receipts] == ["stored", "queued"]


async def test_stopped_while_paused_it_ends_and_gives_back_what_it_holds(stack: MemoryStack) -> None:
    stack.faults.storage.fail("insert", "ping")
    await stack.ingest.accept(EVENT)
    later = make_event("e2", "more tea")
    async with running(stack.runner()):
        await has_error(stack)
        await stack.ingest.accept(later)
    receipts = [await stack.events.receipt(ANA, event.event_id) for event in (EVENT, later)]
    assert [receipt and (receipt.state, receipt.attempts) for receipt in receipts] == [("queued", 0)] * 2


async def test_what_a_cancelled_runner_held_is_delivered_again(tmp_path: Path) -> None:
    with fast_directory() as directory:
        async with open_stack(directory, database=tmp_path / "m.db") as stack:
            await stack.ingest.accept(EVENT)
            stack.faults.embedder.hang("embed")
            task = asyncio.create_task(stack.runner().run())
            async with asyncio.timeout(5):
                await stack.faults.embedder.hung.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with open_stack(directory, database=tmp_path / "m.db") as again:
            async with running(again.runner()):
                assert (await settled(again, EVENT)).state == "stored"
            assert len(await again.pages()) == 1


def test_the_policy_rests_longer_each_time_and_never_beyond_its_bound() -> None:
    policy, chance = RetryPolicy(base_s=1.0, max_s=10.0), random.Random(7)
    for attempts, bound in [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (50, 10)]:
        rests = [policy.rest_s(attempts, chance) for _ in range(200)]
        assert bound * 0.9 < max(rests) <= bound
        assert min(rests) >= 0
    assert [policy.is_spent(attempts) for attempts in (4, 5, 6)] == [False, True, True]


@asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[None]:
    """Run it for as long as the block lasts, then stop it and see it end."""
    async with asyncio.timeout(15):
        task = asyncio.create_task(runner.run())
        try:
            yield
        finally:
            runner.stop()
            await task


async def run_over(entries: Entries, stack: MemoryStack) -> None:
    """Run over typed entries until something became of each."""
    runner = Runner(
        events=entries,  # type: ignore[arg-type]  # as much of a log as is needed
        handlers=stack.handlers,
        probes=[],
        clock=stack.clock,
    )
    async with running(runner):
        await entries.settled.wait()


async def settled(stack: MemoryStack, event: TurnsEvent) -> Receipt:
    """Return the receipt of an event once it is stored or dead."""
    receipt = await stack.events.settled(ANA, event.event_id, timeout_s=10)
    assert receipt is not None
    return receipt


async def has_error(stack: MemoryStack) -> None:
    """Return once the event was left with an error."""
    await _until(stack, EVENT, lambda receipt: receipt.error is not None)


async def _until(stack: MemoryStack, event: TurnsEvent, holds: Callable[[Receipt], bool]) -> None:
    async with asyncio.timeout(5):
        while not (receipt := await stack.events.receipt(ANA, event.event_id)) or not holds(receipt):  # noqa: ASYNC110 - a log tells of endings only
            await asyncio.sleep(0)
