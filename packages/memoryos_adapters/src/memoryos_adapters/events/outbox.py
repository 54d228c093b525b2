"""The outbox: an event log that takes events in while its server is down, into a file, and delivers them later."""

import asyncio

from memoryos_adapters.events.outbox_backlog import OutboxBacklog
from memoryos_adapters.events.outbox_delivery import Contest, OutboxDelivery
from memoryos_adapters.events.outbox_file import OutboxFile
from memoryos_adapters.relayed_events import RelayedEvents
from memoryos_ports.clock import Clock
from memoryos_ports.events import Event, EventLog, Published, Receipt
from memoryos_ports.ids import EventId, Scope, SessionId
from memoryos_ports.outbox import OutboxState


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
        self._backlog = OutboxBacklog(local)
        self._delivery = OutboxDelivery(remote, self._backlog, clock, contest=contest, patience_s=patience_s)

    async def publish(self, event: Event) -> Published:
        """Take an event in, here or there. Raises Overloaded when it cannot go there and there is no room here."""
        if (known := await self._backlog.compare(event)) is not None:
            return known
        return await self._delivery.publish_now(event) or await self._backlog.keep(event)

    async def receipt(self, scope: Scope, event_id: EventId) -> Receipt | None:
        """Return what became of an event; what waits here is queued."""
        return await self._backlog.receipt(scope, event_id) or await self._remote.receipt(scope, event_id)

    async def settled(self, scope: Scope, event_id: EventId, *, timeout_s: float) -> Receipt | None:
        """Wait for an event to be delivered, then for its end."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        waiting = await self._delivery.still_waiting(scope, event_id, timeout_s=timeout_s)
        if waiting is not None:
            return waiting
        return await self._remote.settled(scope, event_id, timeout_s=max(deadline - loop.time(), 0.0))

    async def erase(self, scope: Scope, *, session_id: SessionId | None = None) -> int:
        """Remove events of a scope here, so that none is delivered any more, then there."""
        here = await self._backlog.erase(scope, session_id=session_id)
        self._delivery.tell()
        return here + await self._remote.erase(scope, session_id=session_id)

    async def state(self) -> OutboxState:
        """Return what is in the outbox."""
        return await self._backlog.state()

    async def ping_file(self) -> None:
        """Return when the file can be written. Raises StorageFull or UpstreamUnavailable, and for a while after."""
        await self._backlog.ping()

    async def run(self) -> None:
        """Deliver what waits, some at once, oldest first, whenever the log is there; until cancelled."""
        await self._delivery.run()

    async def drain(self, *, timeout_s: float) -> int:
        """Return how many wait, once none does, the log is away, or the time is up."""
        return await self._delivery.drain(timeout_s=timeout_s)


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
