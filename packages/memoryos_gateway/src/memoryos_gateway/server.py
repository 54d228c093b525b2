"""uvicorn as the gateway runs it."""

import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from litestar.types import ASGIApp

GRACE_S = 10
"""How long open requests may go on after the process was told to stop."""

_BACKLOG = 2048
_KEEP_ALIVE_S = 75


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 is a free one. Raises OSError when the address is taken.

    Its connections send at once: asyncio sees to that only for sockets that it opened itself, and without it every
    answer on a kept connection waits some 40 ms for the client's acknowledgement of its head (RFC 896, 1122).
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
    return listener


class GatewayServer(uvicorn.Server):
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
        """Leave the signals to whoever runs this."""
        yield

    def ask_to_stop(self, set_serving: Callable[[bool], None]) -> None:
        """Stop taking connections and finish the open requests; asked again, do not wait for them."""
        set_serving(False)
        self.force_exit = self.should_exit
        self.should_exit = True
