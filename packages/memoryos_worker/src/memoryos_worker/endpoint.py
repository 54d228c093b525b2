"""The worker's HTTP: its health and its metrics, for whoever runs it."""

import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from memoryos_adapters.metrics import Metrics
from memoryos_adapters.settings import WorkerSettings
from memoryos_core.health import Health, Mode
from memoryos_ports.errors import ConfigurationError

_JSON = "application/json"


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The mode and every dependency, as the gateway's ``/health/status`` has them."""

    mode: Mode
    dependencies: dict[str, str]
    timestamp: datetime


def make_app(health: Health, metrics: Metrics) -> web.Application:
    """Return the application: ``/health`` and ``/health/live`` answer 200 as long as the process lives, so does
    ``/health/status``; ``/health/ready`` answers 503 while it starts or drains; ``/metrics`` is Prometheus' text."""

    async def get_status(_: web.Request) -> web.Response:
        return _status(health, 200)

    async def get_ready(_: web.Request) -> web.Response:
        return _status(health, 503 if health.report.mode == "not_ready" else 200)

    async def get_metrics(_: web.Request) -> web.Response:
        metrics.dependencies(health.report.dependencies)
        body, content_type = metrics.exposition()
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application()
    routes: dict[str, Handler] = {
        "/health": get_status,
        "/health/live": get_status,
        "/health/status": get_status,
        "/health/ready": get_ready,
        "/metrics": get_metrics,
    }
    app.add_routes([web.get(path, handler) for path, handler in routes.items()])
    return app


@contextmanager
def listening(settings: WorkerSettings) -> Iterator[socket.socket]:
    """Listen where the settings say, on a free port if they say 0. Raises ConfigurationError when it is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as exc:
        is_of_host = isinstance(exc, socket.gaierror) or exc.errno == errno.EADDRNOTAVAIL
        key = "worker.host" if is_of_host else "worker.port"
        problem = f"cannot listen on {settings.host}:{settings.port}: {exc.strerror or exc}"
        raise ConfigurationError([f"{key}: {problem}"]) from exc
    with listener:
        yield listener


@asynccontextmanager
async def serving(app: web.Application, listener: socket.socket) -> AsyncIterator[None]:
    """Answer requests until the block ends."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()


def url_of(host: str, port: int) -> str:
    """Return the address of an endpoint."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _status(health: Health, status: int) -> web.Response:
    report = health.report
    answer = StatusAnswer(mode=report.mode, dependencies=dict(report.dependencies), timestamp=report.timestamp)
    return web.Response(body=msgspec.json.encode(answer), status=status, content_type=_JSON)
