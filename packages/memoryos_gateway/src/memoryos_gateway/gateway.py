"""An open gateway: adapters, wiring, and what runs in the background, between start-up and shutdown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from litestar.types import ASGIApp

from memoryos_adapters.container import resolve_all, slots
from memoryos_adapters.data_directory import DataDirectory
from memoryos_adapters.registry import open_adapters
from memoryos_adapters.settings import Settings
from memoryos_core.health import Health
from memoryos_gateway.app import create_app
from memoryos_gateway.container import GatewayContainer
from memoryos_gateway.server import GRACE_S

_MEBIBYTE = 1024 * 1024


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """What the process serves, and the health it reports."""

    app: ASGIApp
    health: Health


@asynccontextmanager
async def open_gateway(settings: Settings, directory: DataDirectory) -> AsyncIterator[Gateway]:
    """Open the adapters that the settings ask for, and run a gateway on them until the block ends."""
    async with (
        open_adapters(settings, database=directory.database, index=directory.index) as adapters,
        run_gateway(GatewayContainer(**slots(settings, adapters))) as gateway,
    ):
        yield gateway


@asynccontextmanager
async def run_gateway(container: GatewayContainer) -> AsyncIterator[Gateway]:
    """Wire everything, run the event runner and the health probes, and stop in order at the end.

    At the end the exchanges in hand are stored and the runner finishes what it has taken; what still waits in the
    log is applied at the next start.
    """
    resolve_all(container)
    settings, health, runner = container.settings(), container.health(), container.runner()
    await health.check()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(runner.run())
        consolidating = _consolidate(container, tasks)
        endless = [tasks.create_task(health.watch()), tasks.create_task(container.housekeeping().run())]
        health.set_serving(True)
        try:
            yield Gateway(
                app=create_app(
                    container.services(),
                    body_limit=int(settings.server.body_limit_mb * _MEBIBYTE),
                    loopback_only=container.authenticator().is_open and not settings.server.open_to_network,
                    allowed_origins=settings.server.allowed_origins,
                ),
                health=health,
            )
        finally:
            health.set_serving(False)
            for task in endless:
                task.cancel()
            await container.chat_memory().drain()
            runner.stop()
            container.consolidation().loop.stop()
            await asyncio.wait({running, *consolidating}, timeout=GRACE_S)
            for task in (running, *consolidating):
                task.cancel()  # without effect when it has ended; what is in hand is handed out again at the next start


def _consolidate(container: GatewayContainer, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
    """Start the loop that consolidates, where there is something to consolidate."""
    settings = container.settings()
    if settings.storage.profile == "noop" or not settings.consolidation.enabled:
        return []
    return [tasks.create_task(container.consolidation().loop.run())]
