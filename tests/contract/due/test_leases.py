"""What every due-set promises about leases: one holder at a time, fenced, and nothing lost with a holder that died."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memoryos_ports.due import DueSet, Lease
from memoryos_ports.ids import Scope, TenantId, UserId
from tests.contract.due.sets import Opener
from tests.support.makers import ANA, BOB, NOON, after
from tests.support.memory_stack import FixedClock

LEASE_S = 60.0
PATIENCE_S = 10.0


async def claim(due: DueSet, *, limit: int = 10) -> Sequence[Lease]:
    """Claim what is due."""
    async with asyncio.timeout(PATIENCE_S):
        return await due.claim(limit=limit, lease_s=LEASE_S)


async def claim_anew(due: DueSet, scope: Scope = ANA) -> Lease:
    """Make a scope due and claim it."""
    await due.add(scope, at=NOON)
    (lease,) = await claim(due)
    return lease


async def test_a_claimed_scope_is_nobody_elses_until_its_lease_runs_out(due: DueSet, clock: FixedClock) -> None:
    await claim_anew(due)
    clock.advance(LEASE_S - 0.000001)
    assert await claim(due) == []
    clock.advance(0.000001)
    (lease,) = await claim(due)
    assert (lease.scope, lease.until) == (ANA, after(2 * LEASE_S))


async def test_a_lease_is_held_until_it_is_finished(due: DueSet) -> None:
    lease = await claim_anew(due)
    assert await due.holds(lease)
    await due.finish(lease)
    assert not await due.holds(lease)


async def test_a_lease_that_ran_out_is_held_as_long_as_nobody_else_claims(due: DueSet, clock: FixedClock) -> None:
    first = await claim_anew(due)
    clock.advance(10 * LEASE_S)
    assert await due.holds(first)
    (second,) = await claim(due)
    assert not await due.holds(first)
    assert await due.holds(second)


async def test_a_lease_that_ran_out_can_be_finished_as_long_as_nobody_else_claims(
    due: DueSet, clock: FixedClock
) -> None:
    lease = await claim_anew(due)
    clock.advance(10 * LEASE_S)
    await due.finish(lease)
    assert await claim(due) == []


async def test_a_lease_of_another_scope_is_not_held(due: DueSet) -> None:
    lease = await claim_anew(due)
    assert not await due.holds(msgspec.structs.replace(lease, scope=BOB))


@pytest.mark.parametrize("again_at", [None, NOON])
async def test_finishing_a_lease_that_is_held_no_more_changes_nothing(
    due: DueSet, clock: FixedClock, again_at: datetime | None
) -> None:
    lost = await claim_anew(due)
    clock.advance(LEASE_S)
    (held,) = await claim(due)
    await due.finish(lost, again_at=again_at)
    assert await due.holds(held)
    assert await claim(due) == []
    await due.finish(held)
    await due.finish(held, again_at=again_at)
    assert await claim(due) == []


async def test_fences_grow_with_every_claim(due: DueSet, clock: FixedClock) -> None:
    fences = []
    for ending in ("runs out", "finished", "given back", "erased", "runs out"):
        lease = await claim_anew(due)
        fences.append(lease.fence)
        match ending:
            case "finished":
                await due.finish(lease)
            case "given back":
                await due.finish(lease, again_at=NOON)
            case "erased":
                await due.erase(ANA)
            case _:
                clock.advance(LEASE_S)
    assert fences == sorted(set(fences))


async def test_an_old_lease_is_not_held_anew_when_its_scope_was_finished_and_claimed_again(due: DueSet) -> None:
    old = await claim_anew(due)
    await due.finish(old)
    new = await claim_anew(due)
    await due.finish(old)
    assert not await due.holds(old)
    assert await due.holds(new)


async def test_erasing_takes_the_lease(due: DueSet) -> None:
    lease = await claim_anew(due)
    await due.erase(ANA)
    assert not await due.holds(lease)
    await due.finish(lease, again_at=NOON)
    assert await claim(due) == []


async def test_a_lease_from_before_an_erasure_is_not_held_after_it(due: DueSet) -> None:
    old = await claim_anew(due)
    await due.erase(ANA)
    new = await claim_anew(due)
    assert not await due.holds(old)
    await due.finish(old, again_at=NOON)
    assert await due.holds(new)


async def test_of_many_who_claim_at_once_one_gets_each_scope(due: DueSet) -> None:
    scopes = [Scope(tenant_id=TenantId("acme"), user_id=UserId(f"u{number}")) for number in range(20)]
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(due.add(scope, at=NOON) for scope in scopes))
        claims = await asyncio.gather(*(due.claim(limit=3, lease_s=LEASE_S) for _ in range(10)))
    assert sorted(lease.scope for leases in claims for lease in leases) == sorted(scopes)


async def test_two_processes_never_hold_the_same_scope(
    durable_opener: Opener, tmp_path: Path, clock: FixedClock
) -> None:
    async with durable_opener(tmp_path, clock) as one, durable_opener(tmp_path, clock) as other:
        for _ in range(10):
            await one.add(ANA, at=NOON)
            claims = await asyncio.gather(claim(one), claim(other))
            (lease,) = [lease for leases in claims for lease in leases]
            assert await one.holds(lease)
            assert await other.holds(lease)
            await other.finish(lease)


async def test_an_addition_and_a_finish_at_once_lose_nothing(due: DueSet) -> None:
    for _ in range(10):
        lease = await claim_anew(due)
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(due.finish(lease), due.add(ANA, at=NOON))
        (again,) = await claim(due)
        await due.finish(again)


async def test_leases_and_fences_are_there_after_a_restart(
    durable_opener: Opener, tmp_path: Path, clock: FixedClock
) -> None:
    async with durable_opener(tmp_path, clock) as due:
        finished = await claim_anew(due, BOB)
        await due.finish(finished)
        lease = await claim_anew(due)
    async with durable_opener(tmp_path, clock) as due:
        assert await due.holds(lease)
        assert await claim(due) == []
        clock.advance(LEASE_S)
        (next_lease,) = await claim(due)
        assert next_lease.fence > lease.fence
        assert not await due.holds(lease)


STEPS = st.lists(
    st.tuples(st.sampled_from([ANA, BOB]), st.sampled_from(["add", "claim", "finish", "wait", "erase"])), max_size=20
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_what_is_added_is_claimed_after_it_and_finished_before_it_is_forgotten(
    opener: Opener, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Scope, str]]
) -> None:
    clock = FixedClock()
    waiting: set[Scope] = set()
    held: dict[Scope, Lease] = {}
    async with opener(tmp_path_factory.mktemp("due"), clock) as due:
        for scope, step in steps:
            match step:
                case "add":
                    await due.add(scope, at=clock.now())
                    waiting.add(scope)
                case "claim":
                    leases = {lease.scope: lease for lease in await claim(due)}
                    held |= leases
                    waiting -= leases.keys()
                case "finish" if scope in held:
                    await due.finish(held.pop(scope))
                case "erase":
                    await due.erase(scope)
                    waiting.discard(scope)
                    held.pop(scope, None)
                case "wait":
                    clock.advance(LEASE_S / 2)
        assert all([await due.holds(lease) for lease in held.values()])
        clock.advance(LEASE_S)
        assert {lease.scope for lease in await claim(due)} == waiting | held.keys()
