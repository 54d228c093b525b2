"""Ids of entries that somebody chose: times in other units, and the last ids there can be."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.ids import EventId
from tests.contract.events.makers import ANA, make_event, make_receipt
from tests.support.redis_log import open_log, open_redis
from tests.support.redis_server import database_url

LAST = 2**64 - 1


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisDatabase]:
    """A client of an empty database."""
    async with open_redis(database_url(tmp_path)) as opened:
        yield opened


@pytest.mark.parametrize(
    "first",
    [
        "1784563200000000200-0",  # nanoseconds
        f"{2**53 + 1}-0",
        f"1784563200000-{2**53 + 1}",
        f"1784563200000-{LAST - 1}",
        f"{10**17 - 1}-{LAST - 2}",
        f"{LAST}-{2**53 + 1}",
    ],
)
async def test_what_waits_behind_a_chosen_id_is_not_trimmed(redis: RedisDatabase, first: str) -> None:
    async with open_log(redis) as log:
        await redis.execute("XADD", "chat_log", first, "user_id", "u", "content", "hi")
        for delivery in await log.receive(limit=1, wait_s=0):
            await log.ack(delivery)
        await log.publish(make_event("e1"))
        for _ in range(5):
            await log.tidy()
        assert (await log.stats()).length == 1
        assert [each.event_id for each in await log.receive(limit=9, wait_s=0)] == ["e1"]
        assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event("e1"), "processing")


@pytest.mark.parametrize(
    ("ids", "left"),
    [
        (("9-1", "10-0"), ["10-0"]),
        (("5-9", "5-10"), ["5-10"]),
        (("5-199", "5-200"), ["5-200"]),
        ((f"99-{LAST}", "100-0"), ["100-0"]),
        ((f"1999-{LAST}", "2000-0"), ["2000-0"]),
        ((f"1784563200000000200-{LAST}", "1784563200000000201-0"), ["1784563200000000201-0"]),
        ((f"{LAST}-{LAST - 1}", f"{LAST}-{LAST}"), [f"{LAST}-{LAST}"]),
    ],
)
async def test_exactly_what_every_group_is_done_with_is_trimmed(
    redis: RedisDatabase, ids: tuple[str, ...], left: list[str]
) -> None:
    for id in ids:
        await redis.execute("XADD", "chat_log", id, "user_id", "u", "content", "hi")
    async with open_log(redis) as log:
        await redis.execute("XGROUP", "CREATE", "chat_log", "audit", ids[0])  # which has seen the first one
        for delivery in await log.receive(limit=1, wait_s=0):
            await log.ack(delivery)
        await log.tidy()
        assert [id.decode() for id, _ in await redis.execute("XRANGE", "chat_log", "-", "+")] == left


@pytest.mark.parametrize("second", ["10-0", "1784563200000000201-0", f"{LAST}-{LAST}"])
async def test_the_group_that_is_furthest_behind_decides(redis: RedisDatabase, second: str) -> None:
    for id in ("9-1", second):
        await redis.execute("XADD", "chat_log", id, "user_id", "u", "content", "hi")
    async with open_log(redis) as log:
        await redis.execute("XGROUP", "CREATE", "chat_log", "ahead", second)
        await redis.execute("XGROUP", "CREATE", "chat_log", "behind", "9-0")
        for delivery in await log.receive(limit=9, wait_s=0):
            await log.ack(delivery)
        await log.tidy()
        assert await redis.execute("XLEN", "chat_log") == 2
        await redis.execute("XGROUP", "DESTROY", "chat_log", "behind")
        await log.tidy()
        assert await redis.execute("XLEN", "chat_log") == (1 if second.startswith(f"{LAST}-") else 0)
