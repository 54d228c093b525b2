"""A process may end before any call of any store: the next run comes to the state that it would have come to."""

import pytest

from memoryos_core.consolidation.assembly import ConsolidationPolicy
from memoryos_core.consolidation.limits import Limits
from tests.support.consolidation import EAGER, TALK, consolidate, consolidating, facts, say, segments, state
from tests.support.faults import Countdown, Crash
from tests.support.makers import ANA
from tests.support.memory_stack import MemoryStack

TURNS = ("I live in Lisbon.", *TALK, "I moved to Porto.", "I like green tea.")
LEASE_S = 301.0


async def test_consolidation_comes_to_the_same_state_wherever_it_was_cut() -> None:
    expected, calls = await _consolidated(at=None)
    assert calls > 20
    for at in range(1, calls + 1):
        assert (await _consolidated(at=at))[0] == expected, f"cut before call {at}"


async def test_forgetting_a_page_comes_to_the_same_state_wherever_it_was_cut() -> None:
    expected, calls = await _forgotten(at=None)
    assert calls > 10
    for at in range(1, calls + 1):
        assert (await _forgotten(at=at))[0] == expected, f"cut before call {at}"


@pytest.mark.parametrize("at", range(1, 60, 4))
async def test_eviction_comes_to_the_same_state_wherever_it_was_cut(at: int) -> None:
    few = ConsolidationPolicy(heat_threshold=1.0, limits=Limits(max_segments=1, max_facts=1))
    expected, _ = await _consolidated(at=None, policy=few)
    assert (await _consolidated(at=at, policy=few))[0] == expected


async def _consolidated(*, at: int | None, policy: ConsolidationPolicy = EAGER) -> tuple[dict[str, object], int]:
    async with consolidating(policy) as stack:
        await say(stack, *TURNS)
        countdown = Countdown(at=at)
        _share(stack, countdown)
        try:
            await consolidate(stack)
        except Crash:
            _share(stack, None)
            await consolidate(stack, wait_s=LEASE_S)
        _share(stack, None)
        assert len(await facts(stack)) == (3 if policy is EAGER else 1)
        assert sum(len(segment.pages) for segment in await segments(stack)) == len(TURNS)
        return await state(stack), countdown.calls


async def _forgotten(*, at: int | None) -> tuple[dict[str, object], int]:
    async with consolidating() as stack:
        pages = await say(stack, *TURNS)
        await consolidate(stack)
        gone = [pages[1], pages[7]]
        countdown = Countdown(at=at)
        _share(stack, countdown)
        try:
            await stack.consolidation.derivatives.forget(ANA, gone)
        except Crash:
            _share(stack, None)
            await stack.consolidation.derivatives.forget(ANA, gone)
        _share(stack, None)
        return await state(stack), countdown.calls


def _share(stack: MemoryStack, countdown: Countdown | None) -> None:
    for name in stack.faults.__struct_fields__:
        getattr(stack.faults, name).countdown = countdown
