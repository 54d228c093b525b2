"""FAQ memories, empty, for the suite."""

from collections.abc import AsyncIterator

import pytest

from memoryos_ports.faq import FaqMemory
from tests.contract.faq.memories import ALL, KEEPING, Shelf, open_shelf


@pytest.fixture(params=ALL)
async def any_faq(request: pytest.FixtureRequest) -> AsyncIterator[FaqMemory]:
    """Every FAQ memory, those that keep nothing too."""
    async with ALL[request.param]() as opened:
        yield opened


@pytest.fixture(params=KEEPING)
async def faq(request: pytest.FixtureRequest) -> AsyncIterator[FaqMemory]:
    """A FAQ memory that keeps entries."""
    async with KEEPING[request.param]() as opened:
        yield opened


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    """The memory of documents, and what is behind it."""
    async with open_shelf() as opened:
        yield opened
