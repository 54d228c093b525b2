"""Dead letters in Redis in greater numbers than one call looks up, over one stream and over several."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_adapters.redis_database import RedisDatabase
from tests.support.redis_log import open_log, open_redis
from tests.support.redis_server import database_url

MANY = 240


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisDatabase]:
    """A client of an empty database."""
    async with open_redis(database_url(tmp_path)) as opened:
        yield opened


@pytest.mark.parametrize(
    "streams", [["chat_log"], ["{chat_log.0}", "{chat_log.1}", "{chat_log.2}"]], ids=["one stream", "three"]
)
async def test_many_are_found_in_the_order_in_which_they_are_listed(redis: RedisDatabase, streams: list[str]) -> None:
    for number in range(MANY):  # in several streams letters have the same ids
        stream, id = streams[number % len(streams)], f"1-{number // len(streams) + 1}"
        await redis.execute("XADD", f"{stream}:dlq", id, "event_id", f"e{number}", "payload", "{}")
    async with open_log(redis, partitions=len(streams)) as log:
        letters = await log.list_dead(limit=MANY)
        assert len(letters) == MANY
        unknown = [f"2-{number}" for number in range(MANY)]
        wanted = [*unknown, *(each.id for each in reversed(letters[1:]))]
        assert [each async for each in log.find(wanted)] == letters[1:]
