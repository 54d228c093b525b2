"""Publications that Redis refuses amid their steps: told as what they are each time, and taken in once it can be."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.errors import Overloaded, UpstreamProtocolError, UpstreamUnavailable
from memoryos_ports.events import Published
from tests.contract.events.logs import empty_cluster_of
from tests.contract.events.makers import make_event, make_receipt
from tests.support.redis_log import open_log, open_redis, receive_one
from tests.support.redis_server import database_url, redis_server

STREAM = "{chat_log}"
LAST_ID = f"{2**64 - 1}-{2**64 - 1}"


@pytest.fixture(params=["standalone", "cluster"])
async def redis(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RedisDatabase]:
    """A client of an empty database, and of an empty cluster."""
    url = empty_cluster_of(tmp_path)[0].url if request.param == "cluster" else database_url(tmp_path)
    async with open_redis(url, mode=request.param) as opened:
        yield opened


@pytest.fixture
async def log(redis: RedisDatabase) -> AsyncIterator[RedisEvents]:
    """The log under test."""
    async with open_log(redis, stream=STREAM, max_queue=2) as opened:
        yield opened


async def test_an_event_that_the_stream_cannot_take_is_not_said_to_be_known(
    redis: RedisDatabase, log: RedisEvents
) -> None:
    await redis.execute("XADD", STREAM, LAST_ID, "user_id", "u")  # no entry can come after it
    for _ in range(2):
        with pytest.raises(UpstreamProtocolError):
            await log.publish(make_event())
    await redis.execute("DEL", STREAM)
    for key in [key async for key in redis.keys("memoryos:{*}:event:*")]:
        await redis.execute("HSET", key, "claimed_at", 0)  # in a cluster who failed has a claim, for 2 s
    assert await log.publish(make_event()) == Published(outcome="new", receipt=make_receipt(make_event()))


async def test_a_publication_that_redis_does_not_allow_leaves_nothing_on_one_server(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, open_redis(server.url) as redis:
        await redis.execute("ACL", "SETUSER", "w", "on", ">x", "~*", "+@all", "-xadd")
        async with open_redis(server.url.replace("//", "//w:x@")) as barred, open_log(barred) as log:
            for text in ("tea", "coffee"):
                with pytest.raises(UpstreamUnavailable):
                    await log.publish(make_event("e1", text))
        assert [key async for key in redis.keys("memoryos:{*")] == []


async def test_a_contested_event_is_added_and_counts_as_others_do(redis: RedisDatabase, log: RedisEvents) -> None:
    first, other = make_event("e1", "tea"), make_event("e1", "coffee")
    await log.publish(first)
    await log.contest(other)
    assert (await log.publish(first)).receipt == make_receipt(first)
    with pytest.raises(Overloaded):
        await log.contest(other)
    deliveries = [await receive_one(log), await receive_one(log)]
    assert [(each.event_id, b"coffee" in each.payload) for each in deliveries] == [("e1", False), ("e1", True)]
