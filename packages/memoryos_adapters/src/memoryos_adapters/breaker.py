"""A breaker before a server that may hang: once a call was not answered in time, nobody else waits for it in vain."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from loguru import logger

from memoryos_ports.errors import MemoryOSError, UpstreamTimeout, UpstreamUnavailable

PROBE_TIMEOUT_S = 0.5
PROBE_EVERY_S = 0.25


class Breaker:
    """Guards the calls of one server.

    A server that refuses fails by itself at once. One that hangs costs each call its time-out, so the first time-out
    makes the breaker ask: `probe`, which is not guarded itself, must answer within `PROBE_TIMEOUT_S`, or every call
    fails at once until it does.
    """

    def __init__(self, upstream: str, probe: Callable[[], Awaitable[object]]) -> None:
        self._upstream = upstream
        self._probe = probe
        self._asking: asyncio.Task[None] | None = None
        self._decided = asyncio.Event()
        self._is_away = False

    async def aclose(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    @asynccontextmanager
    async def guarding(self) -> AsyncIterator[None]:
        """Let a call through. Raises UpstreamUnavailable when the server does not answer."""
        if self._asking is not None:
            await self._decided.wait()
        if self._is_away:
            raise UpstreamUnavailable(upstream=self._upstream, detail="does not answer")
        try:
            yield
        except UpstreamTimeout:
            self._ask()
            raise

    def _ask(self) -> None:
        if self._asking is None:
            self._decided.clear()
            self._asking = asyncio.create_task(self._ask_until_back())

    async def _ask_until_back(self) -> None:
        while not await self._answers():
            if not self._is_away:
                logger.bind(upstream=self._upstream).warning("server hangs: its calls fail at once")
            self._is_away = True
            self._decided.set()
            await asyncio.sleep(PROBE_EVERY_S)
        self._is_away = False
        self._asking = None
        self._decided.set()

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self._probe()
        except (MemoryOSError, TimeoutError):
            return False
        return True
