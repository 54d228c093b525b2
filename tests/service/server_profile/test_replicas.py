"""What a gateway and a worker do while Redis is there, and its replicas, without which nothing is acknowledged, not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memoryos_adapters.settings import Settings
from tests.service.server_profile.conftest import memory_of
from tests.support.redis_server import RedisServer, redis_server
from tests.support.redis_topology import until
from tests.support.server_profile import Servers, running_worker

PATIENCE_S = 30.0


@pytest.fixture
async def replica(servers: Servers, tmp_path: Path) -> AsyncIterator[RedisServer]:
    """The one replica of the servers' Redis, which has caught up."""
    following = f"127.0.0.1 {servers.redis.port}"
    async with redis_server(tmp_path / "replica", replicaof=following, databases=1_000) as server:
        await _until_caught_up(server)
        yield server


@pytest.fixture
def settings(servers: Servers, tmp_path: Path) -> Settings:
    """Settings of an empty memory, in which what is acknowledged is on a replica."""
    settings = servers.settings(tmp_path / "data")
    redis = msgspec.structs.replace(settings.storage.redis, wait_replicas=1, timeout_s=1.0)
    return msgspec.structs.replace(settings, storage=msgspec.structs.replace(settings.storage, redis=redis))


async def test_without_replicas_health_says_so_and_writes_go_to_the_outbox(
    settings: Settings, replica: RedisServer
) -> None:
    async with memory_of(settings) as memory, running_worker(settings) as worker:
        await memory.add("said before", event_id="e0")
        await replica.kill()
        for number in range(1, 4):
            added = await memory.post_add(f"said {number}", event_id=f"e{number}")
            assert (added.status_code, added.json()["state"]) == (202, "queued")
        async with asyncio.timeout(PATIENCE_S):
            while (status := await _status(memory.client))["mode"] != "degraded":
                pass
        await until(lambda: worker.health().report.mode == "degraded")
        assert status["dependencies"] == {**status["dependencies"], "redis": "down", "qdrant": "up", "outbox": "up"}
        assert status["outbox"] == {"waiting": 3}

        await replica.start()
        await _until_caught_up(replica)
        async with asyncio.timeout(PATIENCE_S):
            for number in range(1, 4):
                while (await memory.event(f"e{number}")).json()["state"] != "stored":
                    pass
        assert {"said before", "said 1", "said 2", "said 3"} == set(await memory.texts())


async def _until_caught_up(replica: RedisServer) -> None:
    await until(lambda: "master_link_status:up" in replica.cli("info", "replication"))


async def _status(client: Any) -> Any:
    return (await client.get("/health/status")).json()
