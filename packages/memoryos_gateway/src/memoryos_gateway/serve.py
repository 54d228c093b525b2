"""The command `serve`: the gateway behind uvicorn, until it is told to stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

from loguru import logger

from memoryos_adapters.settings import Settings
from memoryos_gateway.data_place import hold_data_directory
from memoryos_gateway.gateway import open_gateway
from memoryos_gateway.server import GatewayServer, listen
from memoryos_ports.errors import ConfigurationError


async def serve(settings: Settings, *, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then drain. `announce` is told the URL once requests are answered there.

    Raises ConfigurationError when the address or the data directory is taken.
    """
    with hold_data_directory(settings) as directory, _listen(settings) as listener:
        url = url_of(settings, port=listener.getsockname()[1])
        async with open_gateway(settings, directory) as gateway:

            def ready() -> None:
                if directory is not None:
                    directory.announce(url)
                announce(url)

            server = GatewayServer(gateway.app, ready=ready)
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, server.ask_to_stop, gateway.health.set_serving)
            await server.serve(sockets=[listener])
            logger.info("gateway stopped")


def url_of(settings: Settings, *, port: int | None = None) -> str:
    """Return where a gateway with these settings is reached from its own machine; `port` where they say 0."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.server.host, settings.server.host)  # noqa: S104 - not bound
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{settings.server.port if port is None else port}"


@contextlib.contextmanager
def _listen(settings: Settings) -> Iterator[socket.socket]:
    host, port = settings.server.host, settings.server.port
    try:
        listener = listen(host, port)
    except OSError as exc:
        raise ConfigurationError([f"server.port: cannot listen on {host}:{port}: {exc.strerror}"]) from exc
    with listener:
        yield listener
