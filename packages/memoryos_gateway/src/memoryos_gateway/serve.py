"""The command `serve`: the gateway behind uvicorn, until it is told to stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from litestar.types import ASGIApp
from loguru import logger

from memoryos_adapters.data_directory import open_data_directory
from memoryos_adapters.settings import Settings
from memoryos_gateway.gateway import open_gateway
from memoryos_ports.errors import ConfigurationError

GRACE_S = 10
"""How long open requests may go on after the process was told to stop."""

_KEEP_ALIVE_S = 75
_BACKLOG = 2048


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

            server = _Server(gateway.app, ready=ready)
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, server.ask_to_stop, gateway.health.set_serving)
            await server.serve(sockets=[listener])
            logger.info("gateway stopped")


class _Server(uvicorn.Server):
    """uvicorn with our signals: its own handling would end the process before our cleanup."""

    def __init__(self, app: ASGIApp, *, ready: Callable[[], None]) -> None:
        self._ready = ready
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `serve`."""
        yield

    def ask_to_stop(self, set_serving: Callable[[bool], None]) -> None:
        """Stop taking connections and finish the open requests; asked again, do not wait for them."""
        set_serving(False)
        self.force_exit = self.should_exit
        self.should_exit = True


@contextlib.contextmanager
def _listen(settings: Settings) -> Iterator[socket.socket]:
    host, port = settings.server.host, settings.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as exc:
        raise ConfigurationError([f"server: cannot listen on {host}:{port}: {exc.strerror}"]) from exc
    with listener:
        yield listener


def _url(host: str, listener: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"
