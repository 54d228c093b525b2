"""Consumers of a Redis stream: who dies, lags, shares a name, loses an answer or its Redis, and who comes after."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_adapters.events.redis_partitions import Partitions
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.settings import WorkerSettings
from memoryos_ports.errors import ConfigurationError, UpstreamError, UpstreamProtocolError
from memoryos_ports.event_wire import encode_event
from memoryos_ports.events import Delivery, QueueStats
from memoryos_ports.ids import EventId
from tests.contract.events.makers import ANA, BOB, STRANGER, make_event, make_receipt
from tests.support.redis_log import PATIENCE_S, end_without_receipt, open_log, open_redis, receive_one, type_entry
from tests.support.redis_server import database_url, redis_server

SCOPES = (ANA, BOB, STRANGER)


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisDatabase]:
    """A client of an empty database."""
    async with open_redis(database_url(tmp_path)) as opened:
        yield opened


async def publish(log: RedisEvents, *event_ids: str) -> None:
    """Publish an event for each id."""
    for event_id in event_ids:
        await log.publish(make_event(event_id))


def told(deliveries: list[Delivery]) -> list[tuple[str | None, int]]:
    """Return which events were delivered, and how often they were tried before."""
    return [(delivery.event_id, delivery.attempts) for delivery in deliveries]


async def test_what_a_dead_consumer_held_is_taken_over_as_an_attempt(redis: RedisDatabase) -> None:
    async with open_log(redis) as log:
        await publish(log, "e1")
        async with open_log(redis) as dying:
            lost = await receive_one(dying)
        (again,) = await log.receive(limit=9, wait_s=PATIENCE_S)
        assert told([again]) == [("e1", 1)]
        await dying.ack(lost)
        assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event("e1"), "processing", attempts=1)
        await log.ack(again)
        assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event("e1"), "stored", attempts=2)


async def test_a_slow_consumer_that_lives_is_never_taken_over(redis: RedisDatabase) -> None:
    async with open_log(redis) as slow, open_log(redis) as other:
        await publish(slow, "e1")
        held = await receive_one(slow)
        assert await other.receive(limit=1, wait_s=0.5) == []  # more than twice what makes an entry idle
        (pending,) = await redis.execute("XPENDING", "chat_log", "memoryos-workers", "-", "+", 9)
        assert pending[2] < 400
        await slow.ack(held)
        assert (await other.stats()).length == 0


async def test_what_rests_is_not_taken_over(redis: RedisDatabase) -> None:
    async with open_log(redis) as log, open_log(redis) as other:
        await publish(log, "e1")
        await log.leave(await receive_one(log), error="no", retry_in_s=60)
        assert await other.receive(limit=1, wait_s=0.5) == []


async def test_what_one_consumer_leaves_another_may_take(redis: RedisDatabase) -> None:
    async with open_log(redis) as log, open_log(redis) as other:
        await publish(log, "e1")
        left = await receive_one(log)
        await log.leave(left, error="no", retry_in_s=0)
        again = await receive_one(other)
        assert told([again]) == [("e1", 1)]
        await log.bury(left, error="late")
        await log.leave(left, error="late", retry_in_s=0)
        assert (await log.stats()).dead == 0
        await other.ack(again)
        assert (await log.stats()).length == 0


async def test_a_name_that_comes_back_finds_what_it_held_at_once(redis: RedisDatabase) -> None:
    async with open_log(redis, consumer="w1", claim_idle_ms=60_000) as log:
        await publish(log, "e1", "e2", "e3")
        held, left, _also_held = await log.receive(limit=3, wait_s=0)
        await log.leave(left, error="no", retry_in_s=0, attempted=False)
    async with open_log(redis, consumer="w1", claim_idle_ms=60_000) as log:
        found = await log.receive(limit=9, wait_s=0)
        found += await log.receive(limit=9, wait_s=0)
        assert sorted(told(found)) == [("e1", 1), ("e2", 0), ("e3", 1)]
        assert held.event_id == "e1"


async def test_a_newcomer_of_the_same_name_is_refused_while_the_name_is_used(redis: RedisDatabase) -> None:
    async with open_log(redis, consumer="w1", lease_s=0.3) as first, open_log(redis, consumer="w1", lease_s=0.3) as two:
        assert await first.join()
        assert not await two.join()
        await publish(first, "e1")
        with pytest.raises(ConfigurationError, match="'w1' is in use"):
            await asyncio.wait_for(two.receive(limit=1, wait_s=PATIENCE_S), PATIENCE_S)
        assert (await receive_one(first)).event_id == "e1"


async def test_a_newcomer_gets_the_name_of_one_who_died(redis: RedisDatabase) -> None:
    async with open_log(redis, consumer="w1") as log:
        await publish(log, "e1")
        await redis.execute("SET", "chat_log:consumer:memoryos-workers:w1", "a token of the dead", "PX", 200)
        assert not await log.join()
        assert (await receive_one(log)).event_id == "e1"


async def test_who_lost_the_name_for_a_while_still_holds_what_it_held(redis: RedisDatabase) -> None:
    async with open_log(redis, consumer="w1") as log:
        await publish(log, "e1")
        held = await receive_one(log)
        await redis.execute("SET", "chat_log:consumer:memoryos-workers:w1", "another's token", "PX", 300)
        async with asyncio.timeout(PATIENCE_S):
            while await log.join():
                assert await log.receive(limit=1, wait_s=0.01) == []
            while not await log.join():
                assert await log.receive(limit=1, wait_s=0.01) == []
        assert await log.receive(limit=1, wait_s=0) == []
        await log.ack(held)
        assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event("e1"), "stored", attempts=1)


async def test_a_name_is_given_back_when_it_is_used_no_more(redis: RedisDatabase) -> None:
    for _ in range(2):
        async with open_log(redis, consumer="w1") as log:
            assert await log.join()


async def test_what_a_cancelled_read_was_given_comes_again_and_was_not_attempted(redis: RedisDatabase) -> None:
    async with open_log(redis, claim_idle_ms=60_000) as log:
        await log.receive(limit=1, wait_s=0)
        for number in range(3):
            reading = asyncio.create_task(log.receive(limit=1, wait_s=PATIENCE_S))
            await log.publish(make_event(f"e{number}"))
            reading.cancel()
            (ended,) = await asyncio.gather(reading, return_exceptions=True)
            deliveries = ended if isinstance(ended, list) else [await receive_one(log)]
            assert told(deliveries) == [(f"e{number}", 0)]
            await log.ack(deliveries[0])


async def test_what_was_handed_out_and_never_arrived_comes_again(redis: RedisDatabase) -> None:
    async with open_log(redis, consumer="w1", claim_idle_ms=400) as log:
        await publish(log, "e1")
        assert await log.join()
        assert await log.receive(limit=1, wait_s=0) != []
        await publish(log, "e2")
        group = ("XREADGROUP", "GROUP", "memoryos-workers", "w1", "STREAMS", "chat_log", ">")
        assert await redis.execute(*group)  # as if the answer had gone to a broken connection
        assert told(await log.receive(limit=9, wait_s=PATIENCE_S)) == [("e2", 0)]


async def test_what_was_lost_on_its_way_is_left_to_its_consumer_while_that_lives(redis: RedisDatabase) -> None:
    async with open_log(redis, consumer="w1") as log, open_log(redis) as other:
        assert await log.receive(limit=1, wait_s=0) == []
        await publish(log, "e1")
        assert await redis.execute("XREADGROUP", "GROUP", "memoryos-workers", "w1", "STREAMS", "chat_log", ">")
        assert await other.receive(limit=9, wait_s=0.5) == []
        assert told(await log.receive(limit=9, wait_s=PATIENCE_S)) == [("e1", 0)]


async def test_after_an_outage_of_redis_the_others_have_time_to_renew_what_they_hold(tmp_path: Path) -> None:
    async with (
        redis_server(tmp_path, appendonly=True, appendfsync="always") as server,
        open_redis(server.url) as redis,
        open_log(redis, consumer="slow", claim_idle_ms=60_000, lease_s=60) as slow,
        open_log(redis, lease_s=1) as other,
    ):
        await publish(slow, "e1")
        await receive_one(slow)
        assert await other.receive(limit=1, wait_s=0) == []
        await server.kill()
        with pytest.raises(UpstreamError):
            await other.receive(limit=1, wait_s=0)
        await server.start()
        await redis.execute("DEL", "chat_log:consumer:memoryos-workers:slow")  # it ran out meanwhile
        assert await other.receive(limit=1, wait_s=0.3) == []
        assert told(await other.receive(limit=1, wait_s=PATIENCE_S)) == [("e1", 1)]


async def test_a_flushed_redis_is_used_again(redis: RedisDatabase) -> None:
    async with open_log(redis) as log:
        await publish(log, "e1")
        held = await receive_one(log)
        waiting = asyncio.create_task(receive_one(log))
        await redis.execute("FLUSHDB")
        await log.ack(held)
        await log.leave(held, error="late", retry_in_s=0)
        await publish(log, "e2")
        async with asyncio.timeout(PATIENCE_S):
            assert told([await waiting]) == [("e2", 0)]


async def test_a_redis_that_is_restarted_empty_is_used_again(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, open_redis(server.url) as redis, open_log(redis) as log:
        await publish(log, "e1")
        held = await receive_one(log)
        await server.kill()
        with pytest.raises(UpstreamError):
            await log.receive(limit=1, wait_s=PATIENCE_S)
        with pytest.raises(UpstreamError):
            await log.publish(make_event("e2"))
        await server.start()
        await log.ack(held)
        await publish(log, "e2")
        assert told([await receive_one(log)]) == [("e2", 0)]


async def test_a_redis_that_is_restarted_with_its_data_loses_nothing(tmp_path: Path) -> None:
    async with (
        redis_server(tmp_path, appendonly=True, appendfsync="always") as server,
        open_redis(server.url) as redis,
        open_log(redis) as log,
    ):
        await publish(log, "e1", "e2")
        held = await receive_one(log)
        await server.kill()
        await server.start()
        await log.ack(held)
        assert told([await receive_one(log)]) == [("e2", 0)]
        assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event("e1"), "stored", attempts=1)


async def test_what_was_deleted_by_hand_is_forgotten(redis: RedisDatabase) -> None:
    async with open_log(redis) as log:
        await publish(log, "e1", "e2")
        async with open_log(redis) as dying:
            held, left = await dying.receive(limit=2, wait_s=0)
            await dying.leave(left, error="no", retry_in_s=0)
        await redis.execute("XDEL", "chat_log", held.handle, left.handle)
        async with asyncio.timeout(PATIENCE_S):
            while (await redis.execute("XPENDING", "chat_log", "memoryos-workers"))[0]:
                assert await log.receive(limit=9, wait_s=0.05) == []


async def test_another_group_keeps_what_it_has_not_read(redis: RedisDatabase) -> None:
    async with open_log(redis) as log:
        await publish(log, "e1", "e2", "e3", "e4")
        await redis.execute("XGROUP", "CREATE", "chat_log", "audit", "0")
        for delivery in await log.receive(limit=3, wait_s=0):
            await log.ack(delivery)
        assert (await log.stats()).length == 1
        await log.tidy()
        assert await redis.execute("XLEN", "chat_log") == 4
        read = ("XREADGROUP", "GROUP", "audit", "a", "COUNT", 2, "STREAMS", "chat_log", ">")
        ((_, ((first, _), (second, _))),) = await redis.execute(*read)
        await redis.execute("XACK", "chat_log", "audit", second)
        await log.tidy()
        assert await redis.execute("XLEN", "chat_log") == 4  # the first is pending there
        await redis.execute("XACK", "chat_log", "audit", first)
        await log.tidy()
        assert await redis.execute("XLEN", "chat_log") == 2


async def test_only_consumers_that_are_gone_and_hold_nothing_are_deleted(redis: RedisDatabase) -> None:
    async with open_log(redis, consumer="alive", lease_s=0.1) as log:
        await publish(log, "e1", "e2", "e3")
        async with open_log(redis, consumer="gone", lease_s=0.1) as gone:
            await gone.ack(await receive_one(gone))
        async with open_log(redis, consumer="dead", lease_s=0.1) as dead:
            await receive_one(dead)
        await log.ack(await receive_one(log))
        consumers = ("XINFO", "CONSUMERS", "chat_log", "memoryos-workers")

        async def longest_busy_ms() -> int:
            return min(int(flat[5]) for flat in await redis.execute(*consumers))

        async with asyncio.timeout(PATIENCE_S):  # it is Redis that counts how long they have asked for nothing
            while (remaining_ms := 101 - await longest_busy_ms()) > 0:
                await redis.execute("BLPOP", "nothing", remaining_ms / 1000)
        await log.tidy()
        assert {flat[1] for flat in await redis.execute(*consumers)} == {b"alive", b"dead"}


async def test_a_consumer_that_got_something_at_the_last_moment_is_not_deleted(redis: RedisDatabase) -> None:
    async with open_log(redis, consumer="w1") as log:
        await publish(log, "e1")
        await receive_one(log)
        (partition,) = Partitions(WorkerSettings(), is_cluster=False)
        await EventScript(redis).on(partition, "dismiss", partition.group, "w1")
        assert (await redis.execute("XPENDING", "chat_log", partition.group))[0] == 1


async def test_the_end_of_another_entry_does_not_change_what_is_known_of_an_event(redis: RedisDatabase) -> None:
    async with open_log(redis) as log:
        await publish(log, "e1")
        await log.ack(await receive_one(log))
        await type_entry(redis, "event_id", "e1", "payload", encode_event(make_event("e1", "other")))
        contested = await receive_one(log)
        assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event("e1"), "stored", attempts=1)
        await log.bury(contested, error="other content")
        assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event("e1"), "stored", attempts=1)


async def test_receipts_of_stored_events_expire_and_dead_ones_stay(redis: RedisDatabase) -> None:
    async with open_log(redis) as log:
        await publish(log, "stored", "dead", "queued")
        stored, dead = await log.receive(limit=2, wait_s=0)
        await log.ack(stored)
        await log.bury(dead, error="no")
        keys = {key.rpartition(":")[2]: key for key in [key async for key in redis.keys("memoryos:{*}:event:*")]}
        ttls = {name: await redis.execute("TTL", key) for name, key in keys.items()}
        day = 24 * 3600
        assert 29 * day < ttls.pop("stored") <= 30 * day
        assert ttls == {"dead": -1, "queued": -1}
        (index,) = [key async for key in redis.keys("memoryos:{*}:events")]
        assert await redis.execute("TTL", index) == -1


@pytest.mark.parametrize("partitions", [1, 3])
async def test_the_receipt_of_a_dropped_letter_expires(redis: RedisDatabase, partitions: int) -> None:
    async with open_log(redis, partitions=partitions) as log:
        await publish(log, "e1")
        await log.bury(await receive_one(log), error="no")
        (key,) = [key async for key in redis.keys("memoryos:{*}:event:*")]
        assert await redis.execute("TTL", key) == -1
        assert await log.drop([letter.id for letter in await log.list_dead(limit=9)]) == 1
        (index,) = [key async for key in redis.keys("memoryos:{*}:events")]
        day = 24 * 3600
        for each in (key, index):
            assert 29 * day < await redis.execute("TTL", each) <= 30 * day
        receipt = await log.receipt(ANA, EventId("e1"))
        assert receipt == make_receipt(make_event("e1"), "dead", attempts=1, error="no")


async def test_the_receipt_of_an_event_that_was_stored_all_the_same_outlives_a_dropped_letter(
    redis: RedisDatabase,
) -> None:
    async with open_log(redis, receipts_days=0) as log:
        await publish(log, "e1", "e2")
        for delivery in await log.receive(limit=2, wait_s=0):
            await log.bury(delivery, error="no")
        first, second = await log.list_dead(limit=9)
        await log.replay([first.id])
        await log.ack(await receive_one(log))
        await type_entry(redis, "source_id", first.source_id, "event_id", "e1", stream="chat_log:dlq")
        await type_entry(redis, "note", "what is this?", stream="chat_log:dlq")
        assert await log.drop([letter.id for letter in await log.list_dead(limit=9)]) == 3
        for key in [key async for key in redis.keys("memoryos:{*}:event:*")]:
            assert await redis.execute("TTL", key) == -1
        assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event("e1"), "stored", attempts=1)
        assert second.event_id == "e2"


async def test_the_index_of_a_scope_goes_with_its_last_receipt(redis: RedisDatabase) -> None:
    async with open_log(redis) as log:
        await publish(log, "e1")
        await log.ack(await receive_one(log))
        (index,) = [key async for key in redis.keys("memoryos:{*}:events")]
        assert await redis.execute("TTL", index) > 0
        await publish(log, "e2")
        assert await redis.execute("TTL", index) == -1


async def test_receipts_that_are_kept_for_ever_do_not_expire(redis: RedisDatabase) -> None:
    async with open_log(redis, receipts_days=0) as log:
        await publish(log, "e1")
        await log.ack(await receive_one(log))
        (key,) = [key async for key in redis.keys("memoryos:{*}:event:*")]
        assert await redis.execute("TTL", key) == -1


async def test_partitions_share_the_scopes_and_one_scope_stays_in_order(redis: RedisDatabase) -> None:
    scopes = [ANA, BOB, STRANGER]
    async with open_log(redis, partitions=3) as log:
        for scope in scopes:
            for number in range(4):
                await log.publish(make_event(f"e{number}", scope=scope))
        streams = {key async for key in redis.keys("*chat_log*")}
        assert streams <= {"{chat_log.0}", "{chat_log.1}", "{chat_log.2}"}
        assert len(streams) > 1
        assert (await log.stats()).length == 12
        deliveries = [each for _ in range(4) for each in await log.receive(limit=3, wait_s=1)]
        for scope in scopes:
            mine = [
                each
                for each in deliveries
                if scope.user_id in each.payload.decode() and scope.tenant_id in each.payload.decode()
            ]
            assert [each.event_id for each in mine] == ["e0", "e1", "e2", "e3"]
        for each in deliveries[:6]:
            await log.ack(each)
        for each in deliveries[6:9]:
            await log.leave(each, error="no", retry_in_s=0)
        for each in deliveries[9:]:
            await log.bury(each, error="no")
        assert ((await log.stats()).length, (await log.stats()).dead) == (3, 3)
        letters = await log.list_dead(limit=2)
        letters += await log.list_dead(limit=2, after=letters[-1].id)
        assert len({letter.id for letter in letters}) == 3
        assert await log.replay([letter.id for letter in letters]) == 3
        assert len(await log.receive(limit=9, wait_s=1)) == 6
        assert sum([await log.erase(scope) for scope in scopes]) == 12
        assert await log.stats() == QueueStats(length=0, dead=0, oldest_age_s=0)


async def test_a_waiting_consumer_of_partitions_gets_what_is_published(redis: RedisDatabase) -> None:
    async with open_log(redis, partitions=3) as log:
        for scope in SCOPES:
            waiting = asyncio.create_task(receive_one(log))
            await log.receipt(scope, EventId("e1"))
            await log.publish(make_event(scope=scope))
            async with asyncio.timeout(PATIENCE_S):
                await log.ack(await waiting)


async def test_who_comes_after_an_outage_leaves_the_living_time_to_renew_their_leases(redis: RedisDatabase) -> None:
    lease = "chat_log:consumer:memoryos-workers:slow"
    async with open_log(redis, consumer="slow", claim_idle_ms=60_000, lease_s=60) as slow:
        await publish(slow, "e1")
        await receive_one(slow)
        await redis.execute("BLPOP", "nothing", 0.25)  # what it holds is idle
        await redis.execute("DEL", lease)  # it ran out while nobody could reach Redis
        async with open_log(redis) as newcomer:
            assert await newcomer.receive(limit=1, wait_s=0) == []
            await redis.execute("SET", lease, "renewed", "PX", 60_000)
            assert await newcomer.receive(limit=1, wait_s=0.3) == []
            await redis.execute("DEL", lease)
            assert await newcomer.receive(limit=1, wait_s=0) == []  # the time begins anew
            assert told(await newcomer.receive(limit=1, wait_s=PATIENCE_S)) == [("e1", 1)]


@pytest.mark.parametrize("ending", ["ack", "bury", "leave"])
async def test_an_entry_ends_even_when_its_receipt_cannot_be_written(redis: RedisDatabase, ending: str) -> None:
    async with open_log(redis) as log:
        await publish(log, "e1")
        delivery = await receive_one(log)
        await end_without_receipt(redis, log, delivery, ending)


async def test_what_cannot_be_ended_is_not_handed_out_again_and_again(redis: RedisDatabase) -> None:
    attempts = "chat_log:attempts:memoryos-workers"
    async with open_log(redis) as log:
        await publish(log, "e1")
        async with open_log(redis) as failing:
            delivery = await receive_one(failing)
            await redis.execute("SET", attempts, "something else")
            for ending in (failing.ack(delivery), failing.leave(delivery, error="no", retry_in_s=0)):
                with pytest.raises(UpstreamProtocolError, match="WRONGTYPE"):
                    await ending
            await redis.execute("DEL", attempts)
            assert await log.receive(limit=1, wait_s=0.3) == await failing.receive(limit=1, wait_s=0.3) == []
        assert told(await log.receive(limit=1, wait_s=PATIENCE_S)) == [("e1", 1)]
