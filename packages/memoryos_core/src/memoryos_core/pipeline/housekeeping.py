"""What has to be done now and then, and by nobody's request: forgetting old receipts."""

import asyncio
from datetime import timedelta

from loguru import logger

from memoryos_ports.clock import Clock
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.events import EventLog

RECEIPTS_KEPT = timedelta(days=30)
EVERY_S = 3600.0


class Housekeeping:
    """Purges receipts of events stored more than 30 days ago; their pages answer for them from then on."""

    def __init__(self, *, events: EventLog, clock: Clock) -> None:
        self._events = events
        self._clock = clock

    async def run(self) -> None:
        """Tidy up for ever, every hour; a store that is down is left for the next time."""
        while True:
            try:
                await self.tidy()
            except MemoryOSError as exc:
                logger.bind(error=str(exc)).warning("housekeeping put off")
            await asyncio.sleep(EVERY_S)

    async def tidy(self) -> int:
        """Purge once; return how many receipts went."""
        return await self._events.purge(before=self._clock.now() - RECEIPTS_KEPT)
