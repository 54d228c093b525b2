"""Plain HTTP, for what an SDK hides: exact bytes out, status, headers and bytes back."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        return msgspec.json.decode(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """What stands under ``error``; checks that it has OpenAI's shape and nothing stands beside it."""
        document = self.json
        assert set(document) == {"error"}
        error: dict[str, Any] = document["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert isinstance(error["message"], str)
        assert error["message"]
        assert isinstance(error["type"], str)
        return error

    @property
    def events(self) -> list[str]:
        """The events and comments of a stream, without their blank lines."""
        return [event for event in self.body.decode().split("\n\n") if event]

    @property
    def chunks(self) -> list[Any]:
        """The decoded chunks of a stream, without ``[DONE]``."""
        datas = [event.removeprefix("data: ") for event in self.events if event.startswith("data: ")]
        return [msgspec.json.decode(data) for data in datas if data != "[DONE]"]


async def send(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send a request with exactly these bytes; a body is JSON unless a header says otherwise."""
    wanted = {"content-type": "application/json", **(headers or {})} if body is not None else dict(headers or {})
    async with http.request(
        method, url, data=body and io.BytesIO(body), headers=wanted, allow_redirects=False
    ) as response:
        return Answer(
            status=response.status,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=await response.read(),
        )


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A socket that speaks HTTP by hand."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Write a whole POST."""
        lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await self.writer.drain()

    async def read_until(self, needle: bytes) -> bytes:
        """Return what comes, up to and including `needle`."""
        return await self.reader.readuntil(needle)

    def reset(self) -> None:
        """Drop the connection without a word."""
        self.writer.transport.abort()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """Open a socket to the server at `url`."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield Connection(reader=reader, writer=writer)
    finally:
        writer.transport.abort()
