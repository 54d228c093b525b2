"""The sets that the suite runs against, on a clock that stands still until it is told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_ports.due import DueSet
from tests.contract.due.sets import DURABLE, SETS, Opener
from tests.support.memory_stack import FixedClock


@pytest.fixture(params=SETS)
def opener(request: pytest.FixtureRequest) -> Opener:
    """How to open one kind of set."""
    return SETS[request.param]


@pytest.fixture(params=DURABLE)
def durable_opener(request: pytest.FixtureRequest) -> Opener:
    """How to open a set that keeps what it holds from one opening to the next."""
    return DURABLE[request.param]


@pytest.fixture
def clock() -> FixedClock:
    """The clock of the set."""
    return FixedClock()


@pytest.fixture
async def due(opener: Opener, tmp_path: Path, clock: FixedClock) -> AsyncIterator[DueSet]:
    """An empty set."""
    async with opener(tmp_path, clock) as opened:
        yield opened
