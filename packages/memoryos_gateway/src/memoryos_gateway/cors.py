"""Which web pages may read our answers: those of the configured origins and no others (Fetch standard, section 3.3).

Litestar has a middleware for this, but that tells pages of other origins half of it, answers their preflights in a
shape of its own, and stands behind the loopback guard, whose refusals an allowed page is to read as well.
"""

from collections.abc import Sequence

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from memoryos_gateway.http import header

_VARY = (b"vary", b"Origin")
_EXPOSED = (
    b"access-control-expose-headers",
    b"x-request-id, x-memoryos-memory, x-memoryos-route, x-memoryos-tries, x-memoryos-event, "
    b"x-memoryos-dropped-params, retry-after, retry-after-ms, x-should-retry, *",
)
_ALLOWED_METHODS = (b"access-control-allow-methods", b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
_MAX_AGE = (b"access-control-max-age", b"600")


class Cors:
    """Lets pages of the allowed origins read every answer, whoever makes it; never with a browser's own credentials."""

    def __init__(self, app: ASGIApp, allowed_origins: Sequence[str]) -> None:
        self._app, self._allowed = app, frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        added = self._headers(header(scope, b"origin"))

        async def readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, readable)

    def _headers(self, origin: str | None) -> list[tuple[bytes, bytes]]:
        if origin is None or origin not in self._allowed:
            return [_VARY]
        return [_VARY, (b"access-control-allow-origin", origin.encode()), _EXPOSED]


class Preflights:
    """Tells a browser that a page of an allowed origin may send what it is about to send, whatever the path.

    Every header may be sent: the names asked for are repeated, since `*` would not stand for `Authorization`.
    """

    def __init__(self, app: ASGIApp, allowed_origins: Sequence[str]) -> None:
        self._app, self._allowed = app, frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection, or answer a preflight with 204."""
        if not self._is_preflight(scope):
            await self._app(scope, receive, send)
            return
        asked = header(scope, b"access-control-request-headers") or "*"
        headers = [_ALLOWED_METHODS, _MAX_AGE, (b"access-control-allow-headers", asked.encode("latin-1"))]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _is_preflight(self, scope: Scope) -> bool:
        return (
            scope["type"] == ScopeType.HTTP
            and scope["method"] == "OPTIONS"
            and header(scope, b"access-control-request-method") is not None
            and header(scope, b"origin") in self._allowed
        )
