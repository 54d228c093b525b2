"""What keeps a gateway without keys to its own machine."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from memoryos_gateway.errors import ErrorBody, encode_error
from memoryos_gateway.http import header

_FORWARDED = (b"forwarded", b"x-forwarded-")


class LoopbackGuard:
    """Protects a gateway without keys from web pages and proxies.

    The Host must be a loopback name (else a rebound DNS name would read memory), an Origin that is neither allowed nor
    our own is refused, and so is anything that came through a proxy.
    """

    def __init__(self, app: ASGIApp, allowed_origins: Sequence[str] = ()) -> None:
        self._app, self._allowed = app, frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection, or refuse it with 403."""
        fault = self._fault(scope) if scope["type"] == ScopeType.HTTP else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        message = f"Without API keys this gateway serves loopback only: {fault}."
        body = encode_error(ErrorBody(message=message, type="invalid_request_error", code="loopback_only"))
        headers: Sequence[tuple[bytes, bytes]] = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
        ]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _fault(self, scope: Scope) -> str | None:
        host = header(scope, b"host") or ""
        if not _is_loopback(_hostname(f"//{host}")):
            return "the Host header names another host"
        origin = header(scope, b"origin")
        if origin is not None and origin not in self._allowed and origin != f"{scope['scheme']}://{host}":
            return "the Origin is another one"
        if any(key.startswith(_FORWARDED) for key, _ in scope["headers"]):
            return "the request was forwarded"
        return None


def _is_loopback(name: str | None) -> bool:
    try:
        return name == "localhost" or ipaddress.ip_address(name or "").is_loopback
    except ValueError:
        return False


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
