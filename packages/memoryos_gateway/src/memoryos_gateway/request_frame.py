"""What surrounds every request, the router's own 404 and 405 included: its id and its log line."""

import re
import time
import uuid
from collections.abc import Iterable
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from loguru import logger

from memoryos_adapters.metrics import GatewayMetrics
from memoryos_gateway.call_headers import ROUTE
from memoryos_gateway.http import header
from memoryos_gateway.usage_log import REQUEST_FIELDS

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_COUNT = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


class RequestFrame:
    """Puts `x-request-id` on every answer, whoever makes it, writes one line per request, and counts it.

    The line names the provider that answered and what it cost, and an SDK's count of its own retries, where there is
    such a thing.
    """

    def __init__(self, app: ASGIApp, metrics: GatewayMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        status = 0
        fields: dict[str, Any] = {}
        token = REQUEST_FIELDS.set(fields)

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                fields.update(_provider(message["headers"]))
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            with logger.contextualize(request_id=request_id):
                await self._app(scope, receive, framed)
        finally:
            REQUEST_FIELDS.reset(token)
            seconds, path = time.perf_counter() - started, scope.get("path_template") or "(unknown)"
            method = scope["method"] if scope["method"] in _METHODS else "(unknown)"
            self._metrics.request(method=method, path=path, status=status, seconds=seconds)
            logger.bind(
                method=scope["method"],
                path=path,
                status=status,
                duration_ms=round(seconds * 1000, 2),
                request_id=request_id,
                **fields,
                **_client_retry(scope),
            ).info("request completed")


def _request_id(scope: Scope) -> str:
    given = header(scope, b"x-request-id")
    return given if given and _REQUEST_ID.fullmatch(given) else f"req_{uuid.uuid4().hex}"


def _provider(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return who answered, as the answer itself says it: TIER/PROVIDER/MODEL."""
    route = dict(headers).get(ROUTE)
    return {} if route is None else {"provider": route.split(b"/")[1].decode()}


def _client_retry(scope: Scope) -> dict[str, int]:
    """Return how often an SDK has tried this before, if it has (wire contract: T5)."""
    count = header(scope, b"x-stainless-retry-count") or ""
    return {"client_retry": int(count)} if _COUNT.fullmatch(count) else {}
