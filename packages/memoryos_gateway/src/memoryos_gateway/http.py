"""Small things of HTTP that Litestar's own requests do not give to a raw ASGI route: headers, bodies, hang-ups."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import Receive, Scope

from memoryos_gateway.bad_json import describe_misfit
from memoryos_gateway.strict_json import decode_strictly
from memoryos_ports.errors import InvalidInput

JSON_TYPE = (b"content-type", b"application/json")
"""The header of an answer that is JSON."""


_NOT_JSON = "The content type must be application/json."


class ClientGone(Exception):
    """The client closed the connection."""


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON body is checked as strictly, and faulted as clearly, as that of a chat.

    Litestar itself would take "5" for 5, and 5 for a moment in 1970.
    """

    async def json(self) -> Any:
        """Return the decoded body. Raises UnsupportedMedia unless it says that it is JSON, InvalidInput when it is not.

        A body of the OpenAI side that does not say so is a 400 (`check_json`), as OpenAI answers it.
        """
        if not _says_json(self.scope):
            raise UnsupportedMedia(detail=_NOT_JSON)
        check_uncompressed(self.scope)
        field = self.route_handler.parsed_data_field
        try:
            return decode_strictly(_decoder(Any if field is None else field.annotation), await self.body())
        except msgspec.ValidationError as exc:
            raise describe_misfit(exc) from exc


class UnsupportedMedia(HTTPException):
    """The body is encoded in a way, or of a kind, that is not understood (415)."""

    status_code = 415
    detail = "Request bodies must not be compressed."


def header(scope: Scope, name: bytes) -> str | None:
    """Return a request header (name in lower case), None when it is absent."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


async def read_json_body(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """Return the body of a JSON request.

    Raises InvalidInput for another content type, UnsupportedMedia for a compressed one, RequestEntityTooLarge above
    `limit` bytes, ClientGone when the client leaves before it is in.
    """
    check_json(scope)
    if (length := header(scope, b"content-length")) and length.isdigit() and int(length) > limit:
        raise RequestEntityTooLarge
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        parts.append(message["body"])
        size += len(message["body"])
        if size > limit:
            raise RequestEntityTooLarge
        if not message["more_body"]:
            return parts[0] if len(parts) == 1 else b"".join(parts)


def check_json(scope: Scope) -> None:
    """Raise unless a request says that its body is JSON and uncompressed."""
    if not _says_json(scope):
        raise InvalidInput(_NOT_JSON, param="content-type")
    check_uncompressed(scope)


def check_uncompressed(scope: Scope) -> None:
    """Raise UnsupportedMedia for a compressed body."""
    if (header(scope, b"content-encoding") or "identity") != "identity":
        raise UnsupportedMedia


def media_type(scope: Scope) -> str:
    """Return the content type that a request names, in lower case and without parameters; "" for none."""
    return (header(scope, b"content-type") or "").partition(";")[0].strip().lower()


def _says_json(scope: Scope) -> bool:
    media = media_type(scope)
    return media == "application/json" or media.endswith("+json")


@cache
def _decoder(annotation: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(annotation)


class Stopping(HTTPException):
    """The process stops, and could not wait for the answer any longer (503)."""

    status_code = 503
    detail = "The server is stopping. Ask again."


@asynccontextmanager
async def while_connected(receive: Receive) -> AsyncIterator[None]:
    """Cancel what runs inside when the client leaves, and raise ClientGone in its place.

    Whoever else cancels it is the server that stops: raises Stopping, so that the client is told.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - we are a coroutine of a running loop
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        task.uncancel()
        raise (ClientGone if gone else Stopping) from None
    finally:
        watcher.cancel()
