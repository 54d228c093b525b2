"""Large entries in great numbers: no answer of Redis is larger than what it may send at once, and all get through."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.dead_letters import DeadLetter
from memoryos_ports.events import Delivery, QueueStats, TurnsEvent
from tests.contract.events.makers import ANA, BOB, make_event
from tests.support.redis_log import PATIENCE_S, open_log, open_redis, type_entry
from tests.support.redis_server import redis_server

MANY = 16
LARGE = "x" * 1_500_000


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisDatabase]:
    """A client of a server that cuts off whoever is sent more than 8 MB at once."""
    async with (
        redis_server(tmp_path, client_output_buffer_limit="normal 8mb 0 0") as server,
        open_redis(server.url) as opened,
    ):
        yield opened


def large_event(number: int) -> TurnsEvent:
    """Return an event that is large."""
    return msgspec.structs.replace(make_event(f"e{number}", LARGE), source="import")


async def fill(log: RedisEvents, many: int = MANY) -> None:
    """Publish large events."""
    for number in range(many):
        await log.publish(large_event(number))


async def receive_all(log: RedisEvents, many: int = MANY) -> list[Delivery]:
    """Receive so many entries, however they come, but never many large ones at once."""
    found: list[Delivery] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < many:
            some = await log.receive(limit=32, wait_s=0.05)
            assert len(some) <= 3
            found += some
    return found


async def list_all(log: RedisEvents) -> list[DeadLetter]:
    """List the dead letters page by page."""
    letters: list[DeadLetter] = []
    while page := await log.list_dead(limit=100, after=letters[-1].id if letters else None):
        letters += page
    return letters


IDS = [f"e{number}" for number in range(MANY)]


@pytest.mark.parametrize("partitions", [1, 3])
async def test_large_entries_are_handed_out_few_at_a_time(redis: RedisDatabase, partitions: int) -> None:
    async with open_log(redis, partitions=partitions) as log:
        await fill(log)
        deliveries = await receive_all(log)
        assert [each.event_id for each in deliveries] == IDS
        for each in deliveries:
            await log.leave(each, error="no", retry_in_s=0)
        assert sorted((str(each.event_id), each.attempts) for each in await receive_all(log)) == sorted(
            (event_id, 1) for event_id in IDS
        )


@pytest.mark.parametrize("consumer", ["", "w1"])
async def test_what_a_dead_consumer_held_is_taken_over_few_at_a_time(redis: RedisDatabase, consumer: str) -> None:
    async with open_log(redis, consumer=consumer) as log:
        await fill(log)
        await receive_all(log)
    async with open_log(redis, consumer=consumer) as log:
        found = sorted((str(each.event_id), each.attempts) for each in await receive_all(log))
        assert found == sorted((event_id, 1) for event_id in IDS)


async def test_who_waits_gets_large_entries_one_by_one(redis: RedisDatabase) -> None:
    async with open_log(redis) as log:
        assert await log.receive(limit=32, wait_s=0) == []
        waiting = asyncio.create_task(log.receive(limit=32, wait_s=PATIENCE_S))
        await redis.execute("PING")
        adding = "for _ = 1, 10 do redis.call('XADD', KEYS[1], '*', 'payload', ARGV[1]) end"
        await redis.execute("EVAL", adding, 1, "chat_log", LARGE)
        async with asyncio.timeout(PATIENCE_S):
            assert len(await waiting) <= 3


@pytest.mark.parametrize("partitions", [1, 3])
async def test_large_dead_letters_are_listed_dropped_and_put_back(redis: RedisDatabase, partitions: int) -> None:
    async with open_log(redis, partitions=partitions) as log:
        for number in range(MANY):
            await log.publish(msgspec.structs.replace(large_event(number), user_id=(ANA, BOB)[number % 2].user_id))
        await asyncio.gather(*(log.bury(each, error="no") for each in await receive_all(log)))
        letters = await list_all(log)
        assert sorted(str(each.event_id) for each in letters) == sorted(IDS)
        places = [tuple(map(int, each.id.partition("@")[0].split("-"))) for each in letters]
        assert places == sorted(places)
        assert [each async for each in log.find([each.id for each in reversed(letters)])] == letters
        assert await log.replay([each.id for each in letters[:3]]) == 3
        assert await log.drop([each.id for each in letters[3:5]]) == 2
        stats = await log.stats()
        assert (stats.length, stats.dead) == (3, MANY - 5)


async def test_a_scope_is_erased_among_large_entries_of_others(redis: RedisDatabase) -> None:
    async with open_log(redis) as log:
        await fill(log)
        for each in (await receive_all(log))[: MANY // 2]:
            await log.bury(each, error="no")
        assert await log.erase(BOB) == 0
        await log.publish(make_event("small", scope=BOB))
        assert await log.erase(BOB) == 1
        assert await log.erase(ANA) == MANY
        assert await log.stats() == QueueStats(length=0, dead=0, oldest_age_s=0)


async def test_small_entries_come_together(redis: RedisDatabase) -> None:
    async with open_log(redis) as log:
        for _ in range(40):
            await type_entry(redis, "user_id", "u", "content", "hi")
        assert [len(await log.receive(limit=32, wait_s=0)) for _ in range(2)] == [32, 8]
