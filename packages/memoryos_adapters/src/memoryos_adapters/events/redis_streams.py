"""The event log on Redis streams: a consumer group reads it, a stream beside it keeps the dead letters."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, ParamSpec, TypeVar

from memoryos_adapters.events.redis_consumer import Consumer
from memoryos_adapters.events.redis_dead_letters import StreamDeadLetters
from memoryos_adapters.events.redis_endings import Endings
from memoryos_adapters.events.redis_erasing import Erasing
from memoryos_adapters.events.redis_partitions import Partitions
from memoryos_adapters.events.redis_publishing import Publishing
from memoryos_adapters.events.redis_reading import Reading
from memoryos_adapters.events.redis_receipts import Receipts
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.events.redis_takeover import Takeover
from memoryos_adapters.events.redis_upkeep import Upkeep
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.settings import WorkerSettings
from memoryos_ports.clock import Clock
from memoryos_ports.dead_letters import DeadLetter
from memoryos_ports.events import Delivery, Event, Published, QueueStats, Receipt
from memoryos_ports.ids import EventId, Scope, SessionId

_P = ParamSpec("_P")
_T = TypeVar("_T", bound="RedisEvents")

LEASE_S: Final = 10.0
"""For how long a consumer's name is leased; a newcomer of that name waits so long for it."""


class RedisEvents:
    """An `EventLog` with its `DeadLetters`, for consumers in any number of processes; opened by `open`.

    At most `max_queue` entries are in the stream (in each, when there are partitions); beyond it a publication raises
    Overloaded. `attempts` counts every try that ended, the one that succeeded included. Receipts of stored events
    expire `receipts_days` after they were stored (0: never).

    An entry stays in the stream until it is acknowledged or buried; with groups beside ours, until all are done with
    it. What a consumer of a live process holds is never taken over; of one that died it is, once it was idle for
    `claim_idle_ms`.
    """

    def __init__(
        self,
        redis: RedisDatabase,
        clock: Clock,
        settings: WorkerSettings,
        *,
        max_queue: int = 100_000,
        receipts_days: int = 30,
        lease_s: float = LEASE_S,
    ) -> None:
        """Raise ConfigurationError for a stream without a hash tag in a cluster. Nothing is sent yet."""
        script = EventScript(redis)
        partitions = Partitions(settings, is_cluster=redis.is_cluster)
        self._redis = redis
        self._receipts = Receipts(redis, script, partitions, clock, days=receipts_days)
        self._publishing = Publishing(script, partitions, self._receipts, max_queue=max_queue)
        self._consumer = Consumer(redis, script, partitions, settings, lease_s=lease_s)
        self._upkeep = Upkeep(redis, script, partitions, self._consumer)
        takeover = Takeover(redis, script, partitions, self._consumer, claim_idle_ms=settings.claim_idle_ms)
        self._reading = Reading(redis, script, partitions, self._consumer, self._upkeep, takeover, settings)
        self._endings = Endings(redis, script, partitions, self._consumer, self._receipts, clock)
        self._letters = StreamDeadLetters(redis, script, partitions, self._receipts)
        self._erasing = Erasing(redis, script, partitions, self._consumer)

    @classmethod
    @asynccontextmanager
    async def open(cls: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> AsyncIterator[_T]:
        """Make the log, and at the end give back the lease of its consumer, if it received anything.

        Takes what the constructor takes, and raises what it raises.
        """
        events = cls(*args, **kwargs)
        try:
            yield events
        finally:
            await events._consumer.aclose()

    async def join(self) -> bool:
        """Return whether the name of the consumer is leased to this process; `receive` asks by itself.

        Raises ConfigurationError when another process has gone on using the name for longer than a lease lasts.
        """
        return await self._consumer.join()

    async def publish(self, event: Event) -> Published:
        """Take an event in, unless its (scope, event_id) is known."""
        return await self._publishing.publish(event)

    async def contest(self, event: Event) -> None:
        """Add an event whose id is known with other content, for a consumer to decide; no receipt is changed.

        Who applies it finds the first content stored and buries it: it is a dead letter like others then. Durable on
        return; raises as `publish` does.
        """
        await self._publishing.contest(event)

    async def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
        """Return up to `limit` events: left ones that are due, those of dead consumers, then new ones, oldest first.

        Raises ConfigurationError as `join` does.
        """
        return await self._reading.receive(limit=limit, wait_s=wait_s)

    async def ack(self, delivery: Delivery) -> None:
        """Note that the event is applied; its payload goes with the entry."""
        await self._endings.ack(delivery)

    async def leave(self, delivery: Delivery, *, error: str, retry_in_s: float, attempted: bool = True) -> None:
        """Give an event back, due again after `retry_in_s`, for any consumer of the group."""
        await self._endings.leave(delivery, error=error, retry_in_s=retry_in_s, attempted=attempted)

    async def bury(self, delivery: Delivery, *, error: str) -> None:
        """Move an event to the dead letters with the reason."""
        await self._endings.bury(delivery, error=error)

    async def receipt(self, scope: Scope, event_id: EventId) -> Receipt | None:
        """Return what became of an event, None when it is not known; one that was typed is once it was tried."""
        return await self._receipts.find(scope, event_id)

    async def settled(self, scope: Scope, event_id: EventId, *, timeout_s: float) -> Receipt | None:
        """Return the receipt as soon as it says stored or dead, or whatever it says after `timeout_s`."""
        return await self._receipts.settled(scope, event_id, timeout_s=timeout_s)

    async def stats(self) -> QueueStats:
        """Return the state of the queue; an event's age counts from its entry, by the server's clock."""
        return await self._upkeep.stats()

    async def purge(self, *, before: datetime) -> int:
        """Forget receipts of events stored before this moment, and tidy up; return how many had not expired."""
        await self._upkeep.tidy()
        return await self._receipts.purge(before=before)

    async def tidy(self) -> None:
        """Remove what every group is done with, and consumers that are gone and have nothing pending."""
        await self._upkeep.tidy()

    async def erase(self, scope: Scope, *, session_id: SessionId | None = None) -> int:
        """Remove events of a scope; a delivery of one that this process still holds has a handle without an entry then.

        What another process has in hand is waited for, a few seconds at most, and then left to it.
        """
        return await self._erasing.erase(scope, session_id)

    async def ping(self) -> None:
        """Return when Redis takes writes."""
        await self._redis.ping()

    async def list_dead(self, *, limit: int, after: str | None = None) -> list[DeadLetter]:
        """Return up to `limit` dead letters, oldest first, those after the id `after`."""
        return await self._letters.list_dead(limit=limit, after=after)

    def find(self, ids: Sequence[str]) -> AsyncIterator[DeadLetter]:
        """Yield the dead letters with these ids, oldest first."""
        return self._letters.find(ids)

    async def replay(self, ids: Sequence[str]) -> int:
        """Put originals back into the stream; return how many there were."""
        return await self._letters.replay(ids)

    async def drop(self, ids: Sequence[str]) -> int:
        """Remove dead letters for good; return how many there were. Their receipts expire as those of stored events."""
        return await self._letters.drop(ids)
