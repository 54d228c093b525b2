"""Housekeeping: receipts are forgotten in time, the queue is looked at, and a log that is down stops neither."""

import asyncio
from datetime import datetime

import pytest

from memoryos_core.pipeline.housekeeping import RECEIPTS_KEPT, Housekeeping, QueueWatch
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.events import QueueStats
from tests.support.faults import DOWN
from tests.support.makers import make_event
from tests.support.memory_stack import MemoryStack

EVENT = make_event("e1", "tea")


async def test_housekeeping_forgets_receipts_after_thirty_days(stack: MemoryStack) -> None:
    housekeeping = Housekeeping(events=stack.events, clock=stack.clock)
    await stack.ingest.accept(EVENT)
    await stack.settle()
    assert await housekeeping.tidy() == 0
    stack.clock.advance(RECEIPTS_KEPT.total_seconds() + 1)
    assert await housekeeping.tidy() == 1


@pytest.mark.parametrize("error", [None, DOWN])
async def test_housekeeping_goes_on_whatever_the_log_does(error: MemoryOSError | None, stack: MemoryStack) -> None:
    log = _Purges(error)
    running = asyncio.create_task(Housekeeping(events=log, clock=stack.clock).run())  # type: ignore[arg-type]  # as much of a log as it asks
    async with asyncio.timeout(5):
        await log.purged.wait()
    await asyncio.sleep(0)
    assert not running.done()
    running.cancel()


class _Purges:
    def __init__(self, error: MemoryOSError | None) -> None:
        self._error = error
        self.purged = asyncio.Event()

    async def purge(self, *, before: datetime) -> int:
        self.purged.set()
        if self._error is not None:
            raise self._error
        return 0


async def test_receipts_that_are_kept_for_ever_are_not_forgotten(stack: MemoryStack) -> None:
    await stack.ingest.accept(EVENT)
    await stack.settle()
    stack.clock.advance(100 * RECEIPTS_KEPT.total_seconds())
    assert await Housekeeping(events=stack.events, clock=stack.clock, kept=None).tidy() == 0


class _Gauge:
    """Keeps what it is told of the queue."""

    def __init__(self) -> None:
        self.seen: list[QueueStats] = []
        self.told_twice = asyncio.Event()

    def queue(self, stats: QueueStats) -> None:
        """Keep it."""
        self.seen.append(stats)
        if len(self.seen) > 1:
            self.told_twice.set()


async def test_the_queue_is_looked_at_again_and_again_also_after_the_log_was_down(stack: MemoryStack) -> None:
    stack.faults.events.fail("stats", times=1)
    await stack.ingest.accept(EVENT)
    gauge = _Gauge()
    watching = asyncio.create_task(QueueWatch(events=stack.events, observer=gauge, every_s=0).run())
    async with asyncio.timeout(5):
        await gauge.told_twice.wait()
    watching.cancel()
    assert {(stats.length, stats.dead) for stats in gauge.seen} == {(1, 0)}
