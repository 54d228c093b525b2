"""The breaker before a server: it opens for one that hangs, and for nothing else."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from memoryos_adapters.breaker import Breaker
from memoryos_ports.errors import Overloaded, UpstreamTimeout, UpstreamUnavailable

PATIENCE_S = 20.0
TIMEOUT = UpstreamTimeout(upstream="server")


class Server:
    """A server that answers probes as it is told, and counts the calls that reach it."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.answers.set()
        self.probed = asyncio.Event()
        self.calls = 0

    async def probe(self) -> None:
        """Answer, once it may."""
        self.probed.set()
        await self.answers.wait()

    async def call(self, breaker: Breaker, *, error: Exception | None = None) -> None:
        """Reach the server through the breaker, and fail there with an error."""
        async with breaker.guarding():
            self.calls += 1
            if error is not None:
                raise error


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


async def test_a_server_that_hangs_costs_one_time_out(server: Server, breaker: Breaker) -> None:
    server.answers.clear()
    with pytest.raises(UpstreamTimeout):
        await server.call(breaker, error=TIMEOUT)

    for _ in range(3):
        with pytest.raises(UpstreamUnavailable, match=r"server: does not answer"):
            await server.call(breaker)

    assert server.calls == 1


async def test_it_is_called_again_as_soon_as_it_answers_a_probe(server: Server, breaker: Breaker) -> None:
    server.answers.clear()
    with pytest.raises(UpstreamTimeout):
        await server.call(breaker, error=TIMEOUT)
    with pytest.raises(UpstreamUnavailable):
        await server.call(breaker)

    server.answers.set()

    async with asyncio.timeout(PATIENCE_S):
        while server.calls == 1:
            try:
                await server.call(breaker)
            except UpstreamUnavailable:
                await asyncio.sleep(0)


async def test_one_slow_call_does_not_stop_the_others(server: Server, breaker: Breaker) -> None:
    with pytest.raises(UpstreamTimeout):
        await server.call(breaker, error=TIMEOUT)

    await server.call(breaker)

    assert server.calls == 2


@pytest.mark.parametrize("error", [UpstreamUnavailable(upstream="server"), Overloaded("server"), ValueError("odd")])
async def test_what_fails_at_once_is_not_asked_about(server: Server, breaker: Breaker, error: Exception) -> None:
    with pytest.raises(type(error)):
        await server.call(breaker, error=error)

    await server.call(breaker)
    assert not server.probed.is_set()


async def test_closing_it_asks_no_more(server: Server) -> None:
    server.answers.clear()
    before, breaker = asyncio.all_tasks(), Breaker("server", server.probe)
    with pytest.raises(UpstreamTimeout):
        await server.call(breaker, error=TIMEOUT)
    await server.probed.wait()
    await breaker.aclose()
    assert asyncio.all_tasks() == before
