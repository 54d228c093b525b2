"""An event log in front of another: what it does not do itself is the other's."""

from datetime import datetime

from memoryos_ports.events import Delivery, Event, EventLog, Published, QueueStats, Receipt
from memoryos_ports.ids import EventId, Scope, SessionId


class RelayedEvents:
    """An `EventLog` that passes every call on to `remote`; the base of those that change some of them."""

    def __init__(self, remote: EventLog) -> None:
        self._remote = remote

    async def publish(self, event: Event) -> Published:
        """Pass it on."""
        return await self._remote.publish(event)

    async def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
        """Pass it on."""
        return await self._remote.receive(limit=limit, wait_s=wait_s)

    async def ack(self, delivery: Delivery) -> None:
        """Pass it on."""
        await self._remote.ack(delivery)

    async def leave(self, delivery: Delivery, *, error: str, retry_in_s: float, attempted: bool = True) -> None:
        """Pass it on."""
        await self._remote.leave(delivery, error=error, retry_in_s=retry_in_s, attempted=attempted)

    async def bury(self, delivery: Delivery, *, error: str) -> None:
        """Pass it on."""
        await self._remote.bury(delivery, error=error)

    async def receipt(self, scope: Scope, event_id: EventId) -> Receipt | None:
        """Pass it on."""
        return await self._remote.receipt(scope, event_id)

    async def settled(self, scope: Scope, event_id: EventId, *, timeout_s: float) -> Receipt | None:
        """Pass it on."""
        return await self._remote.settled(scope, event_id, timeout_s=timeout_s)

    async def stats(self) -> QueueStats:
        """Pass it on."""
        return await self._remote.stats()

    async def purge(self, *, before: datetime) -> int:
        """Pass it on."""
        return await self._remote.purge(before=before)

    async def erase(self, scope: Scope, *, session_id: SessionId | None = None) -> int:
        """Pass it on."""
        return await self._remote.erase(scope, session_id=session_id)

    async def ping(self) -> None:
        """Pass it on."""
        await self._remote.ping()
