"""What surrounds every request, the router's own 404 and 405 included: its id, its log line, the loopback guard."""

import ipaddress
import re
import time
import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from loguru import logger

from memoryos_gateway.errors import ErrorBody, encode_error
from memoryos_gateway.http import header

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
_FORWARDED = (b"forwarded", b"x-forwarded-")


class RequestFrame:
    """Puts `x-request-id` on every answer, whoever makes it, and writes one line per request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        status = 0

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            with logger.contextualize(request_id=request_id):
                await self._app(scope, receive, framed)
        finally:
            logger.bind(
                method=scope["method"],
                path=scope.get("path_template") or "(unknown)",
                status=status,
                duration_ms=round((time.perf_counter() - started) * 1000, 2),
                request_id=request_id,
            ).info("request completed")


class LoopbackGuard:
    """Protects a gateway without keys from web pages and proxies.

    The Host must be a loopback name (else a rebound DNS name would read memory), a foreign Origin is refused, and so
    is anything that came through a proxy.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection, or refuse it with 403."""
        fault = _fault(scope) if scope["type"] == ScopeType.HTTP else None
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


def _request_id(scope: Scope) -> str:
    given = header(scope, b"x-request-id")
    return given if given and _REQUEST_ID.fullmatch(given) else f"req_{uuid.uuid4().hex}"


def _fault(scope: Scope) -> str | None:
    host = header(scope, b"host") or ""
    if not _is_loopback(_hostname(f"//{host}")):
        return "the Host header names another host"
    origin = header(scope, b"origin")
    if origin is not None and origin != f"{scope['scheme']}://{host}":
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
