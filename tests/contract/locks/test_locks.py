"""What all locks promise: one holder at a time, whoever it is, and nothing left of one who gave up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from memoryos_ports.ids import Scope, TenantId, UserId
from memoryos_ports.locks import Locks
from tests.contract.locks.lockings import Pair
from tests.support.makers import ANA, BOB, OTHER_ANA

PATIENCE_S = 10.0
TAKEN_S = 0.05
FREE_S = 5.0  # less than a lease: what was left behind is not free by then


class Room:
    """Where one may be at a time; it notices a second one."""

    def __init__(self) -> None:
        self.visitors: list[str] = []
        self._inside = 0

    @asynccontextmanager
    async def visit(self, name: str = "") -> AsyncIterator[None]:
        """Be in the room while others may run."""
        assert self._inside == 0
        self._inside += 1
        self.visitors.append(name)
        for _ in range(3):
            await asyncio.sleep(0)
        yield
        self._inside -= 1


async def hold_and_visit(locks: Locks, room: Room, name: str = "") -> None:
    """Visit the room under the lock."""
    async with locks.hold(ANA, "edit"), room.visit(name):
        pass


async def is_free(locks: Locks, *, within_s: float = FREE_S) -> bool:
    """Return whether the lock can be had."""
    try:
        async with asyncio.timeout(within_s), locks.hold(ANA, "edit"):
            return True
    except TimeoutError:
        return False


async def let_run(steps: int) -> None:
    """Let the other tasks make so many steps."""
    for _ in range(steps):
        await asyncio.sleep(0)


async def test_two_never_hold_a_lock_at_once(pair: Pair) -> None:
    room = Room()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(hold_and_visit(pair[number % 2], room) for number in range(20)))
    assert len(room.visitors) == 20


async def test_a_lock_may_be_held_again_and_again(pair: Pair) -> None:
    room = Room()
    async with asyncio.timeout(PATIENCE_S):
        for locks in pair * 5:
            await hold_and_visit(locks, room)
    assert len(room.visitors) == 10


async def test_those_who_wait_in_one_process_take_turns(locks: Locks) -> None:
    room, names = Room(), [str(number) for number in range(10)]
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(hold_and_visit(locks, room, name) for name in names))
    assert room.visitors == names


@pytest.mark.parametrize(("scope", "purpose"), [(BOB, "edit"), (OTHER_ANA, "edit"), (ANA, "learn"), (ANA, "")])
async def test_locks_of_other_scopes_and_purposes_are_free(pair: Pair, scope: Scope, purpose: str) -> None:
    async with asyncio.timeout(PATIENCE_S), pair[0].hold(ANA, "edit"):
        for locks in pair:
            async with locks.hold(scope, purpose):
                assert not await is_free(locks, within_s=TAKEN_S)


async def test_scopes_whose_joined_names_are_alike_are_apart(locks: Locks) -> None:
    left = Scope(tenant_id=TenantId("a:b"), user_id=UserId("c"))
    right = Scope(tenant_id=TenantId("a"), user_id=UserId("b:c"))
    async with asyncio.timeout(PATIENCE_S), locks.hold(left, "edit"), locks.hold(right, "edit"):
        pass


async def test_one_who_holds_a_lock_waits_for_it_in_vain(pair: Pair) -> None:
    async with asyncio.timeout(PATIENCE_S), pair[0].hold(ANA, "edit"):
        for locks in pair:
            assert not await is_free(locks, within_s=TAKEN_S)
    assert await is_free(pair[1])


async def test_what_a_holder_raises_comes_out_and_the_lock_is_free(pair: Pair) -> None:
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(PATIENCE_S), pair[0].hold(ANA, "edit"):
            raise ZeroDivisionError
    assert await is_free(pair[1])


async def test_the_lock_of_a_cancelled_holder_is_free(pair: Pair) -> None:
    is_held = asyncio.Event()

    async def hold_for_ever() -> None:
        async with pair[0].hold(ANA, "edit"):
            is_held.set()
            await asyncio.Event().wait()

    async with asyncio.timeout(PATIENCE_S):
        holder = asyncio.create_task(hold_for_ever())
        await is_held.wait()
        holder.cancel()
        await asyncio.wait([holder])
    assert holder.cancelled()
    assert await is_free(pair[1])


@pytest.mark.parametrize("steps", range(0, 30, 3))
@pytest.mark.parametrize("waiter", [0, 1])
async def test_one_who_is_cancelled_while_waiting_leaves_nothing_behind(pair: Pair, waiter: int, steps: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async with pair[0].hold(ANA, "edit"):
            waiting = asyncio.create_task(hold_and_visit(pair[waiter], Room()))
            await let_run(steps)
            waiting.cancel()
            await asyncio.wait([waiting])
        assert waiting.cancelled()
        for locks in pair:
            assert await is_free(locks)


@pytest.mark.parametrize("steps", range(30))
async def test_one_who_is_cancelled_while_entering_leaves_nothing_behind(pair: Pair, steps: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        entering = asyncio.create_task(hold_and_visit(pair[0], Room()))
        await let_run(steps)
        entering.cancel()
        await asyncio.wait([entering])
        for locks in pair:
            assert await is_free(locks)
