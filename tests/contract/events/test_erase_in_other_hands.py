"""What a log that several processes share promises about erasing what one of them has in hand.

Whoever erases has noted first what is to be dropped, so that whoever holds an event drops it: it is not taken away,
since nobody would take back what was written by a process that dies, or fails, amid its work.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from memoryos_ports.events import EventLog
from memoryos_ports.ids import SessionId
from tests.contract.events.logs import SHARED
from tests.contract.events.makers import ANA, make_event, make_receipt
from tests.contract.events.test_erase import EMPTY, ENDINGS, Ending

SESSION = SessionId("s1")
HELD, QUEUED = (msgspec.structs.replace(make_event(id_), session_id=SESSION) for id_ in ("held", "queued"))

sessions = pytest.mark.parametrize("session_id", [None, SESSION], ids=["all", "a session"])

Start = Callable[[], AbstractAsyncContextManager[EventLog]]


@pytest.fixture(params=SHARED)
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """What starts one more process on the same servers, which dies with what it has in hand when its block ends."""
    return partial(SHARED[request.param], tmp_path)


@sessions
@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
async def test_what_ends_meanwhile_is_gone_when_the_erasure_is_done(
    session_id: SessionId | None,
    start: Start,
    end: Ending,
) -> None:
    async with start() as worker, start() as eraser:
        await eraser.publish(HELD)
        (held,) = await worker.receive(limit=1, wait_s=5)
        await eraser.publish(QUEUED)
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            erasing = tasks.create_task(eraser.erase(ANA, session_id=session_id))
            while await eraser.receipt(ANA, QUEUED.event_id) is not None:
                pass
            await end(worker, held)
        assert erasing.result() == 2
        assert await eraser.receipt(ANA, HELD.event_id) is None
        assert await eraser.stats() == EMPTY
        assert await eraser.erase(ANA, session_id=session_id) == 0


@sessions
async def test_what_stays_in_hand_counts_until_it_is_gone(session_id: SessionId | None, start: Start) -> None:
    async with start() as worker, start() as eraser:
        await eraser.publish(HELD)
        (held,) = await worker.receive(limit=1, wait_s=5)
        async with asyncio.timeout(10):
            assert await eraser.erase(ANA, session_id=session_id) == 1
        assert (await eraser.stats()).length == 1
        assert await eraser.receipt(ANA, HELD.event_id) is None
        assert (await eraser.publish(HELD)).outcome == "new"
        await worker.ack(held)
        assert await eraser.receipt(ANA, HELD.event_id) == make_receipt(HELD)
        assert (await eraser.stats()).length == 1


async def test_whoever_dies_with_it_afterwards_is_taken_over(start: Start) -> None:
    async with start() as eraser, start() as next_worker:
        async with start() as worker:
            await eraser.publish(HELD)
            (held,) = await worker.receive(limit=1, wait_s=5)
            assert await eraser.erase(ANA) == 1
        (again,) = await next_worker.receive(limit=1, wait_s=10)
        assert (again.handle, again.payload, again.attempts) == (held.handle, held.payload, 1)
        await next_worker.ack(again)
        assert await eraser.erase(ANA) == 1  # the receipt that tells what became of it
        assert await eraser.stats() == EMPTY


@sessions
async def test_what_a_dead_process_has_in_hand_goes_at_once(session_id: SessionId | None, start: Start) -> None:
    async with start() as eraser:
        async with start() as worker:
            await eraser.publish(HELD)
            await worker.receive(limit=1, wait_s=5)
        assert await eraser.erase(ANA, session_id=session_id) == 1
        assert await eraser.stats() == EMPTY
        assert await eraser.erase(ANA, session_id=session_id) == 0


async def test_what_rests_is_in_nobodys_hand(start: Start) -> None:
    async with start() as worker, start() as eraser:
        await eraser.publish(HELD)
        (held,) = await worker.receive(limit=1, wait_s=5)
        await worker.leave(held, error="later", retry_in_s=3600)
        assert await eraser.erase(ANA) == 1
        assert await eraser.stats() == EMPTY
        assert await eraser.erase(ANA) == 0
