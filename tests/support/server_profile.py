"""The servers of the server profile: a real redis-server whose data survive, and the engine behind Qdrant's REST wire.

::

    with running_servers(tmp_path) as servers:
        settings = servers.settings(tmp_path / "data")
        async with running_gateway(settings) as gateway, running_worker(settings):
            ...
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

import msgspec

from memoryos_adapters.container import resolve_all, slots
from memoryos_adapters.registry import open_adapters
from memoryos_adapters.settings import (
    MemorySettings,
    QdrantSettings,
    RedisSettings,
    Settings,
    StorageSettings,
    WorkerSettings,
)
from memoryos_worker.container import WorkerContainer
from tests.support.gateway import make_settings
from tests.support.qdrant_facade.process import QdrantFacade, running_facade
from tests.support.redis_server import RedisServer, running_redis

_DATABASES = 1_000
_STOP_S = 20.0


class Servers:
    """Both servers; made by `running_servers`. Every `settings` has a database and a collection of its own."""

    def __init__(self, redis: RedisServer, qdrant: QdrantFacade) -> None:
        self.redis = redis
        self.qdrant = qdrant
        self._numbers = count(1)

    def settings(self, data_dir: Path, **changes: object) -> Settings:
        """Return settings of the server profile over something empty; `changes` replace whole sections."""
        number = next(self._numbers)
        storage = StorageSettings(
            profile="server",
            redis=RedisSettings(url=f"{self.redis.url.removesuffix('/0')}/{number}"),
            qdrant=QdrantSettings(url=self.qdrant.url, collection=f"memoryos-{number}"),
        )
        patient = {
            "storage": storage,
            "memory": MemorySettings(recall_timeout_ms=2_000),
            "worker": WorkerSettings(block_ms=200, claim_idle_ms=1_000),
        }
        return make_settings(data_dir, **{**patient, **changes})

    @contextmanager
    def without_redis(self) -> Iterator[None]:
        """Kill Redis, and start it again when the block ends."""
        self.redis.end(signal.SIGKILL)
        try:
            yield
        finally:
            self.redis.launch()

    @contextmanager
    def without_qdrant(self) -> Iterator[None]:
        """Kill Qdrant, and start it again when the block ends."""
        self.qdrant.kill()
        try:
            yield
        finally:
            self.qdrant.start()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Stop the clocks of both until the block ends: nothing is refused, and nothing answered."""
        os.kill(self.redis.pid, signal.SIGSTOP)
        self.qdrant.send(signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.redis.pid, signal.SIGCONT)
            self.qdrant.send(signal.SIGCONT)

    def cli(self, settings: Settings, *command: str) -> str:
        """Run ``redis-cli`` on the database of these settings; return what it prints. Blocks."""
        return self.redis.cli("-n", settings.storage.redis.url.rpartition("/")[2], *command)


@contextmanager
def running_servers(directory: Path) -> Iterator[Servers]:
    """Run both until the block ends."""
    redis = running_redis(directory / "redis", appendonly=True, appendfsync="always", databases=_DATABASES)
    with redis as server, running_facade(directory / "qdrant") as facade:
        yield Servers(server, facade)


@asynccontextmanager
async def running_worker(settings: Settings) -> AsyncIterator[WorkerContainer]:
    """Run a worker in this process, without its port, until the block ends."""
    async with open_adapters(settings) as adapters:
        container = WorkerContainer(**slots(settings, adapters))
        resolve_all(container)
        working = asyncio.create_task(container.worker().run())
        try:
            yield container
        finally:
            container.worker().ask_to_stop()
            async with asyncio.timeout(_STOP_S):
                await working


def with_own_files(settings: Settings, data_dir: Path) -> Settings:
    """Return the settings of another gateway on the same servers."""
    return msgspec.structs.replace(settings, data_dir=str(data_dir))
