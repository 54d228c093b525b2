"""Databases of a real redis-server to test with."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from memoryos_adapters.redis_database import RedisDatabase
from tests.support.memory_stack import FixedClock
from tests.support.redis_databases import RedisDatabases, running_databases


@pytest.fixture(scope="package")
def redis_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisDatabases]:
    """The databases of one redis-server."""
    with running_databases(tmp_path_factory.mktemp("redis")) as databases:
        yield databases


@pytest.fixture
async def redis(redis_databases: RedisDatabases, tmp_path: Path) -> AsyncIterator[RedisDatabase]:
    """An empty database."""
    async with redis_databases.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def clock() -> FixedClock:
    """A clock that goes on by a millisecond with every look."""
    return FixedClock(tick_s=0.001)
