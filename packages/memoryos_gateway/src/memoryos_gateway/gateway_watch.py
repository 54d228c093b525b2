"""The figures of a gateway that no request brings: how much waits in the outbox, how many exchanges were lost."""

import asyncio

from loguru import logger

from memoryos_adapters.metrics import GatewayMetrics
from memoryos_core.chat.memory import ChatMemory
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.outbox import Outbox

EVERY_S = 2.0


class GatewayWatch:
    """Looks now and then, and tells the metrics."""

    def __init__(self, *, outbox: Outbox, chat_memory: ChatMemory, metrics: GatewayMetrics) -> None:
        self._outbox = outbox
        self._chat_memory = chat_memory
        self._metrics = metrics
        self._told_lost = 0

    async def run(self) -> None:
        """Look for ever, every two seconds."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Look once; an outbox that cannot be read leaves its figure as it is."""
        while self._told_lost < self._chat_memory.lost:
            self._told_lost += 1
            self._metrics.exchange_lost()
        try:
            self._metrics.outbox((await self._outbox.state()).waiting)
        except MemoryOSError as exc:
            logger.bind(error=str(exc)).debug("outbox not looked at")
