"""What a gateway runs in the background: what is tidied up and when, what it needs, and how it ends."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memoryos_adapters.events.noop import NoopEvents
from memoryos_adapters.settings import RedisSettings, Settings, StorageSettings
from memoryos_gateway.container import GatewayContainer, make_housekeeping, probes_of
from memoryos_gateway.gateway import run_gateway
from memoryos_ports.errors import ConfigurationError
from memoryos_ports.events import Delivery
from tests.support.memory_stack import FixedClock
from tests.unit.core.routing.virtual_time import in_virtual_time
from tests.unit.gateway.wiring import make_settings, wired

NEVER = datetime.min.replace(tzinfo=UTC)
TAKEN = ConfigurationError(["worker.consumer: 'w1' is in use by another process"])


class Log(NoopEvents):
    """A log that writes down what it is asked to forget, and has nothing for a consumer whose name is taken."""

    def __init__(self) -> None:
        self.purges: list[datetime] = []

    async def purge(self, *, before: datetime) -> int:
        """Write it down."""
        self.purges.append(before)
        return 0

    async def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
        """Refuse."""
        raise TAKEN


def server_settings(*, receipts_days: int) -> Settings:
    """Return settings of the server profile that keep receipts for so long."""
    return Settings(storage=StorageSettings(profile="server", redis=RedisSettings(receipts_days=receipts_days)))


@pytest.mark.parametrize(
    ("settings", "kept", "purges_in_an_hour"),
    [
        (server_settings(receipts_days=7), timedelta(days=7), 60),
        (server_settings(receipts_days=0), None, 60),
        (Settings(), timedelta(days=30), 1),
    ],
    ids=["some days", "for ever", "embedded"],
)
@in_virtual_time
async def test_receipts_are_kept_as_long_as_the_settings_say(
    settings: Settings, kept: timedelta | None, purges_in_an_hour: int
) -> None:
    log, clock = Log(), FixedClock()
    tidying = asyncio.create_task(make_housekeeping(settings, log, clock).run())
    await asyncio.sleep(3599)
    tidying.cancel()

    assert log.purges == [clock.now() - kept if kept else NEVER] * purges_in_an_hour


async def test_an_outbox_that_cannot_be_written_does_not_keep_events_from_being_applied() -> None:
    async def up() -> None:
        """Answer."""

    async def down() -> None:
        raise AssertionError("nobody needs it")

    assert probes_of({"redis": up, "outbox": down, "memory": None}) == [up]


async def test_a_consumer_whose_name_is_taken_ends_with_that_reason_alone(tmp_path: Path) -> None:
    async with wired(make_settings("embedded"), tmp_path, events=Log()) as container, asyncio.timeout(10):
        with pytest.raises(ConfigurationError, match="in use"):
            await _serve(container)


async def _serve(container: GatewayContainer) -> None:
    async with run_gateway(container):
        await asyncio.Event().wait()


async def test_what_was_lost_at_the_very_end_is_counted(tmp_path: Path) -> None:
    async with wired(make_settings("noop"), tmp_path) as container:
        async with run_gateway(container):
            container.chat_memory()._keeper.lost = 2
        lines = container.metrics().exposition()[0].decode().splitlines()

    assert "memoryos_exchanges_lost_total 2.0" in lines
