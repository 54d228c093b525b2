"""The event log of the noop profile: accepts nothing, so that nothing is ever acknowledged in vain."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from memoryos_ports.dead_letters import DeadLetter
from memoryos_ports.errors import MemoryDisabled
from memoryos_ports.events import Delivery, Event, Published, QueueStats, Receipt
from memoryos_ports.ids import EventId, Scope, SessionId


class NoopEvents:
    """An `EventLog` without events, nor `DeadLetters`: reads are empty, a publication raises MemoryDisabled."""

    async def publish(self, event: Event) -> Published:
        """Raise MemoryDisabled."""
        raise MemoryDisabled

    async def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
        """Return nothing, after `wait_s`: a consumer's loop does not spin."""
        await asyncio.sleep(wait_s)
        return []

    async def ack(self, delivery: Delivery) -> None:
        """Return: no event is known."""

    async def leave(self, delivery: Delivery, *, error: str, retry_in_s: float, attempted: bool = True) -> None:
        """Return: no event is known."""

    async def bury(self, delivery: Delivery, *, error: str) -> None:
        """Return: no event is known."""

    async def receipt(self, scope: Scope, event_id: EventId) -> Receipt | None:
        """Return None: no event is known."""
        return None

    async def settled(self, scope: Scope, event_id: EventId, *, timeout_s: float) -> Receipt | None:
        """Return None at once: nothing here is ever going to settle."""
        return None

    async def stats(self) -> QueueStats:
        """Return the state of an empty queue."""
        return QueueStats(length=0, oldest_age_s=0.0, dead=0)

    async def purge(self, *, before: datetime) -> int:
        """Return 0: there are no receipts."""
        return 0

    async def erase(self, scope: Scope, *, session_id: SessionId | None = None) -> int:
        """Return 0: no event is known."""
        return 0

    async def ping(self) -> None:
        """Return: there is nothing to reach."""

    async def list_dead(self, *, limit: int, after: str | None = None) -> list[DeadLetter]:
        """Return nothing: no event ever died."""
        return []

    async def find(self, ids: Sequence[str]) -> AsyncIterator[DeadLetter]:
        """Yield nothing: no event ever died."""
        for letter in await self.list_dead(limit=len(ids)):
            yield letter

    async def replay(self, ids: Sequence[str]) -> int:
        """Return 0: there is nothing to put back."""
        return 0

    async def drop(self, ids: Sequence[str]) -> int:
        """Return 0: there is nothing to remove."""
        return 0
