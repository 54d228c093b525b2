"""Servers that hang, or say what no Redis and no sentinel says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TypeAlias

from tests.support.redis_log import PATIENCE_S

Talk: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[str, ...]]:
    """Run a server for each answer, which it gives to whatever it is asked; one whose answer is empty hangs.

    Yield their addresses (``host:port``).
    """
    async with AsyncExitStack() as stack:
        yield tuple([await stack.enter_async_context(_listening(partial(_say, answer))) for answer in answers])


@asynccontextmanager
async def relaying(address: str, *, until: asyncio.Event) -> AsyncIterator[str]:
    """Run a server that passes on what it is asked, until an event is set: from then on it hangs. Yield its address."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = address.split(":")
        behind_reader, behind_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pass_on(reader, behind_writer, until), _pass_on(behind_reader, writer, until))

    async with _listening(relay) as own:
        yield own


@asynccontextmanager
async def _listening(talk: Talk) -> AsyncIterator[str]:
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except ConnectionError:
            return
        finally:
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.add(asyncio.create_task(converse(reader, writer)))

    async with await asyncio.start_server(begin, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if conversations:
        _, left = await asyncio.wait(conversations, timeout=PATIENCE_S)
        assert not left, "a client keeps its connection"


async def _say(answer: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65_536):
        writer.write(answer)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, until: asyncio.Event) -> None:
    while data := await reader.read(65_536):
        if not until.is_set():
            writer.write(data)
    writer.close()
