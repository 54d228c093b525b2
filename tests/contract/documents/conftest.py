"""The stores that the suite runs against."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_ports.documents import DocumentStore
from tests.contract.documents.stores import DURABLE, STORES, Opener


@pytest.fixture(params=STORES)
def opener(request: pytest.FixtureRequest) -> Opener:
    """How to open one kind of store."""
    return STORES[request.param]


@pytest.fixture(params=DURABLE)
def durable_opener(request: pytest.FixtureRequest) -> Opener:
    """How to open a store that keeps what it holds from one opening to the next."""
    return DURABLE[request.param]


@pytest.fixture
async def store(opener: Opener, tmp_path: Path) -> AsyncIterator[DocumentStore]:
    """An empty store."""
    async with opener(tmp_path) as opened:
        yield opened
