"""HEAD and OPTIONS for every route, those included that no router knows the methods of (wire contract: R4)."""

from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

_NO_ROUTES = "TRACE"
"""A method that no route has: the answer to it names the methods that there are, before any key is asked for."""


class Methods:
    """Answers HEAD as GET without the body and OPTIONS with what is allowed, and completes the `Allow` of a 405."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        match scope["method"] if scope["type"] == ScopeType.HTTP else None:
            case "HEAD":
                await self._ask(scope, "GET", receive, _with_whole_allow(_without_body(send)))
            case "OPTIONS":
                await self._ask(scope, _NO_ROUTES, receive, _with_whole_allow(_as_options(send)))
            case _:
                await self._app(scope, receive, _with_whole_allow(send))

    async def _ask(self, scope: Scope, method: str, receive: Receive, send: Send) -> None:
        """Ask for the same with another method; the server goes by its own scope when it frames the answer."""
        asked = cast(HTTPScope, {**scope, "method": method})
        try:
            await self._app(asked, receive, send)
        finally:
            scope["path_template"] = asked.get("path_template", "")


def _with_whole_allow(send: Send) -> Send:
    async def whole(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 405:
            message["headers"] = [
                (name, _whole(value) if name == b"allow" else value) for name, value in message["headers"]
            ]
        await send(message)

    return whole


def _whole(allow: bytes) -> bytes:
    methods = {*allow.split(b", "), b"OPTIONS"}
    return b", ".join(sorted(methods | {b"HEAD"} if b"GET" in methods else methods))


def _without_body(send: Send) -> Send:
    async def bodiless(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return bodiless


def _as_options(send: Send) -> Send:
    """Make of a 405 the 204 that says the same of its path; a 404 stays what it is."""
    made = False

    async def options(message: Message) -> None:
        nonlocal made
        if message["type"] == "http.response.start" and message["status"] == 405:
            made = True
            message["status"] = 204
            message["headers"] = [(name, value) for name, value in message["headers"] if name == b"allow"]
        elif made and message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return options
