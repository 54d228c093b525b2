"""The command `health`: asks a running worker how it is. It loads little: an orchestrator runs it all the time."""

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from memoryos_adapters.settings import WorkerSettings
from memoryos_ports.errors import ConfigurationError, UpstreamUnavailable

TIMEOUT_S: Final = 3.0

_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is bound everywhere is asked here


def ask_health(settings: WorkerSettings, *, url: str | None, ready: bool) -> bool:
    """Return whether the worker answers that it lives, or that it takes events.

    Raises ConfigurationError when it is not told where the worker is, UpstreamUnavailable when nobody answers there.
    """
    parts = urlsplit(url or _url_of(settings))
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", parts.path.rstrip("/") + ("/health/ready" if ready else "/health/live"))
        return connection.getresponse().status == 200
    except (OSError, HTTPException) as exc:
        raise UpstreamUnavailable(upstream="worker", detail=f"does not answer at {parts.netloc}: {exc}") from exc
    finally:
        connection.close()


def _url_of(settings: WorkerSettings) -> str:
    if not settings.port:
        raise ConfigurationError(["worker.port: 0 is a free port, which is not known here: say --url"])
    host = _LOOPBACK.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
