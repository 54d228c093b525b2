"""The length of the queue where other groups read the stream too: counted, a little at a time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_adapters.events.redis_partitions import Partition, Partitions
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.settings import WorkerSettings
from tests.support.redis_log import open_log, open_redis
from tests.support.redis_server import database_url

ADD_MANY = "for _ = 1, ARGV[2] do redis.call('XADD', KEYS[1], '*', 'payload', ARGV[1]) end"


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisDatabase]:
    """A client of a database with a stream that somebody else reads too."""
    async with open_redis(database_url(tmp_path)) as opened:
        await opened.execute("XGROUP", "CREATE", "chat_log", "analytics", "0", "MKSTREAM")
        yield opened


@pytest.fixture
def partition() -> Partition:
    """The stream."""
    return Partitions(WorkerSettings(), is_cluster=False)[0]


async def add(redis: RedisDatabase, count: int, payload: str = "no event") -> None:
    """Add entries."""
    await redis.execute("EVAL", ADD_MANY, 1, "chat_log", payload, count)


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1_700])
async def test_every_entry_counts_that_our_group_has_still_to_do(redis: RedisDatabase, count: int) -> None:
    await add(redis, count + 3)
    async with open_log(redis) as log:
        ended, _in_hand, left = await log.receive(limit=3, wait_s=0)
        await log.ack(ended)
        await log.leave(left, error="no", retry_in_s=60)
        assert (await log.stats()).length == count + 2


@pytest.mark.parametrize(("payload", "most"), [("small", 500), ("x" * 1_500_000, 3)])
async def test_one_call_looks_at_few_entries(
    redis: RedisDatabase, partition: Partition, payload: str, most: int
) -> None:
    script = EventScript(redis)
    await add(redis, most + 1, payload)
    found, after = await script.on(partition, "count", "0-0")
    assert found == most
    assert await script.on(partition, "count", after) == [1, b""]


async def test_a_long_queue_is_not_counted_each_time(redis: RedisDatabase) -> None:
    await add(redis, 5_000)
    async with open_log(redis) as log, open_log(redis) as other:
        await log.receive(limit=1, wait_s=0)
        assert (await log.stats()).length == 5_000
        await add(redis, 1)
        assert ((await log.stats()).length, (await other.stats()).length) == (5_000, 5_001)


async def test_a_short_queue_is_counted_each_time(redis: RedisDatabase) -> None:
    await add(redis, 2)
    async with open_log(redis) as log:
        await log.receive(limit=1, wait_s=0)
        for length in (2, 3, 4):
            assert (await log.stats()).length == length
            await add(redis, 1)
