"""A breaker before a server that may hang: nobody waits for its answer in vain for longer than it takes to find out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from loguru import logger

from memoryos_adapters.unforeseen import Unforeseen
from memoryos_ports.errors import MemoryOSError, UpstreamTimeout, UpstreamUnavailable

ASK_AFTER_S = 0.3
PROBE_TIMEOUT_S = 0.8
PROBE_EVERY_S = 0.25


class Breaker:
    """Guards the calls of one server.

    A server that refuses fails by itself at once. One that hangs would cost each call its time-out: so, when a call
    has waited for `ASK_AFTER_S`, the breaker asks whether the server answers at all. `probe`, which is not guarded
    itself, must do so within `PROBE_TIMEOUT_S`; otherwise the calls that wait and all others fail until it does.
    """

    def __init__(self, upstream: str, probe: Callable[[], Awaitable[object]]) -> None:
        self._upstream = upstream
        self._probe = probe
        self._asking: asyncio.Task[None] | None = None
        self._waiting: set[asyncio.Timeout] = set()
        self._is_away = False
        self._unforeseen = Unforeseen(f"{upstream} cannot be asked whether it answers")

    async def aclose(self) -> None:
        """Ask no more."""
        if (asking := self._asking) is not None:
            asking.cancel()
            await asyncio.wait({asking})

    @asynccontextmanager
    async def guarding(self) -> AsyncIterator[None]:
        """Let a call through. Raises UpstreamUnavailable, or UpstreamTimeout amid it, while nothing is answered."""
        if self._is_away:
            raise UpstreamUnavailable(upstream=self._upstream, detail="does not answer")
        asking = asyncio.get_running_loop().call_later(ASK_AFTER_S, self._ask)
        call = asyncio.timeout(None)
        try:
            async with call:
                self._waiting.add(call)
                yield
        except TimeoutError as exc:
            if not call.expired():
                raise
            raise UpstreamTimeout(upstream=self._upstream, detail="does not answer") from exc
        finally:
            self._waiting.discard(call)
            asking.cancel()

    def _ask(self) -> None:
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_until_back())

    async def _ask_until_back(self) -> None:
        try:
            while not await self._answers():
                if not self._is_away:
                    logger.bind(upstream=self._upstream).warning("server hangs: its calls fail at once")
                self._is_away = True
                while self._waiting:
                    self._waiting.pop().reschedule(0)
                await asyncio.sleep(PROBE_EVERY_S)
        finally:  # however the asking ends, calls must not fail for ever
            self._is_away = False
            self._asking = None

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self._probe()
        except (MemoryOSError, TimeoutError):
            return False
        except Exception as exc:  # noqa: BLE001 - who stops asking never learns that the server is back
            self._unforeseen.note(exc)
            return False
        return True
