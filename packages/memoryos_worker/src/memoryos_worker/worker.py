"""What a worker does between start-up and the end of its drain."""

import asyncio

from loguru import logger

from memoryos_adapters.settings import Settings
from memoryos_core.consolidation.loop import ConsolidationLoop
from memoryos_core.health import Health
from memoryos_core.pipeline.housekeeping import Housekeeping, QueueWatch
from memoryos_core.pipeline.runner import Runner
from memoryos_ports.errors import ConfigurationError


class Worker:
    """Consumes events, consolidates, tidies up and watches its dependencies until it is asked to stop."""

    def __init__(
        self,
        *,
        settings: Settings,
        health: Health,
        runner: Runner,
        consolidation: ConsolidationLoop,
        housekeeping: Housekeeping,
        queue_watch: QueueWatch,
    ) -> None:
        self._drain_s = settings.worker.drain_s
        self._consolidates = settings.consolidation.enabled
        self._health = health
        self._runner = runner
        self._consolidation = consolidation
        self._housekeeping = housekeeping
        self._queue_watch = queue_watch
        self._consolidating: asyncio.Task[None] | None = None
        self._is_draining = False

    def ask_to_stop(self) -> None:
        """Take nothing more and finish what is in hand within `drain_s` seconds; asked again, give it back at once."""
        within_s = 0 if self._is_draining else self._drain_s
        logger.bind(within_s=within_s).info("worker drains")
        self._is_draining = True
        self._health.set_serving(False)
        self._runner.stop(within_s=within_s)
        self._consolidation.stop()
        asyncio.get_running_loop().call_later(within_s, self._stop_consolidating)

    async def run(self) -> None:
        """Work until asked to stop.

        Dependencies may be absent: it starts degraded, and goes to work when they appear. Raises ConfigurationError,
        when what is in hand is finished, if another process has this consumer's name.
        """
        refusal: ConfigurationError | None = None
        await self._health.check()
        async with asyncio.TaskGroup() as tasks:
            endless = [
                tasks.create_task(coroutine)
                for coroutine in (self._health.watch(), self._housekeeping.run(), self._queue_watch.run())
            ]
            if self._consolidates:
                self._consolidating = tasks.create_task(self._consolidation.run())
            self._health.set_serving(not self._is_draining)
            try:
                await self._runner.run()
            except ConfigurationError as exc:
                refusal = exc
                self.ask_to_stop()
            if self._consolidating is not None:
                await asyncio.wait({self._consolidating})
            for task in endless:
                task.cancel()
        if refusal is not None:
            raise refusal

    def _stop_consolidating(self) -> None:
        if self._consolidating is not None:
            self._consolidating.cancel()
