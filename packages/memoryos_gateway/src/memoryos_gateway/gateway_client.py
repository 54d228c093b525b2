"""Talking to a running gateway over HTTP, as the commands do."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from memoryos_adapters.http import Http, translated
from memoryos_ports.errors import UpstreamProtocolError, UpstreamRejected

_UPSTREAM = "gateway"
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)
_SHOWN = 200  # characters of what a refusal says
_PIECE_BYTES = 64 * 1024


class GatewayClient:
    """Requests with a key. Every call raises UpstreamError when the gateway does not do what it is asked."""

    def __init__(self, http: Http, url: str, *, key: str | None = None) -> None:
        self._http, self._url = http, url.rstrip("/")
        self._headers = {"authorization": f"Bearer {key}"} if key else {}

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        body: AsyncIterator[bytes] | None = None,
        media: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Send JSON, or a body as it comes; return the decoded answer."""
        data = body if json is None else msgspec.json.encode(json)
        async with self._answer(method, path, data=data, media=media, query=query) as response:
            content = await response.read()
        try:
            return msgspec.json.decode(content)
        except msgspec.DecodeError as exc:
            raise UpstreamProtocolError(upstream=_UPSTREAM, detail="an answer that is no JSON") from exc

    async def stream(self, path: str) -> AsyncIterator[bytes]:
        """Yield the body of an answer as it comes; raises when it is cut."""
        async with self._answer("GET", path, data=None, media=None, query=None) as response:
            async for piece in response.content.iter_chunked(_PIECE_BYTES):
                yield piece

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, *, data: object, media: str | None, query: Mapping[str, str] | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = URL(f"{self._url}/{path}", encoded=True).with_query(query)
        headers = self._headers | ({"content-type": media} if data is not None and media else {})
        request = self._http.session.request(
            method, url, data=data, headers=headers, timeout=_TIMEOUT, **self._http.way_to(url)
        )
        with translated(upstream=_UPSTREAM):
            async with request as response:
                if not response.ok:
                    raise await _refusal(response)
                yield response


async def _refusal(response: aiohttp.ClientResponse) -> UpstreamRejected:
    content = (await response.read()).decode(errors="replace")
    try:
        message = msgspec.json.decode(content)["error"]["message"]
    except (msgspec.DecodeError, KeyError, TypeError):
        message = content[:_SHOWN]
    return UpstreamRejected(upstream=_UPSTREAM, status=response.status, message=f"{response.status} {message}")
