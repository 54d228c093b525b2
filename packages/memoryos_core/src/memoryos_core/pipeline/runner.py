"""The runner: takes events from the log, applies them, and acknowledges, leaves or buries each."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from loguru import logger

from memoryos_core.lifecycle.admission import AppliesEvents
from memoryos_core.pipeline.observer import EventObserver, Outcome, Unobserved
from memoryos_core.pipeline.policy import PutOffs, RetryPolicy, is_of_a_dependency
from memoryos_core.pipeline.unsettled import Unsettled
from memoryos_ports.clock import Clock
from memoryos_ports.errors import ConfigurationError, InvalidEvent, MemoryOSError
from memoryos_ports.event_wire import decode_event
from memoryos_ports.events import Delivery, EventLog

Probe = Callable[[], Awaitable[None]]

_PROBE_EVERY_S = 1.0
_PROBE_TIMEOUT_S = 2.0
_LONGEST_WAIT_S = 1.0
"""A wait is never cut short, since what the log hands out meanwhile would reach nobody; so this is how long an idle
runner takes to stop."""


class Runner:
    """Consumes an event log until it is stopped.

    Applied: acknowledged. Failing of itself: left pending with a back-off, buried after its last attempt. Not an
    event at all: buried at once. A dependency that is down is not an attempt, however long it lasts: the event is
    left and nothing more is taken until every probe succeeds. An event that meets such errors again and again while
    the probes succeed rests longer each time, so that it stops no others.

    At most `batch` events are asked for at once, and never more than there are free of `concurrency` slots; when
    there are none the log is asked to wait `wait_s` seconds for one, a second at most.
    """

    def __init__(
        self,
        *,
        events: EventLog,
        handlers: AppliesEvents,
        probes: Sequence[Probe],
        clock: Clock,
        observer: EventObserver | None = None,
        concurrency: int = 32,
        batch: int = 32,
        wait_s: float = 5.0,
        policy: RetryPolicy | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._events = events
        self._handlers = handlers
        self._probes = probes
        self._clock = clock
        self._observer = observer or Unobserved()
        self._concurrency = concurrency
        self._batch = batch
        self._wait_s = min(wait_s, _LONGEST_WAIT_S)
        self._policy = policy or RetryPolicy()
        self._chance = chance or random.Random()  # noqa: S311 - jitter, not a secret
        self._stopping = asyncio.Event()
        self._freed = asyncio.Event()
        self._paused = False
        self._in_vain = False
        self._asking: asyncio.Task[list[Delivery]] | None = None
        self._in_hand: dict[asyncio.Task[None], Delivery] = {}
        self._put_offs = PutOffs(self._policy, self._chance)
        self._unsettled = Unsettled(events, self._put_offs)
        self._refusal: ConfigurationError | None = None

    def stop(self, *, within_s: float | None = None) -> None:
        """Take no more events; `run` returns when those in hand are finished.

        What is not after `within_s` seconds (None: for ever) is given back without an attempt. May be called again,
        with less time.
        """
        self._stopping.set()
        if within_s is not None:
            asyncio.get_running_loop().call_later(within_s, self._let_go)

    async def run(self) -> None:
        """Consume until `stop`; cancelling leaves what is in hand to be handed out again.

        Raises ConfigurationError, once what is in hand is finished, when the log says that this consumer cannot go on.
        """
        async with asyncio.TaskGroup() as tasks:
            while not self._stopping.is_set():
                if self._paused:
                    await self._resume_when_up()
                elif self._unsettled.are_due:
                    await self._try_again_to_give_back()
                else:
                    await self._take(tasks)
        with suppress(MemoryOSError, TimeoutError):  # a log that is still down hands them out again by itself
            await self._unsettled.give_back()
        if self._refusal is not None:
            raise self._refusal

    async def _take(self, tasks: asyncio.TaskGroup) -> None:
        while len(self._in_hand) >= self._concurrency:
            self._freed.clear()
            await self._freed.wait()
        if self._stopping.is_set() or self._paused:  # since the slots were waited for
            return
        for delivery in await self._receive(tasks):
            task = tasks.create_task(self._handle(delivery))
            self._in_hand[task] = delivery
            task.add_done_callback(self._finished)
        self._observer.in_hand(len(self._in_hand))

    async def _receive(self, tasks: asyncio.TaskGroup) -> list[Delivery]:
        limit = min(self._batch, self._concurrency - len(self._in_hand))
        asking = self._asking = tasks.create_task(self._ask(limit))
        await asyncio.wait({asking})
        self._asking = None
        deliveries = [] if asking.cancelled() else asking.result()
        if self._paused or self._stopping.is_set():  # since the log was asked
            self._unsettled.add(deliveries)
            return []
        return deliveries

    async def _ask(self, limit: int) -> list[Delivery]:
        try:
            return await self._events.receive(limit=limit, wait_s=self._wait_s)
        except ConfigurationError as exc:
            self._refusal = exc
            self._stopping.set()
            return []
        except Exception as exc:  # noqa: BLE001 - a log that errs in a way nobody foresaw is asked again
            self._pause(exc)
            return []

    def _finished(self, task: asyncio.Task[None]) -> None:
        delivery = self._in_hand.pop(task)
        if task.cancelled():
            self._unsettled.add([delivery])
        self._freed.set()
        self._observer.in_hand(len(self._in_hand))

    def _let_go(self) -> None:
        for task in (self._asking, *self._in_hand):
            if task is not None:
                task.cancel()

    async def _handle(self, delivery: Delivery) -> None:
        began = self._clock.monotonic()
        outcome: Outcome = "put_off"
        try:
            outcome = await self._settle(delivery)
        except Exception as exc:  # noqa: BLE001 - the log did not note what became of it: it is given back
            self._unsettled.add([delivery])
            self._put_offs.note(delivery.handle)
            self._pause(exc)
        finally:
            attempts = delivery.attempts + (outcome != "put_off")
            self._observer.ended(outcome, attempts=attempts, seconds=self._clock.monotonic() - began)

    async def _settle(self, delivery: Delivery) -> Outcome:
        if self._policy.is_spent(delivery.attempts):  # tries that nobody saw the end of: it kills its consumers
            return await self._bury(delivery, f"{delivery.attempts} attempts, the last without an outcome")
        try:
            received_at = delivery.received_at or self._clock.now()
            event = decode_event(delivery.payload, entry_id=delivery.handle, received_at=received_at)
            await self._handlers.apply(event)
        except InvalidEvent as exc:
            return await self._bury(delivery, str(exc))
        except Exception as exc:  # noqa: BLE001 - one of the two places that catch everything
            if is_of_a_dependency(exc):
                return await self._put_off(delivery, exc)
            return await self._failed(delivery, exc)
        await self._events.ack(delivery)
        self._in_vain = False
        self._put_offs.forget(delivery.handle)
        return "stored"

    async def _put_off(self, delivery: Delivery, exc: Exception) -> Outcome:
        self._put_offs.note(delivery.handle)
        self._pause(exc)
        rest_s = self._put_offs.rest_s(delivery.handle)
        await self._events.leave(delivery, error=str(exc), retry_in_s=rest_s, attempted=False)
        return "put_off"

    async def _failed(self, delivery: Delivery, exc: Exception) -> Outcome:
        attempts = delivery.attempts + 1
        error = f"{type(exc).__name__}: {exc}"
        logger.bind(event_id=delivery.event_id, attempts=attempts).opt(exception=exc).error("event failed")
        if self._policy.is_spent(attempts):
            return await self._bury(delivery, error)
        rest_s = self._policy.rest_s(attempts, self._chance)
        await self._events.leave(delivery, error=error, retry_in_s=rest_s)
        return "failed"

    async def _bury(self, delivery: Delivery, error: str) -> Outcome:
        logger.bind(event_id=delivery.event_id, error=error).warning("event buried")
        await self._events.bury(delivery, error=error)
        self._put_offs.forget(delivery.handle)
        return "buried"

    def _pause(self, exc: Exception) -> None:
        if self._paused:
            return
        self._paused = True
        self._observer.paused(True)
        unforeseen = None if isinstance(exc, MemoryOSError) else exc
        logger.bind(error=str(exc)).opt(exception=unforeseen).warning("event runner paused")

    async def _resume_when_up(self) -> None:
        if self._in_vain:
            await self._rest(_PROBE_EVERY_S)
        self._in_vain = True  # until an event is applied
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                for probe in self._probes:
                    await probe()
                await self._unsettled.give_back()
        except (MemoryOSError, TimeoutError):
            self._put_offs.forget_all()
            return
        self._paused = False
        self._observer.paused(False)
        logger.info("event runner resumed")

    async def _try_again_to_give_back(self) -> None:
        try:
            await self._unsettled.give_back()
        except (MemoryOSError, TimeoutError) as exc:
            self._pause(exc)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
