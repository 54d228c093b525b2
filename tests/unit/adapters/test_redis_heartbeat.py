"""The heartbeat of a consumer: whatever its renewals fail with, it goes on."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from memoryos_adapters.events.redis_consumer import Consumer
from memoryos_adapters.events.redis_partitions import Partitions
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.redis_servers import Argument
from memoryos_adapters.settings import WorkerSettings
from memoryos_ports.errors import UpstreamUnavailable
from tests.support.redis_log import PATIENCE_S, open_redis
from tests.support.redis_server import database_url


class Stumbling(EventScript):
    """Fails with these errors, one after the other, when a lease is renewed, and then no more."""

    def __init__(self, redis: RedisDatabase, *errors: Exception) -> None:
        super().__init__(redis)
        self._errors: list[Exception | None] = [None, *errors]  # the first call asks for the lease
        self.renewed = asyncio.Event()

    async def at(self, keys: tuple[str, ...], command: str, *args: Argument, **options: Any) -> Any:
        """Run a command, or fail."""
        if command == "lease":
            if not self._errors:
                self.renewed.set()
            elif (error := self._errors.pop(0)) is not None:
                raise error
        return await super().at(keys, command, *args, **options)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ((UpstreamUnavailable(upstream="redis"),), []),
        ((TypeError("odd"), TypeError("odd again")), ["TypeError('odd')"]),
    ],
)
async def test_a_lease_is_renewed_after_whatever_went_wrong(
    tmp_path: Path, tracebacks: list[str], errors: tuple[Exception, ...], expected: list[str]
) -> None:
    settings = WorkerSettings(consumer="w1")
    async with open_redis(database_url(tmp_path)) as redis:
        script, partitions = Stumbling(redis, *errors), Partitions(settings, is_cluster=False)
        consumer = Consumer(redis, script, partitions, settings, lease_s=0.3)
        assert await consumer.join()
        async with asyncio.timeout(PATIENCE_S):
            await script.renewed.wait()
        await consumer.aclose()
    assert tracebacks == expected
