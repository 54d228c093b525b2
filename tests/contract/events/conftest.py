"""The logs that the suite runs against."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_ports.events import EventLog
from tests.contract.events.logs import DURABLE, LOGS, Opener


@pytest.fixture(params=LOGS)
def opener(request: pytest.FixtureRequest) -> Opener:
    """How to open one kind of log."""
    return LOGS[request.param]


@pytest.fixture(params=DURABLE)
def durable_opener(request: pytest.FixtureRequest) -> Opener:
    """How to open a log that keeps what it holds from one opening to the next."""
    return DURABLE[request.param]


@pytest.fixture
async def log(opener: Opener, tmp_path: Path) -> AsyncIterator[EventLog]:
    """An empty log."""
    async with opener(tmp_path) as opened:
        yield opened
