"""What a ping of Redis promises: that a write would be durable now, on every server there is."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from loguru import logger

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.documents.redis import RedisDocuments
from memoryos_adapters.due.redis import RedisDue
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.short_term.redis import RedisShortTerm
from memoryos_core.health import Health
from memoryos_ports.errors import UpstreamUnavailable
from tests.contract.events.logs import empty_cluster_of
from tests.support.redis_log import PATIENCE_S, open_log, open_redis
from tests.support.redis_server import RedisServer, redis_server
from tests.support.redis_topology import until

NOT_DURABLE = "redis: not on 1 replicas: 0"


@pytest.fixture
async def master(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A server that may have replicas."""
    async with redis_server(tmp_path / "master") as server:
        yield server


@pytest.fixture
async def replica(tmp_path: Path, master: RedisServer) -> AsyncIterator[RedisServer]:
    """Its replica, which has caught up."""
    following = f"127.0.0.1 {master.port}"
    async with redis_server(tmp_path / "replica", replicaof=following, repl_diskless_sync_delay=0) as server:
        await until(lambda: "master_link_status:up" in server.cli("info", "replication"))
        yield server


async def ping_until_up(redis: RedisDatabase) -> None:
    """Ping again and again while what is written would not be durable."""
    while True:
        try:
            return await redis.ping()
        except UpstreamUnavailable:
            await asyncio.sleep(0.02)


async def test_without_the_replicas_that_a_write_waits_for_a_ping_fails_and_reads_go_on(
    master: RedisServer, replica: RedisServer
) -> None:
    async with asyncio.timeout(3 * PATIENCE_S), open_redis(master.url, wait_replicas=1) as redis:
        await redis.ping()
        await replica.pause()  # to the master it is there for a minute still
        with pytest.raises(UpstreamUnavailable, match=f"^{NOT_DURABLE}$"):
            await redis.ping()
        assert await redis.execute("GET", "a") is None
        await replica.resume()
        await ping_until_up(redis)
        await replica.kill()
        with pytest.raises(UpstreamUnavailable, match=f"^{NOT_DURABLE}$"):
            await redis.ping()


async def test_replicas_that_were_missed_are_not_waited_for_at_length_until_they_are_back(
    master: RedisServer, replica: RedisServer
) -> None:
    async with asyncio.timeout(3 * PATIENCE_S), open_redis(master.url, wait_replicas=1, timeout_s=60) as redis:
        await replica.pause()
        with pytest.raises(UpstreamUnavailable, match=NOT_DURABLE):
            await redis.ping()
        with pytest.raises(UpstreamUnavailable, match=NOT_DURABLE):
            await redis.execute("SET", "a", "1", durable=True)
        await replica.resume()
        await ping_until_up(redis)
        assert await redis.execute("SET", "a", "2", durable=True) == b"OK"


async def test_a_ping_leaves_nothing_behind_that_stays(master: RedisServer) -> None:
    async with open_redis(master.url) as redis:
        await redis.ping()
        left = [key async for key in redis.keys("*")]
        assert [await redis.execute("PTTL", key) <= 1_000 for key in left] == [True]


async def test_the_stores_and_the_log_are_not_up_without_replicas(master: RedisServer) -> None:
    clock = SystemClock()
    async with open_redis(master.url, wait_replicas=1) as redis, open_log(redis) as log:
        short_term = RedisShortTerm(redis, session_days=1)
        for store in (log, RedisDocuments(redis, clock), RedisDue(redis, clock), short_term):
            with pytest.raises(UpstreamUnavailable, match=NOT_DURABLE):
                await store.ping()


async def test_health_says_in_time_that_a_replica_is_missing(master: RedisServer) -> None:
    told: list[object] = []
    sink = logger.add(lambda message: told.append(message.record["extra"].get("errors")), level="WARNING")
    async with open_redis(master.url, wait_replicas=1) as redis:
        health = Health(probes={"redis": redis.ping}, clock=SystemClock())
        await health.check()
    logger.remove(sink)
    assert health.report.dependencies == {"redis": "down"}
    assert told == [{"redis": NOT_DURABLE}]


@pytest.mark.parametrize("number", range(3))
async def test_each_master_of_a_cluster_must_take_writes(tmp_path: Path, number: int) -> None:
    servers = empty_cluster_of(tmp_path)
    async with open_redis(servers[0].url, mode="cluster") as redis:
        await redis.ping()
        servers[number].cli("config", "set", "min-replicas-to-write", "1")
        try:
            with pytest.raises(UpstreamUnavailable, match="good replicas to write"):
                await redis.ping()
        finally:
            servers[number].cli("config", "set", "min-replicas-to-write", "0")
        await redis.ping()


async def test_each_master_of_a_cluster_must_have_its_replicas(tmp_path: Path) -> None:
    async with open_redis(empty_cluster_of(tmp_path)[0].url, mode="cluster", wait_replicas=1) as redis:
        with pytest.raises(UpstreamUnavailable, match=NOT_DURABLE):
            await redis.ping()
