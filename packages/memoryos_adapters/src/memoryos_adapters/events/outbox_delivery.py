"""The delivery of an outbox: it publishes to the log while that is there, and what waits once it is back."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeAlias

from loguru import logger

from memoryos_adapters.events.outbox_backlog import OutboxBacklog
from memoryos_ports.clock import Clock
from memoryos_ports.errors import InvalidEvent, MemoryOSError, UpstreamTimeout, UpstreamUnavailable
from memoryos_ports.event_wire import decode_event
from memoryos_ports.events import Delivery, Event, EventLog, Published, Receipt
from memoryos_ports.ids import EventId, Scope

Contest: TypeAlias = Callable[[Event], Awaitable[None]]
"""Puts an event into the log although its id is known there with other content, for its consumer to decide."""

_DOWN: Final = (UpstreamUnavailable, UpstreamTimeout, TimeoutError)
_AT_ONCE: Final = 32
_LOOK_S: Final = 0.5
_PROBE_EVERY_S: Final = 0.5
_PROBE_TIMEOUT_S: Final = 2.0


class OutboxDelivery:
    """Delivers to `remote`, which is away from the first failure on until a probe in `run` says that it is back.

    A publication waits `patience_s` at most. One of the backlog that fails is passed over, so that it stops no other,
    until all that wait were tried. One whose id `remote` knows with other content is given to `contest`.
    """

    def __init__(
        self, remote: EventLog, backlog: OutboxBacklog, clock: Clock, *, contest: Contest, patience_s: float
    ) -> None:
        self._remote = remote
        self._backlog = backlog
        self._clock = clock
        self._contest = contest
        self._patience_s = patience_s
        self._is_away = False
        self._news = asyncio.Event()
        self._passed_over: set[str] = set()  # handles of deliveries that failed since the oldest was last begun with

    async def publish_now(self, event: Event) -> Published | None:
        """Publish an event; None when the log is away, or turns out to be: it may have the event all the same."""
        if self._is_away:
            return None
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._remote.publish(event)
        except _DOWN as exc:
            self._leave_alone(exc)
            return None

    async def still_waiting(self, scope: Scope, event_id: EventId, *, timeout_s: float) -> Receipt | None:
        """Return None as soon as an event does not wait, or its receipt when it still does after `timeout_s`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            news = self._news  # taken before the look: what is delivered after it sets this one
            waiting = await self._backlog.receipt(scope, event_id)
            if waiting is None or loop.time() >= deadline:
                return waiting
            with suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await news.wait()

    async def drain(self, *, timeout_s: float) -> int:
        """Return how many wait, once none does, the log is away, or the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self._is_away:
                    news = self._news
                    if not (await self._backlog.state()).waiting:
                        return 0
                    await news.wait()
        return (await self._backlog.state()).waiting

    def tell(self) -> None:
        """Make everybody who waits for a delivery look again."""
        self._news.set()
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Deliver what waits, some at once, oldest first, whenever the log is there; until cancelled."""
        while True:
            await self._until_back()
            news = self._news
            if not await self._go_on():
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await news.wait()

    async def _until_back(self) -> None:
        while self._is_away:
            try:
                async with asyncio.timeout(_PROBE_TIMEOUT_S):
                    await self._remote.ping()
            except (MemoryOSError, TimeoutError):
                await asyncio.sleep(_PROBE_EVERY_S)
            else:
                self._is_away = False
                logger.info("event log is back")

    def _leave_alone(self, exc: BaseException) -> None:
        if not self._is_away:
            self._is_away = True
            self.tell()
            logger.bind(error=str(exc) or type(exc).__name__).warning("event log is away: events go to the outbox")

    async def _go_on(self) -> bool:
        """Note what came of earlier deliveries, and make a few; return whether to go on at once."""
        try:
            if await self._backlog.settle():
                self.tell()
            return self._backlog.may_hold and await self._deliver_some()
        except MemoryOSError as exc:
            self._backlog.note_fault(exc)
            return False

    async def _deliver_some(self) -> bool:
        """Deliver a few of what waits; return whether to go on at once."""
        deliveries = await self._backlog.peek(limit=_AT_ONCE, without=self._passed_over)
        if not deliveries:
            if not self._passed_over:
                await self._backlog.look(now=self._clock.now())
            self._passed_over.clear()
            return False
        is_any_delivered = any(await asyncio.gather(*map(self._pass_on, deliveries)))
        self.tell()
        return is_any_delivered

    async def _pass_on(self, delivery: Delivery) -> bool:
        """Publish an event there, and note here what came of it; return whether it is done with."""
        try:
            event = decode_event(delivery.payload, entry_id=delivery.handle, received_at=self._clock.now())
            if await self._backlog.receipt(event.scope, event.event_id) is None:
                return True  # it was erased since it was looked at
            await self._publish_or_contest(event)
        except InvalidEvent as exc:
            await self._backlog.bury(delivery, error=str(exc))
        except (MemoryOSError, TimeoutError) as exc:
            self._pass_over(delivery, exc)
            return False
        else:
            await self._backlog.ack(delivery, event)
        return True

    async def _publish_or_contest(self, event: Event) -> None:
        async with asyncio.timeout(self._patience_s):
            if (await self._remote.publish(event)).outcome == "other":
                await self._contest(event)

    def _pass_over(self, delivery: Delivery, exc: Exception) -> None:
        if isinstance(exc, _DOWN):
            self._leave_alone(exc)
        self._passed_over.add(delivery.handle)
