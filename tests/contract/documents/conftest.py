"""The stores that the suite runs against."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_ports.documents import DocumentStore
from tests.contract.documents.stores import DURABLE, ON_REDIS, STORES, Opener


@pytest.fixture(params=[*STORES, *ON_REDIS])
def opener(request: pytest.FixtureRequest) -> Opener:
    """How to open one kind of store."""
    return _opener(request)


@pytest.fixture(params=[*DURABLE, *ON_REDIS])
def durable_opener(request: pytest.FixtureRequest) -> Opener:
    """How to open a store that keeps what it holds from one opening to the next."""
    return _opener(request)


@pytest.fixture
async def store(opener: Opener, tmp_path: Path) -> AsyncIterator[DocumentStore]:
    """An empty store."""
    async with opener(tmp_path) as opened:
        yield opened


def _opener(request: pytest.FixtureRequest) -> Opener:
    name: str = request.param
    return ON_REDIS[name](request.getfixturevalue("redis_databases")) if name in ON_REDIS else STORES[name]
