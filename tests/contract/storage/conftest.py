"""The memory indexes that the suite runs against."""

import os
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from memoryos_ports.memory import MemoryStorage
from tests.contract.storage.indexes import EDGE, STAMP, Opener, collection_of, on_server
from tests.support.qdrant_facade.process import QdrantFacade, running_facade

SERVER_URL = os.environ.get("MEMORYOS_TEST_QDRANT_URL", "")
INDEXES = ["qdrant-edge", "qdrant-facade", *(["qdrant-server"] if SERVER_URL else [])]


@pytest.fixture(scope="session")
def facade(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QdrantFacade]:
    """A facade that all tests share, each with collections of its own."""
    with running_facade(tmp_path_factory.mktemp("facade")) as running:
        yield running


@pytest.fixture(params=INDEXES)
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """How to open one kind of memory index."""
    if request.param == "qdrant-edge":
        yield EDGE
        return
    is_facade = request.param == "qdrant-facade"
    url = request.getfixturevalue("facade").url if is_facade else SERVER_URL
    yield on_server(url)
    for path in (tmp_path, tmp_path / "waiting", tmp_path / "stored"):
        drop(url, path)


@pytest.fixture
async def memory(opener: Opener, tmp_path: Path) -> AsyncIterator[MemoryStorage]:
    """An empty memory index."""
    async with opener(tmp_path, STAMP) as opened:
        yield opened


def drop(url: str, path: Path) -> None:
    """Remove the collection that stands for a directory."""
    request = urllib.request.Request(f"{url}/collections/{collection_of(path)}", method="DELETE")
    with urllib.request.urlopen(request, timeout=30):
        pass
