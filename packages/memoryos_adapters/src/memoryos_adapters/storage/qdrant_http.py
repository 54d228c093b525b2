"""Calls of a Qdrant server's REST API, and the one place that turns its failures into errors of ours.

Bodies go out and come in as JSON of our own structs, through the connections of Qdrant's client: its models cost
half a millisecond of CPU for a point with its vector.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final, Self, TypeVar

import httpx
import msgspec

from memoryos_adapters.breaker import Breaker
from memoryos_adapters.settings import QdrantSettings
from memoryos_ports.errors import (
    MemoryOSError,
    StorageFull,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeout,
    UpstreamUnavailable,
)

if TYPE_CHECKING:
    from qdrant_client.http.api_client import AsyncApiClient

UPSTREAM: Final = "qdrant"

T = TypeVar("T")

# A server closes connections that were idle for 5 s; one that it is about to close must not be used again.
_KEEPALIVE_S = 3
_FULL_WORDS = ("No space left", "not enough disk space", "StorageFull", "disk is full", "Insufficient Storage")
_GONE_WORDS = ("disconnected", "closed connection")
_ACCESS = (401, 403)
_BUSY = 429
_SERVER_FAULT = 500
_INSUFFICIENT_STORAGE = 507


class Refused(UpstreamProtocolError):
    """The server refuses the request itself, with this status: 404 for a collection that is not there."""

    def __init__(self, status: int) -> None:
        super().__init__(upstream=UPSTREAM, detail=f"refused with status {status}")
        self.status = status


class _Status(msgspec.Struct):
    error: str = ""


class _Failure(msgspec.Struct):
    status: _Status


class _Envelope(msgspec.Struct):
    result: msgspec.Raw


class QdrantHttp:
    """An open connection pool; built by `open`.

    Raises UpstreamUnavailable (refused, reset, a key that is not taken, 429, 5xx), UpstreamTimeout, StorageFull, and
    `Refused` or another UpstreamProtocolError for what the server does not do or should not say. A key that is not
    taken counts as unavailable, as it is the operator who can mend that, and until then nothing may be given up. Once
    the server hangs, calls fail at once (`Breaker`).
    """

    def __init__(self, client: "AsyncApiClient", settings: QdrantSettings) -> None:
        self._client = client
        self._timeout_s = settings.timeout_s
        self._breaker = Breaker(UPSTREAM, self._probe)
        self._headers = {"content-type": "application/json", "accept": "application/json"}
        if settings.api_key is not None:
            self._headers["api-key"] = settings.api_key.reveal()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: QdrantSettings, *, ca_file: str | None = None) -> AsyncIterator[Self]:
        """Make the client (nothing is connected yet), and close its connections at the end.

        `ca_file` (PEM) is trusted beside the system's authorities. Raises OSError when it cannot be read.
        """
        # here, as importing it takes .7 s and 60 MB, which only processes of the server profile need
        from qdrant_client import AsyncQdrantClient

        client = AsyncQdrantClient(
            url=settings.url,
            prefer_grpc=False,
            check_compatibility=False,
            limits=httpx.Limits(keepalive_expiry=_KEEPALIVE_S),
            trust_env=False,
            verify=settings.url.startswith("https:") and _authorities(ca_file),  # reading them takes 20 ms
        )
        http = cls(client.http.client, settings)
        try:
            yield http
        finally:
            await http._breaker.aclose()
            await client.close()

    async def call(self, method: str, path: str, body: bytes | None = None, *, answer: type[T]) -> T:
        """Return the result that the server answers with; `path` is quoted, `body` JSON."""
        content = await self.send(method, path, body)
        with _decoding():
            return msgspec.json.decode(msgspec.json.decode(content, type=_Envelope).result, type=answer)

    async def send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Return the whole of the answer to a request."""
        async with self._breaker.guarding():
            return await self._send(method, path, body)

    async def _probe(self) -> None:
        await self._send("GET", "/", None)

    async def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        request = httpx.Request(method, f"{self._client.host}{path}", headers=self._headers, content=body)
        with _client_errors():
            async with asyncio.timeout(self._timeout_s):
                response: httpx.Response = await self._client.send_inner(request)
        if not response.is_success:
            raise _failure(response)
        return response.content


def _authorities(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


@contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise UpstreamProtocolError(upstream=UPSTREAM, detail="an answer that is not Qdrant's") from exc


@contextmanager
def _client_errors() -> Iterator[None]:
    """Translate what the client raises, which wraps what its connections do."""
    from qdrant_client.http.exceptions import ResponseHandlingException

    try:
        yield
    except TimeoutError as exc:
        raise UpstreamTimeout(upstream=UPSTREAM, detail="no answer in time") from exc
    except ResponseHandlingException as exc:
        raise _translate(exc.source) from exc


def _translate(error: BaseException) -> MemoryOSError:
    match error:
        case httpx.TimeoutException():
            return UpstreamTimeout(upstream=UPSTREAM, detail="no answer in time")
        case httpx.RemoteProtocolError() if not any(words in str(error) for words in _GONE_WORDS):
            return UpstreamProtocolError(upstream=UPSTREAM, detail="broken HTTP")
        case httpx.ConnectError():
            return UpstreamUnavailable(upstream=UPSTREAM, detail="cannot connect")
        case RuntimeError():  # what a closed client raises
            return UpstreamUnavailable(upstream=UPSTREAM, detail="closed")
        case httpx.TransportError() | OSError():
            return UpstreamUnavailable(upstream=UPSTREAM, detail="disconnected")
    return UpstreamProtocolError(upstream=UPSTREAM, detail="broken HTTP")


def _failure(response: httpx.Response) -> MemoryOSError:
    """Return the error that a status means; what the server says with it may hold a memory: it is for the log alone."""
    reason = _error_of(response.content)
    error = _error_for(response.status_code, reason)
    if isinstance(error, UpstreamError):
        error.reason = reason
    return error


def _error_for(status: int, reason: str) -> MemoryOSError:
    if status == _INSUFFICIENT_STORAGE or any(words in reason for words in _FULL_WORDS):
        return StorageFull(UPSTREAM)
    if status in _ACCESS:
        return UpstreamUnavailable(upstream=UPSTREAM, detail="the API key is not taken", status=status)
    if status == _BUSY or status >= _SERVER_FAULT:
        return UpstreamUnavailable(upstream=UPSTREAM, detail=f"failed with status {status}", status=status)
    return Refused(status)


def _error_of(content: bytes) -> str:
    """Return what the server says of a failure, "" for an answer that is not its own."""
    try:
        return msgspec.json.decode(content, type=_Failure).status.error[:200]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
