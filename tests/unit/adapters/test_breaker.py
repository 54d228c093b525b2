"""The breaker before a server: it opens for one that hangs, and for nothing else."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from memoryos_adapters.breaker import Breaker
from memoryos_ports.errors import Overloaded, UpstreamTimeout, UpstreamUnavailable

PATIENCE_S = 20.0


class Server:
    """A server whose probes and calls are answered as it is told, and which counts the calls that reach it."""

    def __init__(self) -> None:
        self.answers_probes = asyncio.Event()
        self.answers_probes.set()
        self.answers_calls = asyncio.Event()
        self.answers_calls.set()
        self.probed = asyncio.Event()
        self.odd_probes: asyncio.Queue[Exception] = asyncio.Queue()
        self.calls = 0

    async def probe(self) -> None:
        """Answer, once it may; or fail in a way nobody foresaw, if there is one left."""
        self.probed.set()
        if not self.odd_probes.empty():
            raise self.odd_probes.get_nowait()
        await self.answers_probes.wait()

    async def call(self, breaker: Breaker, *, error: Exception | None = None) -> None:
        """Reach the server through the breaker, and fail there with an error."""
        async with breaker.guarding():
            self.calls += 1
            await self.answers_calls.wait()
            if error is not None:
                raise error

    def hang(self) -> None:
        """Answer nothing any more."""
        self.answers_probes.clear()
        self.answers_calls.clear()


@pytest.fixture
def server() -> Server:
    """A server that answers."""
    return Server()


@pytest.fixture
async def breaker(server: Server) -> AsyncIterator[Breaker]:
    """The breaker before it."""
    opened = Breaker("server", server.probe)
    yield opened
    await opened.aclose()


async def test_who_waits_for_a_server_that_hangs_is_let_go_and_others_do_not_begin(
    server: Server, breaker: Breaker
) -> None:
    server.hang()
    async with asyncio.timeout(PATIENCE_S):
        waiting = [asyncio.create_task(server.call(breaker)) for _ in range(3)]
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        with pytest.raises(UpstreamUnavailable, match=r"server: does not answer"):
            await server.call(breaker)

    assert [type(end) for end in ends] == [UpstreamTimeout] * 3
    assert server.calls == 3


async def test_it_is_called_again_as_soon_as_it_answers_a_probe(server: Server, breaker: Breaker) -> None:
    server.hang()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(UpstreamTimeout):
            await server.call(breaker)
        server.answers_probes.set()
        server.answers_calls.set()
        while server.calls == 1:
            try:
                await server.call(breaker)
            except UpstreamUnavailable:
                await asyncio.sleep(0)


async def test_a_probe_that_fails_in_a_way_nobody_foresaw_does_not_stop_the_asking(
    server: Server, breaker: Breaker, tracebacks: list[str]
) -> None:
    server.answers_calls.clear()
    for error in (TypeError("odd"), TypeError("odd again"), ValueError("odd too")):
        server.odd_probes.put_nowait(error)
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(UpstreamTimeout):
            await server.call(breaker)
        server.answers_calls.set()
        while server.calls == 1:
            try:
                await server.call(breaker)
            except UpstreamUnavailable:
                await asyncio.sleep(0)

    assert tracebacks == ["TypeError('odd')", "ValueError('odd too')"]


async def test_a_slow_call_of_a_server_that_answers_probes_goes_on(server: Server, breaker: Breaker) -> None:
    server.answers_calls.clear()
    async with asyncio.timeout(PATIENCE_S):
        slow = asyncio.create_task(server.call(breaker))
        await server.probed.wait()
        server.answers_calls.set()
        await slow
        await server.call(breaker)

    assert server.calls == 2


@pytest.mark.parametrize(
    "error", [UpstreamUnavailable(upstream="server"), Overloaded("server"), TimeoutError("its own"), ValueError("odd")]
)
async def test_what_fails_at_once_is_not_asked_about(server: Server, breaker: Breaker, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        await server.call(breaker, error=error)

    await server.call(breaker)
    assert caught.value is error
    assert not server.probed.is_set()


async def test_who_is_cancelled_is_cancelled(server: Server, breaker: Breaker) -> None:
    server.answers_calls.clear()
    waiting = asyncio.create_task(server.call(breaker))
    await asyncio.sleep(0)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_closing_it_asks_no_more(server: Server) -> None:
    server.hang()
    before, breaker = asyncio.all_tasks(), Breaker("server", server.probe)
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(UpstreamTimeout):
            await server.call(breaker)
    await breaker.aclose()

    assert asyncio.all_tasks() == before
