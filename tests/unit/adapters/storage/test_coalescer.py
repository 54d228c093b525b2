"""Calls that go together: each gets its own answer or its own fault, whatever becomes of the others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any

import pytest

from memoryos_adapters.storage.coalescer import Coalescer
from memoryos_ports.errors import InvalidInput, UpstreamUnavailable


class Doubling:
    """Work that doubles numbers; it waits at a gate, refuses odd ones, and is down while it says so."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()
        self.batches: list[list[int]] = []
        self.is_down = False

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append([*numbers])
        self.begun.set()
        await self.gate.wait()
        if self.is_down:
            raise UpstreamUnavailable(upstream="work")
        if any(number % 2 for number in numbers):
            raise InvalidInput("odd")
        return [2 * number for number in numbers]


@pytest.fixture
def work() -> Doubling:
    """Work whose gate is shut."""
    return Doubling()


@pytest.fixture
async def double(work: Doubling) -> AsyncIterator[Coalescer[int, int]]:
    """The work, shared by at most four calls."""
    async with Coalescer.open(work, at_once=4, upstream="work") as opened:
        yield opened


async def settled(work: Doubling, calls: Sequence[Awaitable[Any]]) -> list[Any]:
    """Make the first call, the others while it is under way, then open the gate; return what became of each."""
    first, *others = (asyncio.ensure_future(call) for call in calls)
    async with asyncio.timeout(10):
        await work.begun.wait()
        await asyncio.sleep(0)
        work.gate.set()
        return await asyncio.gather(first, *others, return_exceptions=True)


async def test_calls_that_come_meanwhile_go_together(work: Doubling, double: Coalescer[int, int]) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(double(2))
        await work.begun.wait()
        others = [tasks.create_task(double(number)) for number in (4, 6, 8, 10, 12)]
        await asyncio.sleep(0)
        work.gate.set()

    assert work.batches == [[2], [4, 6, 8, 10], [12]]
    assert [task.result() for task in (first, *others)] == [4, 8, 12, 16, 20, 24]


async def test_a_call_alone_does_not_wait_for_others(work: Doubling, double: Coalescer[int, int]) -> None:
    work.gate.set()

    assert [await double(number) for number in (2, 4)] == [4, 8]
    assert work.batches == [[2], [4]]


async def test_what_one_item_does_wrong_fails_for_it_alone(work: Doubling, double: Coalescer[int, int]) -> None:
    two, four, five, six = await settled(work, [double(number) for number in (2, 4, 5, 6)])

    assert (two, four, six) == (4, 8, 12)
    assert isinstance(five, InvalidInput)


async def test_what_is_no_items_fault_fails_for_all_at_once(work: Doubling, double: Coalescer[int, int]) -> None:
    work.is_down = True

    told = await settled(work, [double(number) for number in (2, 4, 6)])

    assert {type(error) for error in told} == {UpstreamUnavailable}
    assert sum(map(len, work.batches)) == 3
    work.is_down = False
    assert await double(8) == 16


async def test_a_caller_that_goes_away_takes_nothing_from_the_others(
    work: Doubling, double: Coalescer[int, int]
) -> None:
    leaving = asyncio.create_task(double(2))
    await work.begun.wait()
    staying = [asyncio.create_task(double(number)) for number in (4, 6)]
    leaving.cancel()
    work.gate.set()

    async with asyncio.timeout(10):
        assert await asyncio.gather(*staying) == [8, 12]
    assert leaving.cancelled()


async def test_at_its_end_nobody_is_left_waiting(work: Doubling) -> None:
    async with Coalescer.open(work, at_once=1, upstream="work") as double:
        calls = [asyncio.create_task(double(number)) for number in (2, 4)]
        await work.begun.wait()

    async with asyncio.timeout(10):
        told = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(error) for error in told} == {UpstreamUnavailable}
    with pytest.raises(UpstreamUnavailable, match="closed"):
        await double(6)
