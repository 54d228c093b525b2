"""Who waits for whom on the thread that encodes."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from memoryos_adapters.embedding.lane import EncodingLane
from memoryos_ports.embedding import Vector
from memoryos_ports.errors import UpstreamUnavailable
from tests.unit.adapters.embedding.gate import GatedEncoder


@pytest.fixture
def encoder() -> GatedEncoder:
    return GatedEncoder(shut=["first"])


@pytest.fixture
async def lane(encoder: GatedEncoder) -> AsyncIterator[EncodingLane]:
    lane = EncodingLane("test", encoder.encode)
    yield lane
    encoder.gate.set()
    await lane.aclose()


async def start(lane: EncodingLane, *texts: str) -> asyncio.Task[list[Vector]]:
    """Return a call that has been handed to the lane."""
    call = asyncio.create_task(lane.vectors(texts))
    await asyncio.sleep(0)
    return call


async def start_first(lane: EncodingLane, encoder: GatedEncoder) -> asyncio.Task[list[Vector]]:
    """Return a call that occupies the lane's thread until the gate is opened."""
    call = await start(lane, "first")
    assert await asyncio.to_thread(encoder.entered.wait, 10)
    return call


async def test_calls_that_wait_are_encoded_together(lane: EncodingLane, encoder: GatedEncoder) -> None:
    async with asyncio.timeout(10):
        calls = [await start_first(lane, encoder), await start(lane, "a", "bb"), await start(lane, "ccc")]
        encoder.gate.set()
        assert await asyncio.gather(*calls) == [[[5.0]], [[1.0], [2.0]], [[3.0]]]
    assert encoder.seen == [["first"], ["a", "bb", "ccc"]]


async def test_long_texts_are_encoded_alone(lane: EncodingLane, encoder: GatedEncoder) -> None:
    long = "x" * 500
    async with asyncio.timeout(10):
        calls = [await start_first(lane, encoder), await start(lane, long), await start(lane, long)]
        encoder.gate.set()
        await asyncio.gather(*calls)
    assert encoder.seen == [["first"], [long], [long]]


async def test_a_call_that_was_cancelled_while_it_waited_is_never_encoded(
    lane: EncodingLane, encoder: GatedEncoder
) -> None:
    async with asyncio.timeout(10):
        first, second, third = await start_first(lane, encoder), await start(lane, "a"), await start(lane, "bb")
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        encoder.gate.set()
        assert [await first, await third] == [[[5.0]], [[2.0]]]
    assert encoder.seen == [["first"], ["bb"]]


async def test_a_call_that_is_cancelled_while_it_is_encoded_does_not_harm_the_next(
    lane: EncodingLane, encoder: GatedEncoder
) -> None:
    async with asyncio.timeout(10):
        first, second = await start_first(lane, encoder), await start(lane, "a")
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        encoder.gate.set()
        assert await second == [[1.0]]


async def test_a_fault_reaches_only_the_call_that_caused_it(lane: EncodingLane, encoder: GatedEncoder) -> None:
    async with asyncio.timeout(10):
        first, bad, good = await start_first(lane, encoder), await start(lane, "bad"), await start(lane, "good")
        encoder.gate.set()
        with pytest.raises(ValueError, match="bad"):
            await bad
        assert [await first, await good] == [[[5.0]], [[4.0]]]


async def test_closing_finishes_the_running_call_and_refuses_those_that_wait(
    lane: EncodingLane, encoder: GatedEncoder
) -> None:
    async with asyncio.timeout(10):
        first, second = await start_first(lane, encoder), await start(lane, "a")
        closing = asyncio.create_task(lane.aclose())
        await asyncio.sleep(0)
        encoder.gate.set()
        assert await first == [[5.0]]
        with pytest.raises(UpstreamUnavailable):
            await second
        await closing
        with pytest.raises(UpstreamUnavailable):
            await lane.vectors(["b"])
    assert encoder.seen == [["first"]]


async def test_a_lane_may_be_closed_twice(lane: EncodingLane) -> None:
    async with asyncio.timeout(10):
        await lane.aclose()
        await lane.aclose()
