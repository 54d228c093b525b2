"""The event log where Redis is more than one server: a failover by Sentinel, and a cluster."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.events.redis_consumer import Consumer
from memoryos_adapters.events.redis_endings import Endings
from memoryos_adapters.events.redis_partitions import Partition, Partitions
from memoryos_adapters.events.redis_receipts import Receipts
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.redis_servers import Argument
from memoryos_adapters.settings import RedisSettings, WorkerSettings
from memoryos_ports.errors import ConfigurationError, Overloaded, UpstreamError, UpstreamUnavailable
from memoryos_ports.event_wire import encode_event
from memoryos_ports.events import Delivery, Published, TurnsEvent
from memoryos_ports.ids import EventId
from tests.contract.events.logs import empty_cluster_of
from tests.contract.events.makers import ANA, BOB, STRANGER, make_event, make_receipt
from tests.support.redis_log import PATIENCE_S, end_without_receipt, open_log, open_redis, receive_one
from tests.support.redis_server import RedisServer
from tests.support.redis_topology import running_cluster, watched_redis


async def publish_until_taken(log: RedisEvents, event: TurnsEvent) -> Published:
    """Publish again and again while Redis is away."""
    while True:
        try:
            return await log.publish(event)
        except UpstreamError:
            await asyncio.sleep(0.02)


async def test_a_failover_loses_nothing_that_was_acknowledged_on_a_replica(tmp_path: Path) -> None:
    async with watched_redis(tmp_path) as watched:
        settings: dict[str, Any] = {"mode": "sentinel", "sentinels": watched.sentinels, "wait_replicas": 1}
        async with open_redis("redis://ignored/0", **settings) as redis, open_log(redis) as log:
            for number in range(20):
                await log.publish(make_event(f"e{number}"))
            held = await receive_one(log)
            await watched.master.kill()
            with pytest.raises(UpstreamUnavailable):
                await log.publish(make_event("e20"))
        alone = {**settings, "wait_replicas": 0}
        async with open_redis("redis://ignored/0", **alone) as redis, open_log(redis) as log:
            async with asyncio.timeout(3 * PATIENCE_S):
                assert (await publish_until_taken(log, make_event("e20"))).outcome in ("new", "same")
                found: set[str | None] = {held.event_id}
                while len(found) < 21:
                    found |= {each.event_id for each in await log.receive(limit=30, wait_s=PATIENCE_S)}
            assert found == {f"e{number}" for number in range(21)}


async def test_what_no_replica_has_is_not_acknowledged(tmp_path: Path) -> None:
    async with watched_redis(tmp_path, down_after_ms=60_000) as watched:
        settings: dict[str, Any] = {"mode": "sentinel", "sentinels": watched.sentinels, "wait_replicas": 1}
        async with open_redis("redis://ignored/0", timeout_s=0.5, **settings) as redis, open_log(redis) as log:
            assert (await log.publish(make_event("e1"))).outcome == "new"
            await watched.replica.pause()
            with pytest.raises(UpstreamUnavailable, match="replicas"):
                await log.publish(make_event("e2"))
            with pytest.raises(UpstreamUnavailable, match="replicas"):  # known here, and still on no replica
                await log.publish(make_event("e2"))
            await watched.replica.resume()
            async with asyncio.timeout(PATIENCE_S):
                assert (await publish_until_taken(log, make_event("e2"))).outcome == "same"


@pytest.fixture
def cluster(tmp_path: Path) -> list[RedisServer]:
    """The servers of an empty cluster."""
    return empty_cluster_of(tmp_path)


@pytest.fixture
async def redis(cluster: list[RedisServer]) -> AsyncIterator[RedisDatabase]:
    """A client of the cluster."""
    async with open_redis(cluster[-1].url, mode="cluster") as opened:
        yield opened


async def test_a_stream_without_a_hash_tag_is_refused_in_a_cluster(redis: RedisDatabase) -> None:
    for name in ("chat_log", "{}chat_log", "chat{log"):
        with pytest.raises(ConfigurationError, match="hash tag"):
            RedisEvents(redis, SystemClock(), WorkerSettings(stream=name))


async def test_everything_of_a_stream_is_in_one_slot(redis: RedisDatabase) -> None:
    async with open_log(redis, stream="{chat_log}") as log:
        for event_id in ("e1", "e2", "e3"):
            await log.publish(make_event(event_id))
        first, second = await log.receive(limit=2, wait_s=0)
        await log.bury(first, error="no")
        await log.leave(second, error="no", retry_in_s=60)
        names = [key async for key in redis.keys("*chat_log*")]
        assert {"{chat_log}", "{chat_log}:dlq"} < set(names)
        assert len({await redis.execute("CLUSTER", "KEYSLOT", name) for name in names}) == 1


async def test_a_publisher_that_died_between_its_steps_is_repeated(redis: RedisDatabase) -> None:
    async with open_log(redis, stream="{chat_log}") as log:
        await log.publish(make_event("e1"))
        (key,) = [key async for key in redis.keys("memoryos:{*}:event:e1")]
        await redis.execute("HDEL", key, "state", "entry")
        await redis.execute("HSET", key, "claimed_at", 1)
        assert await log.receipt(ANA, EventId("e1")) is None
        assert (await log.publish(make_event("e1", "other"))).outcome == "other"
        assert (await log.publish(make_event("e1"))).outcome == "new"
        twice = await log.receive(limit=9, wait_s=0)
        assert [each.payload for each in twice] == [encode_event(make_event("e1"))] * 2
        for each in twice:
            await log.ack(each)
        assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event("e1"), "stored", attempts=1)
        assert (await log.stats()).length == 0


async def test_a_refused_publication_leaves_no_claim(redis: RedisDatabase) -> None:
    async with open_log(redis, stream="{chat_log}", max_queue=1) as log:
        await log.publish(make_event("e1"))
        with pytest.raises(Overloaded):
            await log.publish(make_event("e2"))
        assert [key async for key in redis.keys("memoryos:{*}:event:e2")] == []


class CutOff(EventScript):
    """Reaches no stream to end an entry there."""

    async def on(self, partition: Partition, command: str, *args: Argument, **options: Any) -> Any:
        """Run a command, or fail."""
        if command in ("ack", "bury"):
            raise UpstreamUnavailable(upstream="redis")
        return await super().on(partition, command, *args, **options)


async def test_what_a_consumer_ended_before_it_died_is_known_and_ends_once_more(redis: RedisDatabase) -> None:
    settings = WorkerSettings(stream="{chat_log}", consumer="w1")
    async with open_log(redis, stream="{chat_log}", consumer="w1") as log:
        await log.publish(make_event())
        delivery = await receive_one(log)
        script, partitions, clock = CutOff(redis), Partitions(settings, is_cluster=True), SystemClock()
        consumer = Consumer(redis, script, partitions, settings, lease_s=10)
        receipts = Receipts(redis, script, partitions, clock, days=30)
        with pytest.raises(UpstreamUnavailable):
            await Endings(redis, script, partitions, consumer, receipts, clock).ack(delivery)
        assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event(), "stored", attempts=1)
    async with open_log(redis, stream="{chat_log}", consumer="w1") as log:
        again = await receive_one(log)
        assert again.attempts == 1
        await log.ack(again)
        assert await log.receipt(ANA, EventId("e1")) == make_receipt(make_event(), "stored", attempts=2)
        assert (await log.stats()).length == 0


@pytest.mark.parametrize("ending", ["ack", "bury", "leave"])
async def test_an_entry_ends_even_when_its_receipt_cannot_be_written(redis: RedisDatabase, ending: str) -> None:
    async with open_log(redis, stream="{chat_log}") as log:
        await log.publish(make_event())
        delivery = await receive_one(log)
        await end_without_receipt(redis, log, delivery, ending)


async def test_partitions_are_on_servers_of_their_own(redis: RedisDatabase, cluster: list[RedisServer]) -> None:
    async with open_log(redis, stream="chat_{log}", partitions=3) as log:
        for scope in (ANA, BOB, STRANGER):
            await log.publish(make_event(scope=scope))
        found: list[Delivery] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(found) < 3:
                found += await log.receive(limit=9, wait_s=1)
        await asyncio.gather(*map(log.ack, found))
        for scope in (ANA, BOB, STRANGER):
            receipt = await log.settled(scope, EventId("e1"), timeout_s=PATIENCE_S)
            assert receipt is not None
            assert receipt.state == "stored"


async def test_the_rest_of_a_cluster_is_used_while_one_server_is_away(tmp_path: Path) -> None:
    with running_cluster(tmp_path) as servers:
        for server in servers:
            server.cli("config", "set", "cluster-require-full-coverage", "no")
        async with open_redis(servers[0].url, mode="cluster") as redis:
            keys = [f"k{number}" for number in range(30)]
            await redis.pipeline([("SET", key, "1") for key in keys])
            await servers[0].kill()
            answers = await asyncio.gather(*(redis.execute("GET", key) for key in keys), return_exceptions=True)
            assert {type(answer) for answer in answers} == {bytes, UpstreamUnavailable}
            await servers[0].start()
            async with asyncio.timeout(PATIENCE_S):
                while any(isinstance(each, Exception) for each in answers):
                    calls = (redis.execute("SET", key, "2") for key in keys)
                    answers = await asyncio.gather(*calls, return_exceptions=True)


async def test_a_slot_that_moves_to_another_server_is_followed(
    redis: RedisDatabase, cluster: list[RedisServer]
) -> None:
    async with open_log(redis, stream="{moving}") as log:
        slot = cluster[0].cli("cluster", "keyslot", "{moving}")
        for there in cluster:  # wherever it was, two of these are moves
            name = there.cli("cluster", "myid")
            for server in cluster:
                server.flush()
            for server in (there, *cluster):
                server.cli("cluster", "setslot", slot, "node", name)
            async with asyncio.timeout(PATIENCE_S):
                await publish_until_taken(log, make_event())
                await log.ack(await receive_one(log))
            assert there.cli("cluster", "countkeysinslot", slot) != "0"


@pytest.mark.parametrize("mode", ["standalone", "sentinel", "cluster"])
async def test_it_is_opened_while_no_server_is_there(mode: Literal["standalone", "sentinel", "cluster"]) -> None:
    settings = RedisSettings(url="redis://127.0.0.1:1/0", mode=mode, sentinels=("127.0.0.1:1",))
    async with RedisDatabase.open(settings) as redis:
        for _ in range(2):
            with pytest.raises(UpstreamUnavailable):
                await redis.ping()
