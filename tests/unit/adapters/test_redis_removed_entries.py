"""Entries that somebody removed (XDEL, XTRIM, DEL, a failover): a retry brings their events back, and nothing spins."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.events import QueueStats
from memoryos_ports.ids import EventId
from tests.contract.events.logs import empty_cluster_of
from tests.contract.events.makers import ANA, make_event, make_receipt
from tests.support.redis_log import PATIENCE_S, open_log, open_redis, receive_one
from tests.support.redis_server import database_url

STREAM = "{chat_log}"
OpenLog = Callable[[], AbstractAsyncContextManager[RedisEvents]]


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
    return lambda: open_log(redis, stream=STREAM, partitions=partitions)


async def streams_of(redis: RedisDatabase) -> set[str]:
    """Return the streams that there are."""
    return {key async for key in redis.keys("{chat_log*}")}


async def delete_entries(redis: RedisDatabase) -> None:
    """Delete every entry, one by one."""
    for stream in await streams_of(redis):
        for id, _ in await redis.execute("XRANGE", stream, "-", "+"):
            await redis.execute("XDEL", stream, id)


async def trim(redis: RedisDatabase) -> None:
    """Trim the streams to nothing."""
    for stream in await streams_of(redis):
        await redis.execute("XTRIM", stream, "MAXLEN", 0)


async def delete_stream(redis: RedisDatabase) -> None:
    """Delete the streams with their groups."""
    for stream in await streams_of(redis):
        await redis.execute("DEL", stream)


async def count_pending(redis: RedisDatabase) -> int:
    """Return how many entries are in somebody's hands, or left."""
    return sum([(await redis.execute("XPENDING", each, "memoryos-workers"))[0] for each in await streams_of(redis)])


REMOVALS = [delete_entries, trim, delete_stream]
Removal = Callable[[RedisDatabase], Awaitable[None]]


@pytest.mark.parametrize("remove", REMOVALS)
async def test_an_event_whose_entry_was_removed_is_taken_in_again(
    redis: RedisDatabase, opening: OpenLog, remove: Removal
) -> None:
    event = make_event()
    async with opening() as log:
        await log.publish(event)
        await remove(redis)
        assert (await log.publish(make_event("e1", "other"))).outcome == "other"
        again = await log.publish(event)
        assert (again.outcome, again.receipt) == ("new", make_receipt(event))
        assert (await log.publish(event)).outcome == "same"
        await log.ack(await receive_one(log))
        assert await log.receipt(ANA, EventId("e1")) == make_receipt(event, "stored", attempts=1)
        assert (await log.publish(event)).outcome == "same"
        assert (await log.stats()).length == 0


async def test_of_many_who_publish_it_again_one_takes_it_in(redis: RedisDatabase, opening: OpenLog) -> None:
    event = make_event()
    async with opening() as log, opening() as other:
        await log.publish(event)
        await delete_entries(redis)
        published = await asyncio.gather(*(each.publish(event) for each in [log, other] * 8))
        assert sorted(each.outcome for each in published) == ["new", *["same"] * 15]
        assert (await log.stats()).length == 1


async def test_an_event_in_hand_whose_entry_was_removed_ends_as_its_new_entry_does(
    redis: RedisDatabase, opening: OpenLog
) -> None:
    event = make_event()
    async with opening() as log:
        await log.publish(event)
        held = await receive_one(log)
        await delete_entries(redis)
        assert (await log.publish(event)).outcome == "new"
        await log.ack(held)
        again = await receive_one(log)
        assert again.handle != held.handle
        await log.ack(again)
        assert await log.receipt(ANA, EventId("e1")) == make_receipt(event, "stored", attempts=1)
        assert (await log.stats()).length == 0


@pytest.mark.parametrize("remove", [delete_entries, trim])
async def test_what_was_left_or_held_by_the_dead_is_forgotten_and_taken_in_again(
    redis: RedisDatabase, opening: OpenLog, remove: Removal
) -> None:
    async with opening() as log:
        for event_id in ("left", "held"):
            await log.publish(make_event(event_id))
        async with opening() as dying:
            found = [await receive_one(dying), await receive_one(dying)]
            await dying.leave(found[0], error="no", retry_in_s=0)
        await remove(redis)
        async with asyncio.timeout(PATIENCE_S):
            while await count_pending(redis):
                assert await log.receive(limit=9, wait_s=0.05) == []
        assert await log.stats() == QueueStats(length=0, dead=0, oldest_age_s=0)
        assert {key async for key in redis.keys("*:due:*")} | {key async for key in redis.keys("*:attempts:*")} == set()
        for event_id in ("left", "held"):
            assert (await log.publish(make_event(event_id))).outcome == "new"
            assert (await receive_one(log)).attempts == 0


async def test_what_was_left_with_a_stream_that_is_gone_is_forgotten(redis: RedisDatabase, opening: OpenLog) -> None:
    async with opening() as log:
        await log.publish(make_event())
        await log.leave(await receive_one(log), error="no", retry_in_s=0)
        await delete_stream(redis)
        assert await log.receive(limit=9, wait_s=0) == []
        assert (await log.publish(make_event())).outcome == "new"
        assert ((await receive_one(log)).attempts, (await log.stats()).length) == (0, 1)


@pytest.mark.parametrize("ending", ["ack", "bury"])
async def test_what_has_ended_is_not_taken_in_again(redis: RedisDatabase, opening: OpenLog, ending: str) -> None:
    async with opening() as log:
        await log.publish(make_event())
        delivery = await receive_one(log)
        await (log.ack(delivery) if ending == "ack" else log.bury(delivery, error="no"))
        assert (await log.publish(make_event())).outcome == "same"
        assert (await log.stats()).length == 0
