"""The locks that the suite runs against."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_ports.locks import Locks
from tests.contract.locks.lockings import OPENERS, Pair
from tests.support.redis_databases import RedisDatabases


@pytest.fixture(params=OPENERS)
async def pair(request: pytest.FixtureRequest, tmp_path: Path, redis_databases: RedisDatabases) -> AsyncIterator[Pair]:
    """The locks of two processes."""
    async with OPENERS[request.param](tmp_path, redis_databases) as opened:
        yield opened


@pytest.fixture
def locks(pair: Pair) -> Locks:
    """The locks of one process."""
    return pair[0]
