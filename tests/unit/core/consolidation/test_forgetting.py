"""Forgetting: what is too old or too much goes, the coldest first, pages only by their own time."""

import pytest

from memoryos_core.consolidation.assembly import ConsolidationPolicy
from memoryos_core.consolidation.limits import Limits
from memoryos_ports.ids import MemoryId
from tests.support.consolidation import (
    TALK,
    consolidate,
    consolidating,
    current,
    facts,
    pages_of_scope,
    say,
    segments,
)
from tests.support.makers import ANA
from tests.support.memory_stack import MemoryStack

DAY_S = 86_400.0
TOPICS = (
    "red tulips need water",
    "tax forms are due",
    "kernel modules crash",
    "violins sound warm",
    "bread rises well",
)


def keeping(**limits: int) -> ConsolidationPolicy:
    """Return a policy that promotes at once and keeps so much."""
    return ConsolidationPolicy(heat_threshold=1.0, limits=Limits(**limits))


async def test_the_coldest_segment_loses_its_summary_and_its_pages_stay() -> None:
    async with consolidating(keeping(max_segments=3)) as stack:
        pages = await say(stack, *TOPICS[:3])
        await consolidate(stack)
        await _visit(stack, pages[0], pages[2])
        await say(stack, TOPICS[3], start=3)
        await consolidate(stack)
        assert [segment.evicted for segment in await segments(stack)] == [False, True, False, False]
        evicted = (await segments(stack))[1]
        assert (evicted.text, evicted.keywords, evicted.pages) == ("", (), (pages[1],))
        assert {page.text for page in await pages_of_scope(stack)} == set(TOPICS[:4])


async def test_the_newcomer_is_not_the_one_evicted() -> None:
    """The reference implementation evicted what was visited least: the segment that had just been made."""
    async with consolidating(keeping(max_segments=2)) as stack:
        pages = await say(stack, *TOPICS[:2])
        await consolidate(stack)
        for _ in range(5):
            await _visit(stack, *pages)
        await say(stack, TOPICS[2], start=2)
        await consolidate(stack)
        *_, newcomer = await segments(stack)
        assert not newcomer.evicted
        assert sum(segment.evicted for segment in await segments(stack)) == 1


async def test_pages_of_an_evicted_segment_are_not_regrouped() -> None:
    async with consolidating(keeping(max_segments=1)) as stack:
        await say(stack, *TALK[:2], TOPICS[1])
        await consolidate(stack)
        before = await segments(stack)
        await say(stack, *TALK[:2], TOPICS[1])  # the same events again
        await consolidate(stack)
        assert await segments(stack) == before
        assert [(segment.evicted, len(segment.pages)) for segment in before] == [(True, 2), (False, 1)]


async def test_an_evicted_segment_takes_no_more_pages() -> None:
    async with consolidating(keeping(max_segments=1)) as stack:
        await say(stack, TALK[0], TOPICS[1])
        await consolidate(stack)
        await say(stack, TALK[1], start=2)
        await consolidate(stack)
        assert [len(segment.pages) for segment in await segments(stack)] == [1, 1, 1]


async def test_the_facts_that_were_not_said_again_for_longest_go_first() -> None:
    async with consolidating(keeping(max_facts=2)) as stack:
        await say(stack, "I like green tea.", "I play chess.", "I like green tea.", "My name is Ana.")
        await consolidate(stack)
        assert [fact.slot for fact in await facts(stack)] == ["likes", "name"]
        profile, _ = await stack.consolidation.profile.read(ANA)
        assert {entry.slot for entry in profile.entries} == {"likes", "name"}


@pytest.mark.parametrize(("days", "left"), [(9, ["location"]), (11, [])])
async def test_a_fact_lives_as_long_as_it_is_said_again(days: float, left: list[str]) -> None:
    async with consolidating(keeping(fact_ttl_days=10)) as stack:
        await say(stack, "I live in Lisbon.")
        await consolidate(stack)
        stack.clock.advance(days * DAY_S)
        await consolidate(stack, wait_s=DAY_S / 2)
        assert [fact.slot for fact in await facts(stack)] == left


async def test_a_fact_that_expires_does_not_bring_back_the_one_before() -> None:
    async with consolidating(keeping(fact_ttl_days=10)) as stack:
        await say(stack, "I live in Lisbon.", "I moved to Porto.")
        await consolidate(stack)
        await consolidate(stack, wait_s=20 * DAY_S)
        assert await current(stack, "location") == []


async def test_turns_go_when_their_own_time_is_over() -> None:
    async with consolidating(keeping(page_ttl_days=10)) as stack:
        await say(stack, *TALK)
        await consolidate(stack, wait_s=9 * DAY_S)
        assert len(await pages_of_scope(stack)) == len(TALK)
        await consolidate(stack, wait_s=2 * DAY_S)
        assert await pages_of_scope(stack) == []


async def test_a_segment_that_nobody_visits_loses_its_summary_in_time() -> None:
    async with consolidating(keeping(segment_ttl_days=10)) as stack:
        pages = await say(stack, *TOPICS[:2])
        await consolidate(stack, wait_s=8 * DAY_S)
        await _visit(stack, pages[0])
        await consolidate(stack, wait_s=4 * DAY_S)
        assert [segment.evicted for segment in await segments(stack)] == [False, True]


async def test_nothing_is_due_any_more_when_nothing_expires() -> None:
    async with consolidating(keeping()) as stack:
        await say(stack, *TALK)
        await consolidate(stack)
        stack.clock.advance(400 * DAY_S)
        assert await stack.consolidation.consolidator.claim(limit=1) == []


async def _visit(stack: MemoryStack, *pages: MemoryId) -> None:
    stack.consolidation.visits.note(ANA, pages)
    await stack.consolidation.visits.flush()
