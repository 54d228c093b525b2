"""The sets that the suite runs against, on a clock that stands still until it is told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_ports.due import DueSet
from tests.contract.due.sets import DURABLE, ON_REDIS, SETS, Opener
from tests.support.memory_stack import FixedClock


@pytest.fixture(params=[*SETS, *ON_REDIS])
def opener(request: pytest.FixtureRequest) -> Opener:
    """How to open one kind of set."""
    return _opener(request)


@pytest.fixture(params=[*DURABLE, *ON_REDIS])
def durable_opener(request: pytest.FixtureRequest) -> Opener:
    """How to open a set that keeps what it holds from one opening to the next."""
    return _opener(request)


@pytest.fixture
def clock() -> FixedClock:
    """The clock of the set."""
    return FixedClock()


@pytest.fixture
async def due(opener: Opener, tmp_path: Path, clock: FixedClock) -> AsyncIterator[DueSet]:
    """An empty set."""
    async with opener(tmp_path, clock) as opened:
        yield opened


def _opener(request: pytest.FixtureRequest) -> Opener:
    name: str = request.param
    return ON_REDIS[name](request.getfixturevalue("redis_databases")) if name in ON_REDIS else SETS[name]
