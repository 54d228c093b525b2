"""The noop event log: reads are empty, a publication is refused."""

import asyncio
from datetime import UTC, datetime

import pytest

from memoryos_adapters.events.noop import NoopEvents
from memoryos_ports.errors import MemoryDisabled
from memoryos_ports.events import Delivery, EventLog, QueueStats
from memoryos_ports.ids import EventId
from tests.contract.events.makers import ANA, make_event


@pytest.fixture
def log() -> EventLog:
    """The log under test."""
    return NoopEvents()


async def test_a_publication_is_refused(log: EventLog) -> None:
    with pytest.raises(MemoryDisabled):
        await log.publish(make_event())


async def test_receive_waits_and_returns_nothing(log: EventLog) -> None:
    assert await log.receive(limit=10, wait_s=0.01) == []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await log.receive(limit=10, wait_s=60)


async def test_reads_are_empty(log: EventLog) -> None:
    assert await log.receipt(ANA, EventId("e1")) is None
    assert await log.stats() == QueueStats(length=0, oldest_age_s=0.0, dead=0)
    assert await log.purge(before=datetime(2026, 3, 1, tzinfo=UTC)) == 0


async def test_there_is_nothing_to_erase(log: EventLog) -> None:
    assert await log.erase(ANA) == 0


async def test_settled_does_not_wait_for_what_cannot_come(log: EventLog) -> None:
    async with asyncio.timeout(10):
        assert await log.settled(ANA, EventId("e1"), timeout_s=1_000) is None


async def test_ending_what_was_never_handed_out_is_harmless(log: EventLog) -> None:
    delivery = Delivery(handle="1", payload=b"", attempts=0)
    await log.ack(delivery)
    await log.leave(delivery, error="no", retry_in_s=0)
    await log.bury(delivery, error="no")


async def test_ping_returns(log: EventLog) -> None:
    await log.ping()
