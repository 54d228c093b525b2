"""A provider that sends each piece of its answer only when the test says so."""

import asyncio
from typing import Any, Self

import msgspec
from aiohttp import web

from tests.support.openai_answers import speak_openai
from tests.support.replies import Reply


class HeldUpstream:
    """Listens on a free port while its context is open; every reply is `reply`, held back piece by piece.

    A request that is in is in `arrived`; `release` lets one piece of the oldest waiting answer go; whoever leaves
    before the end is counted by `left`.
    """

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[Any] = asyncio.Queue()
        self.left: asyncio.Queue[None] = asyncio.Queue()
        self.reply = Reply.text("one,", " two")
        self._pieces = asyncio.Semaphore(0)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        """The address that an OpenAI client takes."""
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    def reset(self) -> None:
        """Forget what came and what was released."""
        self.arrived, self.left, self._pieces = asyncio.Queue(), asyncio.Queue(), asyncio.Semaphore(0)
        self.reply = Reply.text("one,", " two")

    def release(self, pieces: int = 1) -> None:
        """Let so many pieces go."""
        for _ in range(pieces):
            self._pieces.release()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        received = msgspec.json.decode(await request.read())
        reply = self.reply.prepared(speak_openai, path=request.path, request=received)
        self.arrived.put_nowait(received)
        try:
            response = web.StreamResponse(status=reply.status, headers=reply.headers)
            await self._pieces.acquire()
            await response.prepare(request)
            for number, piece in enumerate(reply.pieces):
                if number:
                    await self._pieces.acquire()
                await response.write(piece)
            await response.write_eof()
        except (asyncio.CancelledError, ConnectionResetError):
            self.left.put_nowait(None)
            raise
        return response
