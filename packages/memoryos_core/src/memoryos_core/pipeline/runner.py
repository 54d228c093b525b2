"""The runner: takes events from the log, applies them, and acknowledges, leaves or buries each."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from loguru import logger

from memoryos_core.lifecycle.admission import AppliesEvents
from memoryos_core.pipeline.policy import RetryPolicy
from memoryos_ports.clock import Clock
from memoryos_ports.errors import (
    InvalidEvent,
    MemoryOSError,
    Overloaded,
    RateLimited,
    StorageFull,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from memoryos_ports.event_wire import decode_event
from memoryos_ports.events import Delivery, EventLog

Probe = Callable[[], Awaitable[None]]

_DOWN = (UpstreamUnavailable, UpstreamTimeout, RateLimited, StorageFull, Overloaded)
"""What says that a dependency is down, rather than that the event is at fault."""

_RECEIVE_WAIT_S = 0.2
_PROBE_EVERY_S = 1.0
_PROBE_TIMEOUT_S = 2.0


class Runner:
    """Consumes an event log until it is stopped.

    Applied: acknowledged. Failing of itself: left pending with a back-off, buried after its last attempt. Not an
    event at all: buried at once. A dependency that is down is not an attempt: the event is left and nothing more is
    taken until every probe succeeds.
    """

    def __init__(
        self,
        *,
        events: EventLog,
        handlers: AppliesEvents,
        probes: Sequence[Probe],
        clock: Clock,
        concurrency: int = 32,
        policy: RetryPolicy | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._events = events
        self._handlers = handlers
        self._probes = probes
        self._clock = clock
        self._concurrency = concurrency
        self._policy = policy or RetryPolicy()
        self._chance = chance or random.Random()  # noqa: S311 - jitter, not a secret
        self._stopping = asyncio.Event()
        self._paused = asyncio.Event()
        self._unsettled: list[Delivery] = []
        self._busy = 0
        self._freed = asyncio.Event()

    def stop(self) -> None:
        """Take no more events; `run` returns when those in hand are finished."""
        self._stopping.set()

    async def run(self) -> None:
        """Consume until `stop`; cancelling leaves what is in hand to be handed out again."""
        async with asyncio.TaskGroup() as tasks:
            while not self._stopping.is_set():
                if self._paused.is_set():
                    await self._resume_when_up()
                    continue
                free = await self._free_slots()
                for delivery in await self._receive(free):
                    self._busy += 1
                    tasks.create_task(self._handle(delivery)).add_done_callback(self._finished)
        with suppress(MemoryOSError):  # a log that is still down hands them out again by itself
            await self._give_back()

    async def _free_slots(self) -> int:
        while self._busy >= self._concurrency:
            self._freed.clear()
            await self._freed.wait()
        return self._concurrency - self._busy

    def _finished(self, _: asyncio.Task[None]) -> None:
        self._busy -= 1
        self._freed.set()

    async def _receive(self, limit: int) -> list[Delivery]:
        if self._stopping.is_set() or self._paused.is_set():  # since the slots were waited for
            return []
        try:
            deliveries = await self._events.receive(limit=limit, wait_s=_RECEIVE_WAIT_S)
        except MemoryOSError as exc:
            self._pause(exc)
            return []
        if self._paused.is_set():  # since the log was asked
            self._unsettled += deliveries
            return []
        return deliveries

    async def _handle(self, delivery: Delivery) -> None:
        try:
            await self._apply(delivery)
        except MemoryOSError as exc:
            self._unsettled.append(delivery)  # the log itself does not answer: it is given back once it does
            self._pause(exc)

    async def _apply(self, delivery: Delivery) -> None:
        if self._policy.is_spent(delivery.attempts):  # tries that nobody saw the end of: it kills its consumers
            await self._bury(delivery, f"{delivery.attempts} attempts, the last without an outcome")
            return
        try:
            event = decode_event(delivery.payload, entry_id=delivery.handle, received_at=self._clock.now())
            await self._handlers.apply(event)
        except InvalidEvent as exc:
            await self._bury(delivery, str(exc))
        except _DOWN as exc:
            self._pause(exc)
            await self._events.leave(delivery, error=str(exc), retry_in_s=_PROBE_EVERY_S, attempted=False)
        except Exception as exc:  # noqa: BLE001 - one of the two places that catch everything
            await self._failed(delivery, exc)
        else:
            await self._events.ack(delivery)

    async def _failed(self, delivery: Delivery, exc: Exception) -> None:
        attempts = delivery.attempts + 1
        error = f"{type(exc).__name__}: {exc}"
        logger.bind(event_id=delivery.event_id, attempts=attempts).opt(exception=exc).error("event failed")
        if self._policy.is_spent(attempts):
            await self._bury(delivery, error)
        else:
            rest_s = self._policy.rest_s(attempts, self._chance)
            await self._events.leave(delivery, error=error, retry_in_s=rest_s)

    async def _bury(self, delivery: Delivery, error: str) -> None:
        logger.bind(event_id=delivery.event_id, error=error).warning("event buried")
        await self._events.bury(delivery, error=error)

    def _pause(self, exc: MemoryOSError) -> None:
        if not self._paused.is_set():
            self._paused.set()
            logger.bind(error=str(exc)).warning("event runner paused")

    async def _resume_when_up(self) -> None:
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                await asyncio.gather(*(probe() for probe in self._probes))
                await self._give_back()
        except (MemoryOSError, TimeoutError):
            await self._rest(_PROBE_EVERY_S)
            return
        self._paused.clear()
        logger.info("event runner resumed")

    async def _give_back(self) -> None:
        while self._unsettled:
            delivery = self._unsettled[0]  # more may be appended meanwhile
            await self._events.leave(delivery, error="not settled", retry_in_s=0, attempted=False)
            self._unsettled.remove(delivery)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
