"""Two little servers on loopback for tests of outgoing HTTP: one that answers bytes, and a proxy."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import msgspec

_PATIENCE_S = 2

Answer: TypeAlias = Callable[[str], bytes]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a request: its method, its target as it was written, its headers by lower-case name."""

    method: str
    target: str
    headers: dict[str, str]


class LittleServer(msgspec.Struct, kw_only=True):
    """Where a server listens, and what it was asked so far."""

    port: int = 0
    asked: list[Asked] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


def http_answer(
    body: bytes = b"", *, status: int = 200, media_type: str = "text/plain", location: str | None = None
) -> bytes:
    """Return an answer that ends its connection."""
    head = [f"HTTP/1.1 {status} Whatever", f"content-type: {media_type}", f"content-length: {len(body)}"]
    head += [f"location: {location}"] if location is not None else []
    return "\r\n".join([*head, "connection: close", "", ""]).encode() + body


@asynccontextmanager
async def answering(
    answer: Answer, *, context: ssl.SSLContext | None = None, hangs: bool = False
) -> AsyncIterator[LittleServer]:
    """Serve ``answer(target)`` for every request; a server that hangs then waits until its client gives up."""
    little = LittleServer()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked, _ = await _read_head(reader)
        little.asked.append(asked)
        writer.write(answer(asked.target))
        await (reader.read() if hangs else writer.drain())

    async with _listening(handle, little, context=context):
        yield little


@asynccontextmanager
async def proxying(target_port: int, *, refusal: int | None = None) -> AsyncIterator[LittleServer]:
    """Serve a proxy that finds every host at that port of loopback; `refusal` is the status it refuses with."""
    little = LittleServer()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked, head = await _read_head(reader)
        little.asked.append(asked)
        if refusal is not None:
            writer.write(http_answer(status=refusal))
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", target_port)
        if asked.method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            there_writer.write(head)
        async with asyncio.TaskGroup() as group:
            group.create_task(_pipe(reader, there_writer))
            group.create_task(_pipe(there_reader, writer))

    async with _listening(handle, little):
        yield little


@asynccontextmanager
async def _listening(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
    little: LittleServer,
    *,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[None]] = set()

    async def owned(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client went away, as some tests want it to
        finally:
            writer.close()

    server = await asyncio.start_server(owned, "127.0.0.1", 0, ssl=context)
    little.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=_PATIENCE_S)  # the clients' ends of TLS close in their own time
            for task in left:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _read_head(reader: asyncio.StreamReader) -> tuple[Asked, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Asked(method=method, target=target, headers=headers), head


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
