"""The stack of the embedded profile, for every test of core that needs stores."""

from collections.abc import AsyncIterator

import pytest

from tests.support.memory_stack import MemoryStack, fast_directory, open_stack


@pytest.fixture
async def stack() -> AsyncIterator[MemoryStack]:
    """Open stores and core over them; nothing is applied until a test says so."""
    with fast_directory() as directory:
        async with open_stack(directory) as opened:
            yield opened
