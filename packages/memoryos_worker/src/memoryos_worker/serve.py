"""The command `run`: a worker beside its health and metrics, until it is told to stop."""

import asyncio
import signal
import socket
from collections.abc import Callable

from loguru import logger

from memoryos_adapters.container import resolve_all, slots
from memoryos_adapters.registry import open_adapters
from memoryos_adapters.settings import Settings
from memoryos_worker.container import WorkerContainer
from memoryos_worker.endpoint import listening, make_app, serving, url_of


async def serve(settings: Settings, *, announce: Callable[[str], None]) -> None:
    """Work until SIGINT or SIGTERM, then drain; a second signal ends the drain at once.

    `announce` is told where health and metrics are, once they are answered there. Raises ConfigurationError when that
    address or the name of the consumer is taken.
    """
    if settings.worker.async_pipeline is False:
        logger.warning("gateways with this configuration apply events too (MEMORYOS_ASYNC_MEMORY_PIPELINE is off)")
    with listening(settings.worker) as listener:
        async with open_adapters(settings) as adapters:
            container = WorkerContainer(**slots(settings, adapters))
            resolve_all(container)
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, container.worker().ask_to_stop)
            await work(container, listener, announce=announce)
    logger.info("worker stopped")


async def work(container: WorkerContainer, listener: socket.socket, *, announce: Callable[[str], None]) -> None:
    """Run a wired worker beside its endpoint until it is asked to stop."""
    host, port = container.settings().worker.host, listener.getsockname()[1]
    async with serving(make_app(container.health(), container.metrics()), listener):
        announce(url_of(host, port))
        await container.worker().run()
