"""What has to be done now and then, and by nobody's request: tidying the log up, and looking how long its queue is.

Every process that consumes does both; several of them do no harm to each other.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from loguru import logger

from memoryos_core.pipeline.observer import QueueObserver
from memoryos_ports.clock import Clock
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.events import EventLog

RECEIPTS_KEPT = timedelta(days=30)
EVERY_S = 3600.0
LOOK_EVERY_S = 5.0


class Housekeeping:
    """Purges receipts of events stored more than `kept` ago; their pages answer for them from then on.

    `kept` None keeps them for ever; the log tidies itself up all the same.
    """

    def __init__(
        self, *, events: EventLog, clock: Clock, kept: timedelta | None = RECEIPTS_KEPT, every_s: float = EVERY_S
    ) -> None:
        self._events = events
        self._clock = clock
        self._kept = kept
        self._every_s = every_s

    async def run(self) -> None:
        """Tidy up for ever, every `every_s` seconds; a store that is down is left for the next time."""
        while True:
            try:
                await self.tidy()
            except MemoryOSError as exc:
                logger.bind(error=str(exc)).warning("housekeeping put off")
            await asyncio.sleep(self._every_s)

    async def tidy(self) -> int:
        """Purge once; return how many receipts went."""
        before = datetime.min.replace(tzinfo=UTC) if self._kept is None else self._clock.now() - self._kept
        return await self._events.purge(before=before)


class QueueWatch:
    """Tells an observer how the queue stands, now and then, so that nobody who asks it waits for the log."""

    def __init__(self, *, events: EventLog, observer: QueueObserver, every_s: float = LOOK_EVERY_S) -> None:
        self._events = events
        self._observer = observer
        self._every_s = every_s

    async def run(self) -> None:
        """Look for ever, every `every_s` seconds; while the log does not answer, the last figures stand."""
        while True:
            try:
                self._observer.queue(await self._events.stats())
            except MemoryOSError as exc:
                logger.bind(error=str(exc)).debug("queue not looked at")
            await asyncio.sleep(self._every_s)
