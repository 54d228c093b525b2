"""One POST to a provider: opened, read within its time-outs and bounds, and always closed."""

import asyncio
import io
from collections.abc import Mapping
from typing import Self

import aiohttp
from yarl import URL

from memoryos_adapters.http import Http, translated
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.errors import StreamCut, UpstreamProtocolError, UpstreamUnavailable

MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024

_LARGE_BODY_BYTES = 1024 * 1024
_DRAIN_S = 0.1


class Provider:
    """How one provider is called: its name in errors, the shared session, its time-outs."""

    def __init__(self, name: str, settings: LlmProviderSettings, http: Http) -> None:
        self.name, self.settings, self.http = name, settings, http
        self.translated = translated(upstream=name)
        self.connect_timeout = aiohttp.ClientTimeout(total=None, connect=settings.connect_timeout_s)

    def post(self, url: URL, *, headers: Mapping[str, str], body: bytes, stream: bool) -> "UpstreamCall":
        """Return a call to be entered: ``async with provider.post(…) as call``."""
        return UpstreamCall(self, url, headers, body, stream=stream)


class UpstreamCall:
    """A POST whose answer's head is in, whatever its status. Leaving the context closes it at once.

    A stream has `first_token_timeout_s` until `answering` is set, then `idle_timeout_s` for each piece; a whole
    answer only has `total_timeout_s`, which bounds a stream too. Set `answering` when the first event of a stream is
    in: from then on a connection that breaks is a StreamCut.
    Raises UpstreamUnavailable, UpstreamTimeout or UpstreamProtocolError.
    """

    status: int
    headers: Mapping[str, str]
    answering: bool

    def __init__(self, provider: Provider, url: URL, headers: Mapping[str, str], body: bytes, *, stream: bool) -> None:
        self._provider, self._url, self._request_headers, self._body = provider, url, headers, body
        settings, now = provider.settings, asyncio.get_running_loop().time()
        self._end_by = now + settings.total_timeout_s
        self._first_by = min(self._end_by, now + settings.first_token_timeout_s) if stream else self._end_by
        self.answering = False

    async def __aenter__(self) -> Self:
        body = self._body
        with self._provider.translated:
            async with asyncio.timeout_at(self._first_by):
                self._response = await self._provider.http.session.post(
                    self._url,
                    data=body if len(body) < _LARGE_BODY_BYTES else io.BytesIO(body),  # this one is sent in pieces
                    headers=self._request_headers,
                    allow_redirects=False,
                    timeout=self._provider.connect_timeout,
                    **self._provider.http.way_to(self._url),
                )
        self.status, self.headers = self._response.status, self._response.headers
        return self

    async def __aexit__(self, *_: object) -> None:
        self._response.close()

    async def read_piece(self) -> bytes:
        """Return what has arrived, waiting when there is nothing; empty at the end of the body.

        Raises UpstreamTimeout; UpstreamUnavailable or UpstreamProtocolError before `answering`, StreamCut after it.
        """
        content = self._response.content
        try:
            with self._provider.translated:
                if (piece := content.read_nowait()) or content.at_eof():
                    return piece
                async with asyncio.timeout_at(self._deadline()):
                    return await content.readany()
        except (UpstreamUnavailable, UpstreamProtocolError) as exc:
            if self.answering:
                raise StreamCut(upstream=self._provider.name, detail=exc.detail) from exc.__cause__
            raise

    async def read_whole(self) -> bytes:
        """Return the whole body. Raises as `read_piece`, and UpstreamProtocolError beyond MAX_ANSWER_BYTES."""
        body = await self.read_head(MAX_ANSWER_BYTES + 1)
        if len(body) > MAX_ANSWER_BYTES:
            raise UpstreamProtocolError(upstream=self._provider.name, detail="the answer is too large")
        return body

    async def read_head(self, max_bytes: int) -> bytes:
        """Return at most the first `max_bytes` of the body."""
        body = await self.read_piece()
        if self._response.content.at_eof():  # most bodies are in with their head
            return body[:max_bytes]
        pieces, missing = [body], max_bytes - len(body)
        while missing > 0 and (piece := await self.read_piece()):
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)[:max_bytes]

    async def drain(self) -> None:
        """Give a complete stream a moment to end its body, so that the connection can be used again."""
        if self._response.content.at_eof():
            return
        try:
            async with asyncio.timeout(_DRAIN_S):
                await self._response.content.readany()
        except (TimeoutError, aiohttp.ClientError, OSError):
            return

    def _deadline(self) -> float:
        if not self.answering:
            return self._first_by
        return min(self._end_by, asyncio.get_running_loop().time() + self._provider.settings.idle_timeout_s)
