"""A provider on loopback that speaks one dialect and can fail in every way a provider fails.

::

    async with FakeUpstream() as upstream:
        upstream.next(Reply.error(500), Reply.text("Hel", "lo"))
        ...  # talk to upstream.base_url
        assert upstream.requests[0].json["model"] == "fake-model"
"""

import asyncio
from collections import deque
from typing import Any, Self

import msgspec
from aiohttp import web

from tests.support.completion import Speech
from tests.support.openai_answers import speak_openai
from tests.support.replies import Reply

_MAX_BODY_BYTES = 64 * 1024 * 1024
_SHUTDOWN_S = 0.1


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came in; header names are in lower case. `left` is set when its client is gone early."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    left: asyncio.Event

    @property
    def json(self) -> Any:
        """The decoded body."""
        return msgspec.json.decode(self.body)


class FakeUpstream:
    """Listens on a free port while its context is open and takes any path; `speech` is its dialect.

    Replies are used up in order; then `always`, which is ``Reply.text("Hello!")`` unless set, answers.
    """

    def __init__(self, speech: Speech = speak_openai) -> None:
        self._speech = speech
        self.requests: list[Received] = []
        self.always = Reply.text("Hello!")
        self._replies: deque[Reply] = deque()
        self._arrivals: asyncio.Queue[Received] = asyncio.Queue()
        self._port = 0
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            app, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_S, access_log=None, handle_signals=False
        )

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        """The address that an OpenAI client takes."""
        return f"{self.root_url}/v1"

    @property
    def root_url(self) -> str:
        """The address without a version."""
        return f"http://127.0.0.1:{self._port}"

    def next(self, *replies: Reply) -> None:
        """Queue replies for the requests to come."""
        self._replies.extend(replies)

    async def next_request(self) -> Received:
        """Wait for the next request that nobody waited for yet."""
        return await self._arrivals.get()

    def forget(self) -> None:
        """Be as new: no requests, no queued replies, the first `always`."""
        self.requests.clear()
        self._replies.clear()
        self.always = Reply.text("Hello!")

    async def refuse(self) -> None:
        """Stop listening: every connection from now on is refused."""
        for site in list(self._runner.sites):
            await site.stop()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        received = Received(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
            left=asyncio.Event(),
        )
        self.requests.append(received)
        self._arrivals.put_nowait(received)
        reply = self._replies.popleft() if self._replies else self.always
        try:
            prepared = reply.prepared(self._speech, path=received.path, request=_decoded(received.body))
            return await _send(prepared, request)
        except (asyncio.CancelledError, ConnectionResetError):
            received.left.set()
            raise


async def _send(reply: Reply, request: web.Request) -> web.StreamResponse:
    if reply.raw is not None:
        return await _send_raw(reply.raw, request)
    if reply.stop is not None and reply.stop_after is None:
        await _stop_here(reply, request)
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    await response.prepare(request)
    for piece in reply.pieces[: reply.stop_after]:
        await response.write(piece)
        await asyncio.sleep(reply.pause_s)  # none, too, lets others run: a provider never stands in its client's way
    if reply.stop in ("hang", "reset"):
        await _stop_here(reply, request)
    await response.write_eof()
    return response


async def _send_raw(raw: bytes, request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(raw)
    request.transport.close()
    return await _until_cancelled()


async def _stop_here(reply: Reply, request: web.Request) -> None:
    if reply.stop == "reset":
        assert request.transport is not None
        await asyncio.sleep(0)  # what was written goes out before the reset
        request.transport.abort()
    await _until_cancelled()


async def _until_cancelled() -> web.StreamResponse:
    """Wait for the connection to go: the server cancels its handler then."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return None
