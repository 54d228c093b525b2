"""The due-set in Redis: fences that outlive what the server has lost."""

import pytest

from memoryos_adapters.due.redis import RedisDue
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.due import Lease
from tests.support.makers import ANA, BOB, NOON, after
from tests.support.memory_stack import FixedClock


@pytest.fixture
def due(redis: RedisDatabase, clock: FixedClock) -> RedisDue:
    """An empty set."""
    return RedisDue(redis, clock)


async def claim_anew(due: RedisDue) -> Lease:
    """Make a scope due and claim it."""
    await due.add(ANA, at=NOON)
    (lease,) = await due.claim(limit=1, lease_s=60)
    return lease


async def test_fences_grow_also_when_the_server_has_lost_everything(due: RedisDue, redis: RedisDatabase) -> None:
    old = await claim_anew(due)
    await redis.execute("FLUSHDB")
    new = await claim_anew(due)
    assert new.fence > old.fence
    assert not await due.holds(old)


async def test_fences_grow_also_when_clocks_disagree(redis: RedisDatabase) -> None:
    fences = []
    for behind_s in (0, 3600, 1, 7200):
        due = RedisDue(redis, FixedClock(after(-behind_s)))
        await due.add(ANA, at=after(-10_000))
        (lease,) = await due.claim(limit=1, lease_s=60)
        await due.finish(lease)
        fences.append(lease.fence)
    assert fences == sorted(set(fences))


async def test_moments_and_fences_are_exact_to_the_microsecond_in_the_next_century(redis: RedisDatabase) -> None:
    moment = NOON.replace(year=2199, microsecond=999_999)
    clock = FixedClock(moment)
    due = RedisDue(redis, clock)
    await due.add(ANA, at=moment)
    (lease,) = await due.claim(limit=1, lease_s=0.000001)
    await due.finish(lease, again_at=lease.until)
    assert await due.claim(limit=1, lease_s=1) == []
    clock.advance(0.000001)
    (again,) = await due.claim(limit=1, lease_s=0.000002)
    assert again.fence == lease.fence + 1
    clock.advance(0.000001)
    assert await due.claim(limit=1, lease_s=1) == []
    clock.advance(0.000001)
    assert len(await due.claim(limit=1, lease_s=1)) == 1


async def test_only_the_last_fence_is_left_when_nothing_is_due(due: RedisDue, redis: RedisDatabase) -> None:
    lease = await claim_anew(due)
    await due.add(ANA, at=NOON)
    await due.finish(lease)
    await due.add(BOB, at=NOON)
    for lease in await due.claim(limit=2, lease_s=60):
        await due.add(lease.scope, at=NOON)
        await due.erase(lease.scope)
        await due.finish(lease)
    assert [name async for name in redis.keys("*")] == ["memoryos:{due}:fence"]
