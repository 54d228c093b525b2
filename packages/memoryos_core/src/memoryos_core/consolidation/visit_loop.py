"""The loop that counts visits in the background of a process that answers questions."""

import asyncio
from contextlib import suppress

from loguru import logger

from memoryos_core.consolidation.visits import Visits
from memoryos_ports.errors import MemoryOSError

FLUSH_EVERY_S = 60.0


class VisitLoop:
    """Counts what was noted, every minute until it is stopped, and once more then.

    A store that is down is asked again a minute later.
    """

    def __init__(self, visits: Visits, *, every_s: float = FLUSH_EVERY_S) -> None:
        self._visits = visits
        self._every_s = every_s
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let `run` return when it has counted what is noted."""
        self._stopping.set()

    async def run(self) -> None:
        """Count until `stop`."""
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._stopping.wait()
            await self._flush()

    async def _flush(self) -> None:
        try:
            await self._visits.flush()
        except MemoryOSError as exc:
            logger.bind(error=str(exc)).debug("visits not counted")
