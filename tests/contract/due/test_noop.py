"""The noop due-set: nothing is ever due, an addition is refused."""

import pytest

from memoryos_adapters.due.noop import NoopDue
from memoryos_ports.due import DueSet, Lease
from memoryos_ports.errors import MemoryDisabled
from tests.support.makers import ANA, NOON


@pytest.fixture
def due() -> DueSet:
    """The set under test."""
    return NoopDue()


async def test_an_addition_is_refused(due: DueSet) -> None:
    with pytest.raises(MemoryDisabled):
        await due.add(ANA, at=NOON)


async def test_there_is_nothing_to_claim_or_to_hold(due: DueSet) -> None:
    assert await due.claim(limit=10, lease_s=60) == []
    assert not await due.holds(Lease(scope=ANA, fence=1, until=NOON))


async def test_finishing_and_erasing_what_is_not_there_is_harmless(due: DueSet) -> None:
    await due.finish(Lease(scope=ANA, fence=1, until=NOON), again_at=NOON)
    await due.erase(ANA)


async def test_ping_returns(due: DueSet) -> None:
    await due.ping()
