"""An open gateway: adapters, wiring, and what runs in the background, between start-up and shutdown."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar.types import ASGIApp
from loguru import logger

from memoryos_adapters.container import resolve_all, slots
from memoryos_adapters.data_directory import DataDirectory
from memoryos_adapters.settings import Settings
from memoryos_core.health import Health
from memoryos_gateway.app import create_app
from memoryos_gateway.consuming import consumes_events
from memoryos_gateway.container import GatewayContainer
from memoryos_gateway.data_place import adapters_in
from memoryos_gateway.server import GRACE_S

_MEBIBYTE = 1024 * 1024


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """What the process serves, and the health it reports."""

    app: ASGIApp
    health: Health


@asynccontextmanager
async def open_gateway(settings: Settings, directory: DataDirectory | None) -> AsyncIterator[Gateway]:
    """Open the adapters that the settings ask for, and run a gateway on them until the block ends."""
    async with (
        adapters_in(settings, directory) as adapters,
        run_gateway(GatewayContainer(**slots(settings, adapters))) as gateway,
    ):
        yield gateway


@asynccontextmanager
async def run_gateway(container: GatewayContainer) -> AsyncIterator[Gateway]:
    """Wire everything, run what a gateway runs in the background, and stop in order at the end.

    At the end the exchanges in hand are stored, what the runner has taken is finished, visits are counted, and the
    outbox is emptied, within `GRACE_S`; what still waits, in the log or in the outbox, is applied after the next start.
    Raises ConfigurationError when the log says that this gateway cannot consume.
    """
    resolve_all(container)
    settings, health = container.settings(), container.health()
    await health.check()
    async with _out_of_its_group(), asyncio.TaskGroup() as tasks:
        delivering = tasks.create_task(container.outbox().run())
        endless = [tasks.create_task(work) for work in _endless(container)]
        ending = {tasks.create_task(work) for work in _ending(container)}
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
            await container.watch().look()  # what was lost since it looked last, and by now
            _stop(container)
            if not delivering.cancelling():  # else the group is ending because one of its tasks failed
                ending.add(tasks.create_task(_drain(container)))
            if ending:
                await asyncio.wait(ending, timeout=GRACE_S)
            for task in (*ending, delivering):
                task.cancel()  # without effect when it has ended; what is in hand is handed out again at the next start


@asynccontextmanager
async def _out_of_its_group() -> AsyncIterator[None]:
    """Raise what failed in the block by itself: a task group puts it into a group of one."""
    try:
        yield
    except ExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        raise group.exceptions[0] from group


def _endless(container: GatewayContainer) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what runs until it is cancelled."""
    yield container.health().watch()
    yield container.watch().run()
    yield container.queue_watch().run()
    if consumes_events(container.settings()):
        yield container.housekeeping().run()


def _ending(container: GatewayContainer) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what runs until it is told to stop, and then finishes what it has in hand."""
    settings = container.settings()
    if consumes_events(settings):
        yield container.runner().run()
    if settings.storage.profile == "noop" or not settings.consolidation.enabled:
        return
    yield container.consolidation().visit_loop.run()
    if consumes_events(settings):
        yield container.consolidation().loop.run()


def _stop(container: GatewayContainer) -> None:
    container.runner().stop()
    container.consolidation().loop.stop()
    container.consolidation().visit_loop.stop()


async def _drain(container: GatewayContainer) -> None:
    if waiting := await container.outbox().drain(timeout_s=GRACE_S):
        logger.bind(waiting=waiting).warning("events stay in the outbox until the next start")
