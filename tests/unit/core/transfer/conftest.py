"""Memory as the gateway wires it, over real stores."""

from collections.abc import AsyncIterator

import pytest

from tests.support.lifecycle import MemoryLife, open_life
from tests.support.memory_stack import fast_directory


@pytest.fixture
async def life() -> AsyncIterator[MemoryLife]:
    """Open stores and everything over them; nothing is applied until a test says so."""
    with fast_directory() as directory:
        async with open_life(directory) as opened:
            yield opened
