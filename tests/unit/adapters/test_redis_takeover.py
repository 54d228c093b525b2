"""Taking over amid entries that rest: however many there are, they never hide what nobody works on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.errors import UpstreamUnavailable
from memoryos_ports.events import Delivery
from tests.contract.events.logs import empty_cluster_of
from tests.contract.events.makers import make_event
from tests.support.redis_log import PATIENCE_S, open_log, open_redis, receive_one
from tests.support.redis_server import database_url

GROUP = "memoryos-workers"
FAR_OFF_MS = 10**15
REST = """
local add = {'XADD', KEYS[1], '*', 'user_id', 'u', 'content', 'hi'}
for _ = 1, ARGV[3] do redis.call(unpack(add)) end
local read = {'XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', ARGV[3], 'STREAMS', KEYS[1], '>'}
for _, entry in ipairs(redis.call(unpack(read))[1][2]) do redis.call('ZADD', KEYS[2], ARGV[4], entry[1]) end
"""
"""Type entries, hand them to a consumer, let them rest (KEYS: stream, due times; ARGV: group, consumer, count, due)."""

OpenLog = Callable[..., AbstractAsyncContextManager[RedisEvents]]


@pytest.fixture(params=["standalone", "partitions", "cluster"])
async def redis(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RedisDatabase]:
    """A client of an empty database, and of an empty cluster."""
    is_cluster = request.param == "cluster"
    url = empty_cluster_of(tmp_path)[0].url if is_cluster else database_url(tmp_path)
    async with open_redis(url, mode="cluster" if is_cluster else "standalone") as opened:
        yield opened


@pytest.fixture
def opening(request: pytest.FixtureRequest, redis: RedisDatabase) -> OpenLog:
    """How to open the log of one more process."""
    partitions = 3 if "partitions" in request.node.callspec.id else 1
    return lambda **settings: open_log(redis, stream="{chat_log}", partitions=partitions, **settings)


async def publish(log: RedisEvents, *event_ids: str) -> None:
    """Publish an event for each id."""
    for event_id in event_ids:
        await log.publish(make_event(event_id))


async def leave_for_long(log: RedisEvents, deliveries: list[Delivery]) -> None:
    """Leave them all, due long after the test."""
    for delivery in deliveries:
        await log.leave(delivery, error="later", retry_in_s=600, attempted=False)


def told(deliveries: list[Delivery]) -> list[tuple[str | None, int]]:
    """Return which events were delivered, and how often they were tried before."""
    return [(delivery.event_id, delivery.attempts) for delivery in deliveries]


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_what_a_dead_consumer_held_is_taken_over_from_behind_what_rests(opening: OpenLog, limit: int) -> None:
    async with opening() as log:
        await publish(log, "resting1", "resting2", "lost")
        await leave_for_long(log, await log.receive(limit=2, wait_s=PATIENCE_S))
        async with opening() as dying:
            await receive_one(dying)
        assert told(await log.receive(limit=limit, wait_s=PATIENCE_S)) == [("lost", 1)]


async def test_a_name_that_comes_back_finds_at_once_what_it_died_of(opening: OpenLog) -> None:
    async with opening(consumer="w1", claim_idle_ms=60_000) as log:
        await publish(log, "resting1", "resting2", "resting3", "deadly")
        await leave_for_long(log, await log.receive(limit=3, wait_s=PATIENCE_S))
        await receive_one(log)
    for life in (1, 2, 3):
        async with opening(consumer="w1", claim_idle_ms=60_000) as log:
            assert told(await log.receive(limit=1, wait_s=0)) == [("deadly", life)]


@pytest.mark.parametrize("redis", ["standalone", "cluster"], indirect=True)
async def test_a_name_that_comes_back_finds_what_it_held_behind_thousands_that_rest(redis: RedisDatabase) -> None:
    async with open_log(redis, stream="{chat_log}", max_queue=10_000, consumer="w1", claim_idle_ms=60_000) as log:
        await publish(log, "first")
        await receive_one(log)
        await rest(redis, "w1", 2_500)
        await publish(log, "last")
        await receive_one(log)
    async with open_log(redis, stream="{chat_log}", max_queue=10_000, consumer="w1", claim_idle_ms=60_000) as log:
        found = [await receive_one(log, wait_s=0) for _ in range(2)]
        assert told(found) == [("first", 1), ("last", 1)]
        await publish(log, "new")
        assert told([await receive_one(log, wait_s=0)]) == [("new", 0)]


@pytest.mark.parametrize("redis", ["standalone", "cluster"], indirect=True)
@pytest.mark.parametrize("owner", ["ours", "a dead one's"])
async def test_whatever_is_lost_is_found_amid_thousands_that_rest(redis: RedisDatabase, owner: str) -> None:
    async with open_log(redis, stream="{chat_log}", max_queue=10_000, consumer="ours") as log:
        assert await log.receive(limit=1, wait_s=0) == []
        for event_id in ("first", "middle", "last"):
            await publish(log, event_id)
            async with open_log(redis, stream="{chat_log}", max_queue=10_000) as dying:
                await receive_one(dying)
            await rest(redis, owner, 2_500)
        found: list[tuple[str | None, int]] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(found) < 3:
                found += told([await receive_one(log)])
        assert sorted(found) == [("first", 1), ("last", 1), ("middle", 1)]


async def test_what_may_not_be_taken_is_not_lost(tmp_path: Path) -> None:
    url = database_url(tmp_path)
    async with open_redis(url) as redis, open_log(redis) as log:
        await publish(log, "e1")
        await log.leave(await receive_one(log), error="no", retry_in_s=0)
        await redis.execute("ACL", "SETUSER", "limited", "on", ">secret", "~*", "&*", "+@all", "-xclaim")
        async with open_redis(url.replace("//", "//limited:secret@")) as limited, open_log(limited) as other:
            for _ in range(2):
                with pytest.raises(UpstreamUnavailable):
                    await other.receive(limit=1, wait_s=0)
        assert told([await receive_one(log)]) == [("e1", 1)]


async def rest(redis: RedisDatabase, consumer: str, many: int) -> None:
    """Let so many entries more rest, handed to this consumer last."""
    keys = ("{chat_log}", f"{{chat_log}}:due:{GROUP}")
    await redis.execute("EVAL", REST, 2, *keys, GROUP, consumer, many, FAR_OFF_MS)
