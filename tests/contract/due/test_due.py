"""What every due-set promises about what is due and when."""

import asyncio
from pathlib import Path

import pytest

from memoryos_ports.due import DueSet, Lease
from memoryos_ports.ids import Scope, TenantId, UserId
from tests.contract.due.sets import Opener
from tests.support.makers import ANA, BOB, NOON, OTHER_ANA, after
from tests.support.memory_stack import FixedClock

LEASE_S = 60.0


async def claimed(due: DueSet, *, limit: int = 10) -> list[Scope]:
    """Claim, and return the scopes."""
    return [lease.scope for lease in await due.claim(limit=limit, lease_s=LEASE_S)]


async def claim_one(due: DueSet) -> Lease:
    """Claim what must be one scope."""
    (lease,) = await due.claim(limit=10, lease_s=LEASE_S)
    return lease


async def test_a_lease_says_on_what_and_until_when(due: DueSet) -> None:
    await due.add(ANA, at=NOON)
    lease = await claim_one(due)
    assert (lease.scope, lease.until) == (ANA, after(LEASE_S))


async def test_nothing_is_due_in_an_empty_set(due: DueSet) -> None:
    assert await claimed(due) == []


async def test_a_scope_is_due_to_the_moment(due: DueSet, clock: FixedClock) -> None:
    await due.add(ANA, at=after(2.5))
    clock.advance(2.499999)
    assert await claimed(due) == []
    clock.advance(0.000001)
    assert await claimed(due) == [ANA]


@pytest.mark.parametrize("moments", [(5, 10), (10, 5), (5, 5)])
async def test_of_several_moments_the_earliest_counts(
    due: DueSet, clock: FixedClock, moments: tuple[float, float]
) -> None:
    for moment in moments:
        await due.add(ANA, at=after(moment))
    clock.advance(5)
    await due.finish(await claim_one(due))
    clock.advance(100)
    assert await claimed(due) == []


async def test_the_longest_due_come_first_and_not_more_than_asked_for(due: DueSet, clock: FixedClock) -> None:
    for scope, moment in ((ANA, 3), (BOB, 1), (OTHER_ANA, 2)):
        await due.add(scope, at=after(moment))
    clock.advance(10)
    assert await claimed(due, limit=2) == [BOB, OTHER_ANA]
    assert await claimed(due, limit=2) == [ANA]


async def test_a_lease_that_ran_out_waits_its_turn_from_then_on(due: DueSet, clock: FixedClock) -> None:
    await due.add(ANA, at=NOON)
    await claim_one(due)
    await due.add(BOB, at=after(LEASE_S - 1))
    await due.add(OTHER_ANA, at=after(LEASE_S + 1))
    clock.advance(LEASE_S + 1)
    assert await claimed(due) == [BOB, ANA, OTHER_ANA]


async def test_scopes_whose_joined_names_are_alike_are_apart(due: DueSet) -> None:
    left = Scope(tenant_id=TenantId("a:b"), user_id=UserId("c"))
    right = Scope(tenant_id=TenantId("a"), user_id=UserId("b:c"))
    await due.add(left, at=NOON)
    await due.add(right, at=NOON)
    assert sorted(await claimed(due)) == sorted([left, right])


async def test_a_finished_scope_is_due_no_more(due: DueSet, clock: FixedClock) -> None:
    await due.add(ANA, at=NOON)
    await due.finish(await claim_one(due))
    clock.advance(10 * LEASE_S)
    assert await claimed(due) == []


async def test_a_finished_scope_is_due_again_when_it_was_asked_for(due: DueSet, clock: FixedClock) -> None:
    await due.add(ANA, at=NOON)
    await due.finish(await claim_one(due), again_at=after(LEASE_S * 2))
    clock.advance(LEASE_S * 2 - 1)
    assert await claimed(due) == []
    clock.advance(1)
    assert await claimed(due) == [ANA]


async def test_what_is_added_during_a_lease_is_due_when_it_is_finished(due: DueSet) -> None:
    await due.add(ANA, at=NOON)
    lease = await claim_one(due)
    await due.add(ANA, at=NOON)
    assert await claimed(due) == []
    await due.finish(lease)
    assert await claimed(due) == [ANA]


@pytest.mark.parametrize(
    ("added", "again", "due_in_s"),
    [((30,), None, 30), ((30, 40), None, 30), ((40, 30), None, 30), ((40,), 30, 30), ((30,), 40, 30)],
)
async def test_after_a_lease_the_earliest_moment_counts(
    due: DueSet, clock: FixedClock, added: tuple[float, ...], again: float | None, due_in_s: float
) -> None:
    await due.add(ANA, at=NOON)
    lease = await claim_one(due)
    for moment in added:
        await due.add(ANA, at=after(moment))
    await due.finish(lease, again_at=None if again is None else after(again))
    clock.advance(due_in_s - 1)
    assert await claimed(due) == []
    clock.advance(1)
    await due.finish(await claim_one(due))
    clock.advance(10 * LEASE_S)
    assert await claimed(due) == []


async def test_what_was_added_for_later_outlives_a_lease_that_ran_out(due: DueSet, clock: FixedClock) -> None:
    await due.add(ANA, at=NOON)
    await claim_one(due)
    await due.add(ANA, at=after(LEASE_S * 3))
    clock.advance(LEASE_S)
    await due.finish(await claim_one(due))
    clock.advance(LEASE_S)
    assert await claimed(due) == []
    clock.advance(LEASE_S)
    assert await claimed(due) == [ANA]


async def test_what_was_added_before_a_claim_is_done_with_by_it(due: DueSet, clock: FixedClock) -> None:
    await due.add(ANA, at=NOON)
    await claim_one(due)
    await due.add(ANA, at=after(1))
    clock.advance(LEASE_S)
    await due.finish(await claim_one(due))
    clock.advance(10 * LEASE_S)
    assert await claimed(due) == []


async def test_an_erased_scope_is_due_no_more_and_others_are(due: DueSet) -> None:
    await due.add(ANA, at=NOON)
    await due.add(BOB, at=NOON)
    for _ in range(2):
        await due.erase(ANA)
    assert await claimed(due) == [BOB]


async def test_an_erased_scope_may_be_added_again(due: DueSet) -> None:
    await due.add(ANA, at=NOON)
    await due.erase(ANA)
    await due.add(ANA, at=NOON)
    assert await claimed(due) == [ANA]


async def test_what_was_added_is_due_after_a_restart(durable_opener: Opener, tmp_path: Path, clock: FixedClock) -> None:
    async with durable_opener(tmp_path, clock) as due:
        await due.add(ANA, at=NOON)
        await due.add(BOB, at=after(30))
    async with durable_opener(tmp_path, clock) as due:
        assert await claimed(due) == [ANA]
        clock.advance(30)
        assert await claimed(due) == [BOB]


async def test_ping_returns_when_the_set_answers(due: DueSet) -> None:
    async with asyncio.timeout(10):
        await due.ping()
