"""The loop in the background: it works when something is due, comes after events, and survives stores that are down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from memoryos_core.consolidation.visit_loop import VisitLoop
from memoryos_core.consolidation.visits import MAX_PROMPTS
from tests.support.consolidation import TALK, consolidate, consolidating, facts, say, segments
from tests.support.makers import ANA, after, make_event
from tests.support.memory_stack import MemoryStack


async def test_what_is_due_is_consolidated_and_the_loop_ends_when_told() -> None:
    async with consolidating() as stack:
        await say(stack, "I live in Lisbon.")
        stack.clock.advance(60)
        async with looping(stack):
            await _until_finished(stack)
        assert len(await facts(stack)) == 1


async def test_a_store_that_is_down_is_survived() -> None:
    async with consolidating() as stack:
        await say(stack, "I live in Lisbon.")
        stack.clock.advance(60)
        stack.faults.due.fail("claim", times=1)
        async with looping(stack):
            await _until_finished(stack)
        assert len(await facts(stack)) == 1


async def test_a_scope_that_fails_in_an_unforeseen_way_stops_no_other() -> None:
    async with consolidating() as stack:
        await say(stack, "I live in Lisbon.")
        stack.clock.advance(60)
        stack.faults.storage.fail("search", error=ValueError("odd"), times=1)
        async with looping(stack) as running:
            await _until_finished(stack)
            assert not running.done()
            stack.clock.advance(61)
            await _until_finished(stack)
        assert len(await facts(stack)) == 1


async def test_a_loop_that_is_cancelled_gives_its_scope_back() -> None:
    async with consolidating() as stack:
        await say(stack, "I live in Lisbon.")
        stack.clock.advance(60)
        stack.faults.storage.hold("search")
        running = asyncio.create_task(stack.consolidation.loop.run())
        async with asyncio.timeout(10):
            await stack.faults.storage.hung.wait()
        running.cancel()
        await asyncio.wait({running}, timeout=10)
        assert [lease.scope for lease in await stack.due.claim(limit=1, lease_s=60)] == [ANA]


async def test_events_come_first_for_half_a_minute() -> None:
    async with consolidating() as stack:
        await say(stack, "I live in Lisbon.")
        stack.clock.advance(60)
        async with looping(stack):
            await _until_finished(stack)
        assert len(await facts(stack)) == 1
        await say(stack, "I moved to Porto.", start=1)
        for number in range(40):
            await stack.ingest.accept(make_event(f"waiting{number}", "tea", at=after(number)))
        loop = stack.consolidation.loop
        assert await loop.is_busy()
        stack.clock.advance(31)
        assert not await loop.is_busy()


async def test_a_visit_counts_once_per_prompt_and_makes_hot() -> None:
    async with consolidating() as stack:
        pages = await say(stack, *TALK)
        await consolidate(stack)
        for _ in range(3):
            stack.consolidation.visits.note(ANA, pages[:2])
        await stack.consolidation.visits.flush()
        await stack.consolidation.visits.flush()
        (segment,) = await segments(stack)
        assert segment.visits == 3
        assert segment.last_visit > after(60)


async def test_visits_of_unsorted_pages_and_beyond_the_bound_are_not_counted() -> None:
    async with consolidating() as stack:
        pages = await say(stack, *TALK)
        for _ in range(MAX_PROMPTS + 5):
            stack.consolidation.visits.note(ANA, pages[:1])
        await stack.consolidation.visits.flush()
        await consolidate(stack)
        assert [segment.visits for segment in await segments(stack)] == [0]


async def test_visits_are_counted_now_and_then_and_once_more_at_the_end() -> None:
    async with consolidating() as stack:
        pages = await say(stack, *TALK)
        await consolidate(stack)
        loop = VisitLoop(stack.consolidation.visits, every_s=0.001)
        running = asyncio.create_task(loop.run())
        stack.consolidation.visits.note(ANA, pages[:2])
        async with asyncio.timeout(10):
            while [segment.visits for segment in await segments(stack)] != [1]:
                pass
        stack.consolidation.visits.note(ANA, pages[:2])
        loop.stop()
        async with asyncio.timeout(10):
            await running
        assert [segment.visits for segment in await segments(stack)] == [2]


async def test_counting_visits_goes_on_after_a_store_was_down() -> None:
    async with consolidating() as stack:
        pages = await say(stack, *TALK)
        await consolidate(stack)
        stack.faults.documents.fail("get", times=1)
        asked = stack.faults.documents.watch("get")
        loop = VisitLoop(stack.consolidation.visits, every_s=0.001)
        running = asyncio.create_task(loop.run())
        stack.consolidation.visits.note(ANA, pages[:2])
        async with asyncio.timeout(10):
            await asked.wait()
        stack.consolidation.visits.note(ANA, pages[:2])
        loop.stop()
        async with asyncio.timeout(10):
            await running
        assert [segment.visits for segment in await segments(stack)] == [1]


@asynccontextmanager
async def looping(stack: MemoryStack) -> AsyncIterator[asyncio.Task[None]]:
    """Run the loop until the block ends, then stop it and see it end."""
    running = asyncio.create_task(stack.consolidation.loop.run())
    try:
        yield running
    finally:
        stack.consolidation.loop.stop()
        async with asyncio.timeout(10):
            await running


async def _until_finished(stack: MemoryStack) -> None:
    """Wait until a scope is worked on, well or not."""
    finished = stack.faults.due.watch("finish")
    finished.clear()
    async with asyncio.timeout(10):
        await finished.wait()
