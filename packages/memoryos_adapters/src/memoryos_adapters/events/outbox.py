"""The outbox: an event log that takes events in while its server is down, into a file, and delivers them later."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias

import msgspec
from loguru import logger

from memoryos_adapters.events.outbox_file import OutboxFile
from memoryos_adapters.events.owed_changes import OwedChanges
from memoryos_adapters.relayed_events import RelayedEvents
from memoryos_ports.clock import Clock
from memoryos_ports.errors import InvalidEvent, MemoryOSError, Overloaded, UpstreamTimeout, UpstreamUnavailable
from memoryos_ports.event_wire import decode_event
from memoryos_ports.events import Delivery, Event, EventLog, Published, Receipt
from memoryos_ports.ids import EventId, Scope, SessionId
from memoryos_ports.outbox import OUTBOX, Held, OutboxState

Contest: TypeAlias = Callable[[Event], Awaitable[None]]
"""Puts an event into the log although its id is known there with other content, for its consumer to decide."""

_DOWN: Final = (UpstreamUnavailable, UpstreamTimeout, TimeoutError)
_AT_ONCE: Final = 32
_LOOK_S: Final = 0.5
_PROBE_EVERY_S: Final = 0.5
_PROBE_TIMEOUT_S: Final = 2.0
_FULL_RETRY_S: Final = 5.0


class OutboxEvents(RelayedEvents):
    """An `EventLog` and `Outbox`: publications that `remote` cannot take are held by `local`, a log in a file.

    The first one that fails has waited `patience_s` at most; those after it go to `local` at once, until a probe says
    that `remote` is back. `run` must be running for that. A time-out leaves open whether `remote` has the event: then
    it is delivered once more, which changes nothing. An event whose id the log turns out to know with other content is
    given to `contest`: the first stays, and this one becomes a dead letter among the log's, where people look.

    A file that cannot be written takes nothing in, and what is in it is delivered all the same. That it was is noted
    there later; a process that ends before delivers it once more.
    """

    def __init__(
        self, remote: EventLog, local: OutboxFile, clock: Clock, *, contest: Contest, patience_s: float = 2.0
    ) -> None:
        super().__init__(remote)
        self._local = local
        self._contest = contest
        self._clock = clock
        self._patience_s = patience_s
        self._is_away = False
        self._may_hold = True  # until a look at the file says otherwise
        self._keeping = 0
        self._changes = 0
        self._news = asyncio.Event()
        self._owed = OwedChanges("outbox")  # by handle: what came of deliveries
        self._delivered: set[tuple[Scope, EventId]] = set()  # what the file may still hold because of that
        self._passed_over: set[str] = set()  # handles of deliveries that failed since the oldest was last begun with

    async def publish(self, event: Event) -> Published:
        """Take an event in, here or there. Raises Overloaded when it cannot go there and there is no room here."""
        if (known := await self._known_here(event)) is not None:
            return known
        if not self._is_away:
            try:
                async with asyncio.timeout(self._patience_s):
                    return await self._remote.publish(event)
            except _DOWN as exc:
                self._leave_alone(exc)
        return await self._keep(event)

    async def receipt(self, scope: Scope, event_id: EventId) -> Receipt | None:
        """Return what became of an event; what waits here is queued."""
        return await self._waiting(scope, event_id) or await self._remote.receipt(scope, event_id)

    async def settled(self, scope: Scope, event_id: EventId, *, timeout_s: float) -> Receipt | None:
        """Wait for an event to be delivered, then for its end."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            news = self._news  # taken before the look: what is delivered after it sets this one
            waiting = await self._waiting(scope, event_id)
            patience_s = max(deadline - loop.time(), 0.0)
            if waiting is None:
                return await self._remote.settled(scope, event_id, timeout_s=patience_s)
            if patience_s == 0:
                return waiting
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await news.wait()

    async def erase(self, scope: Scope, *, session_id: SessionId | None = None) -> int:
        """Remove events of a scope here, so that none is delivered any more, then there."""
        here = await self._local.erase(scope, session_id=session_id)
        self._tell()
        return here + await self._remote.erase(scope, session_id=session_id)

    async def state(self) -> OutboxState:
        """Return what is in the outbox."""
        stats = await self._local.stats()
        return OutboxState(waiting=max(stats.length - len(self._owed.handles), 0), dead=stats.dead)

    async def ping_file(self) -> None:
        """Return when the file can be written. Raises StorageFull or UpstreamUnavailable, and for a while after."""
        self._owed.check()
        await self._local.ping()

    async def run(self) -> None:
        """Deliver what waits, some at once, oldest first, whenever the log is there; until cancelled."""
        while True:
            await self._until_back()
            news = self._news
            try:
                await self._catch_up()
                is_done = not self._may_hold or not await self._deliver_some()
            except MemoryOSError as exc:
                self._owed.note_fault(exc)
                is_done = True
            if is_done:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await news.wait()

    async def drain(self, *, timeout_s: float) -> int:
        """Return how many wait, once none does, the log is away, or the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self._is_away:
                    news = self._news
                    if not (await self.state()).waiting:
                        return 0
                    await news.wait()
        return (await self.state()).waiting

    async def _known_here(self, event: Event) -> Published | None:
        """Return how an event compares to the one of its id that waits here; None when there is none."""
        if await self._waiting(event.scope, event.event_id) is None:
            return None
        return _queued(await self._local.publish(event))

    async def _waiting(self, scope: Scope, event_id: EventId) -> Receipt | None:
        if not self._may_hold or (scope, event_id) in self._delivered:
            return None
        receipt = await self._local.receipt(scope, event_id)
        if receipt is None or receipt.state not in ("queued", "processing"):
            return None
        return msgspec.structs.replace(receipt, state="queued", attempts=0, error=None)

    async def _keep(self, event: Event) -> Published:
        self._may_hold = True
        self._keeping += 1
        self._changes += 1
        try:
            return _queued(await self._local.publish(event))
        except Overloaded as exc:
            raise Overloaded(OUTBOX, retry_after_s=_FULL_RETRY_S) from exc
        except MemoryOSError as exc:
            self._owed.note_fault(exc)
            raise
        finally:
            self._keeping -= 1
            self._changes += 1

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
            self._tell()
            logger.bind(error=str(exc) or type(exc).__name__).warning("event log is away: events go to the outbox")

    async def _deliver_some(self) -> bool:
        """Deliver a few of what waits; return whether to go on at once."""
        deliveries = await self._local.peek(limit=_AT_ONCE, without=self._owed.handles | self._passed_over)
        if not deliveries:
            if not self._passed_over and not self._owed.handles:
                await self._look()
            self._passed_over.clear()
            return False
        is_any_delivered = any(await asyncio.gather(*map(self._pass_on, deliveries)))
        self._tell()
        return is_any_delivered

    async def _look(self) -> None:
        """Forget what was delivered; note, if so, that nothing is held until something is kept."""
        changes = self._changes
        await self._local.purge(before=self._clock.now())
        length = (await self._local.stats()).length
        self._may_hold = bool(length or self._keeping or self._changes != changes)

    async def _pass_on(self, delivery: Delivery) -> bool:
        """Publish an event there, and note here what came of it; return whether it is done with."""
        try:
            event = decode_event(delivery.payload, entry_id=delivery.handle, received_at=self._clock.now())
            if await self._waiting(event.scope, event.event_id) is None:
                return True  # it was erased since it was looked at
            async with asyncio.timeout(self._patience_s):
                if (await self._remote.publish(event)).outcome == "other":
                    await self._contest(event)
        except InvalidEvent as exc:
            await self._owed.make(delivery.handle, partial(self._local.bury, delivery, error=str(exc)))
        except (MemoryOSError, TimeoutError) as exc:
            if isinstance(exc, _DOWN):
                self._leave_alone(exc)
            self._passed_over.add(delivery.handle)
            return False
        else:
            self._delivered.add((event.scope, event.event_id))
            await self._owed.make(delivery.handle, partial(self._local.ack, delivery))
        return True

    async def _catch_up(self) -> None:
        """Note in the file what came of earlier deliveries."""
        if await self._owed.settle():
            self._tell()
        if not self._owed.handles:
            self._delivered.clear()

    def _tell(self) -> None:
        """Make everybody who waits for a delivery look again."""
        self._news.set()
        self._news = asyncio.Event()


class NoOutbox:
    """The `Outbox` of a process that has none: nothing waits in it."""

    async def state(self) -> OutboxState:
        """Return that nothing waits."""
        return OutboxState(waiting=0)

    async def run(self) -> None:
        """Wait to be cancelled: there is nothing to deliver."""
        await asyncio.Event().wait()

    async def drain(self, *, timeout_s: float) -> int:
        """Return 0 at once."""
        return 0


def _queued(published: Published) -> Held:
    """Return the publication with a receipt that says queued: what was delivered may not be applied yet."""
    receipt = published.receipt
    if receipt.state != "dead":
        receipt = msgspec.structs.replace(receipt, state="queued", attempts=0, error=None)
    return Held(outcome=published.outcome, receipt=receipt)
