"""The command `serve`: the gateway behind uvicorn, until it is told to stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

from loguru import logger

from memoryos_adapters.data_directory import open_data_directory
from memoryos_adapters.settings import Settings
from memoryos_gateway.gateway import open_gateway
from memoryos_gateway.server import GatewayServer, listen
from memoryos_ports.errors import ConfigurationError


async def serve(settings: Settings, *, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then drain. `announce` is told the URL once requests are answered there.

    Raises ConfigurationError when the address or the data directory is taken.
    """
    with open_data_directory(settings.data_dir) as directory, _listen(settings) as listener:
        url = _url(settings.server.host, listener)
        async with open_gateway(settings, directory) as gateway:

            def ready() -> None:
                directory.announce(url)
                announce(url)

            server = GatewayServer(gateway.app, ready=ready)
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, server.ask_to_stop, gateway.health.set_serving)
            await server.serve(sockets=[listener])
            logger.info("gateway stopped")


@contextlib.contextmanager
def _listen(settings: Settings) -> Iterator[socket.socket]:
    host, port = settings.server.host, settings.server.port
    try:
        listener = listen(host, port)
    except OSError as exc:
        raise ConfigurationError([f"server: cannot listen on {host}:{port}: {exc.strerror}"]) from exc
    with listener:
        yield listener


def _url(host: str, listener: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"
