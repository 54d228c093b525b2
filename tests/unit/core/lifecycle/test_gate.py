"""The gate: writers together, who erases alone, and nobody waits for ever."""

import asyncio

from memoryos_core.lifecycle.gate import ScopeGate
from tests.support.makers import ANA, BOB


async def test_writers_pass_together_and_other_scopes_do_not_care() -> None:
    gate = ScopeGate()
    async with asyncio.timeout(5):
        async with gate.writing(ANA) as first, gate.writing(ANA) as second, gate.alone(BOB, patience_s=5) as alone:
            assert (first, second, alone) == (False, False, True)


async def test_who_erases_waits_for_writers_and_later_ones_wait_for_him() -> None:
    gate, order = ScopeGate(), list[str]()

    async def write(name: str, entered: asyncio.Event, leave: asyncio.Event) -> None:
        async with gate.writing(ANA) as waited:
            entered.set()
            await leave.wait()
            order.append(f"{name} {waited}")

    async def erase() -> None:
        async with gate.alone(ANA, patience_s=5) as is_alone:
            order.append(f"erase {is_alone}")

    entered, leave, at_once = asyncio.Event(), asyncio.Event(), asyncio.Event()
    at_once.set()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(write("first", entered, leave))
        await entered.wait()
        tasks.create_task(erase())
        await asyncio.sleep(0)
        tasks.create_task(write("second", asyncio.Event(), at_once))
        await asyncio.sleep(0)
        leave.set()
    assert order == ["first False", "erase True", "second True"]


async def test_patience_ends() -> None:
    gate = ScopeGate()
    async with asyncio.timeout(5), gate.writing(ANA), gate.alone(ANA, patience_s=0.01) as is_alone:
        assert not is_alone


async def test_a_writer_that_is_cancelled_holds_nobody_up() -> None:
    gate = ScopeGate()
    inside = asyncio.Event()

    async def write() -> None:
        async with gate.writing(ANA):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(5), gate.alone(ANA, patience_s=5) as is_alone:
        assert is_alone


async def test_nothing_is_kept_of_a_scope_when_all_have_left() -> None:
    gate = ScopeGate()
    async with gate.writing(ANA):
        pass
    async with gate.alone(ANA, patience_s=1):
        pass
    assert gate._doors == {}
