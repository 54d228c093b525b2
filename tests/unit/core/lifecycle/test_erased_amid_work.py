"""An erasure by another process while an event is applied, which then fails or is stopped: nothing stays behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from memoryos_ports.errors import UpstreamUnavailable
from memoryos_ports.ids import SessionId
from tests.support.lifecycle import MemoryLife, other_process
from tests.support.makers import ANA, make_event

EVENT = make_event("e1", "I moved to Lisbon", "my tea is green", session_id=SessionId("s1"))

LATER_STEPS = [
    ("embedder", "embed"),
    ("storage", "insert"),
    ("short_term", "mark_indexed"),
    ("documents", "put"),
    ("due", "add"),
    ("documents", "update"),
]


@asynccontextmanager
async def erased_amid(life: MemoryLife) -> "AsyncIterator[asyncio.Task[None]]":
    """Erase the user from another process when the application of the event, which goes on at the end, has begun."""
    elsewhere = other_process(life)
    life.stack.clock.advance(60)
    gate = life.stack.faults.short_term.hold("append")
    applying = asyncio.create_task(life.stack.handlers.apply(EVENT))
    async with asyncio.timeout(10):
        await life.stack.faults.short_term.hung.wait()
        assert (await elsewhere.services.erasure().erase(ANA)).state == "complete"
    yield applying
    gate.set()


async def assert_nothing_applied(life: MemoryLife) -> None:
    assert await life.stack.pages() == []
    assert await life.stack.short_term.get(ANA, EVENT.memory_ids) == []
    assert await life.services.registry().user(ANA) is None
    assert (await life.services.registry().sessions(ANA, limit=9)).items == []


@pytest.mark.parametrize("ending", ["fails", "is cancelled"])
@pytest.mark.parametrize(("store", "method"), LATER_STEPS, ids=str)
async def test_what_was_written_is_taken_back(store: str, method: str, ending: str, life: MemoryLife) -> None:
    """It is erased before anything of it is written, and the log has it no more: nobody is handed it again."""
    faults = getattr(life.stack.faults, store)
    met = faults.watch(method)
    async with erased_amid(life) as applying:
        if ending == "fails":
            faults.fail(method, times=1)
        else:
            faults.hang(method)
    async with asyncio.timeout(10):
        await met.wait()
        if ending == "is cancelled":
            applying.cancel()
        with pytest.raises((UpstreamUnavailable, asyncio.CancelledError)):
            await applying
    await assert_nothing_applied(other_process(life))


async def test_what_cannot_be_taken_back_at_once_goes_when_the_event_comes_again(life: MemoryLife) -> None:
    async with erased_amid(life) as applying:
        life.stack.faults.due.fail("add", error=LookupError("what ended the work"))
        life.stack.faults.storage.fail("delete")
    with pytest.raises(LookupError, match="what ended the work"):
        await applying
    assert await life.stack.pages() != []
    life.stack.faults.storage.mend()
    await life.stack.handlers.apply(EVENT)
    await assert_nothing_applied(life)
