"""The loop that consolidates in the background of a process."""

import asyncio
from contextlib import suppress

from loguru import logger

from memoryos_core.consolidation.consolidator import Consolidator
from memoryos_ports.clock import Clock
from memoryos_ports.due import Lease
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.events import EventLog

SCOPES_AT_ONCE = 4

_LOOK_EVERY_S = 1.0
_MANY_EVENTS = 32
_PATIENCE_S = 30.0
_GIVE_BACK_S = 1.0


class ConsolidationLoop:
    """Claims scopes that are due and consolidates them until it is stopped.

    Events come first: while many wait to be applied it rests, half a minute at most. A store that is down is asked
    again a little later.
    """

    def __init__(self, *, consolidator: Consolidator, events: EventLog, clock: Clock) -> None:
        self._consolidator = consolidator
        self._events = events
        self._clock = clock
        self._stopping = asyncio.Event()
        self._worked_at = clock.monotonic()

    def stop(self) -> None:
        """Claim no more scopes; `run` returns when those in hand are finished."""
        self._stopping.set()

    async def run(self) -> None:
        """Consolidate until `stop`; cancelling gives back what is in hand."""
        while not self._stopping.is_set():
            if not await self._round():
                await self._rest()

    async def _round(self) -> bool:
        """Work on some scopes; return whether there were any."""
        try:
            if await self.is_busy():
                return False
            leases = await self._consolidator.claim(limit=SCOPES_AT_ONCE)
            self._worked_at = self._clock.monotonic()
            await asyncio.gather(*map(self._work, leases))
        except MemoryOSError as exc:
            logger.bind(error=str(exc)).debug("consolidation rests")
            return False
        return bool(leases)

    async def _work(self, lease: Lease) -> None:
        try:
            await self._consolidator.work(lease)
        except asyncio.CancelledError:
            await self._give_back(lease)
            raise
        except MemoryOSError as exc:  # of the due-set: the lease runs out by itself
            logger.bind(error=str(exc)).debug("lease not given back")
        except Exception as exc:  # noqa: BLE001 - a runner's last resort: one scope must not stop the others
            logger.bind(user_id=lease.scope.user_id).opt(exception=exc).error("consolidation failed")
            await self._consolidator.put_off(lease)

    async def _give_back(self, lease: Lease) -> None:
        with suppress(MemoryOSError, TimeoutError):  # it runs out by itself
            async with asyncio.timeout(_GIVE_BACK_S):
                await self._consolidator.give_back(lease)

    async def is_busy(self) -> bool:
        """Return whether events come first. Raises what the log raises."""
        waited_s = self._clock.monotonic() - self._worked_at
        return waited_s < _PATIENCE_S and (await self._events.stats()).length > _MANY_EVENTS

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                await self._stopping.wait()
        except TimeoutError:
            return
