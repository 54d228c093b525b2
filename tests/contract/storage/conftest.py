"""The memory indexes that the suite runs against."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_ports.memory import MemoryStorage
from tests.contract.storage.indexes import INDEXES, STAMP, Opener


@pytest.fixture(params=INDEXES.values(), ids=[*INDEXES])
def opener(request: pytest.FixtureRequest) -> Opener:
    """How to open one kind of memory index."""
    found: Opener = request.param
    return found


@pytest.fixture
async def memory(opener: Opener, tmp_path: Path) -> AsyncIterator[MemoryStorage]:
    """An empty memory index."""
    async with opener(tmp_path, STAMP) as opened:
        yield opened
