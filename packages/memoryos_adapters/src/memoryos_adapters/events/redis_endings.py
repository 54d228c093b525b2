"""The end of a delivery: applied, given back, or buried; only by the consumer that holds it."""

import asyncio
from typing import Any, Final

from loguru import logger

from memoryos_adapters.events.redis_consumer import Consumer
from memoryos_adapters.events.redis_entries import Entry, pairs_of, read_payload
from memoryos_adapters.events.redis_letters import letter_fields
from memoryos_adapters.events.redis_partitions import Partition, Partitions
from memoryos_adapters.events.redis_receipts import Receipts, receipt_keys, to_bytes
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.redis_servers import Argument
from memoryos_ports.clock import Clock
from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.events import Delivery, EventState
from memoryos_ports.ids import EventId

_STATES: Final[dict[str, EventState]] = {"ack": "stored", "leave": "queued", "bury": "dead"}


class Endings:
    """Ends deliveries of this process's consumer; of one that it does not hold any more nothing changes.

    A receipt that cannot be written is logged and stops nothing. Where the entry itself cannot be ended, for a reason
    that nobody foresaw (UpstreamProtocolError), it stays in hand: it is not handed out again as long as this process
    lives, and being taken over then is an attempt.
    """

    def __init__(
        self,
        redis: RedisDatabase,
        script: EventScript,
        partitions: Partitions,
        consumer: Consumer,
        receipts: Receipts,
        clock: Clock,
    ) -> None:
        self._redis = redis
        self._script = script
        self._partitions = partitions
        self._consumer = consumer
        self._receipts = receipts
        self._clock = clock
        self._burying = asyncio.Lock()  # one by one: many large letters at once would take too long for each

    async def ack(self, delivery: Delivery) -> None:
        """Note that the event is applied."""
        await self._end(delivery, "ack")

    async def leave(self, delivery: Delivery, *, error: str, retry_in_s: float, attempted: bool) -> None:
        """Give an event back, due again after `retry_in_s`."""
        rest_ms = max(0, round(retry_in_s * 1000))
        await self._end(delivery, "leave", rest_ms, int(attempted), to_bytes(error), error=error)

    async def bury(self, delivery: Delivery, *, error: str) -> None:
        """Move an event to the dead letters, its fields as they were."""
        located = self._partitions.locate(delivery.handle)
        if located is None:
            return
        async with self._burying:
            await self._bury(delivery, *located, error)

    async def _bury(self, delivery: Delivery, partition: Partition, id: str, error: str) -> None:
        found = await self._redis.execute("XRANGE", partition.stream, id, id)
        original = pairs_of(found[0][1]) if found else [(b"payload", delivery.payload)]
        letter = letter_fields(
            original,
            _entry_of(delivery),
            stream=partition.stream,
            entry_id=id,
            error=to_bytes(error),
            failed_at=self._clock.now(),
        )
        await self._end(delivery, "bury", to_bytes(error), error=error, extra=letter)

    async def _end(
        self, delivery: Delivery, command: str, *args: Argument, error: str = "", extra: list[str | bytes] | None = None
    ) -> None:
        located = self._partitions.locate(delivery.handle)
        if located is None:
            return
        partition, id = located
        entry, handle, state = _entry_of(delivery), delivery.handle, _STATES[command]
        who = (partition.group, self._consumer.name, id)
        is_known = False
        if self._script.apart and state != "queued":  # the receipt first: who dies in between ends it once more
            attempts = await self._script.on(partition, "hold", *who)
            is_known = attempts is not None and await self._note(
                entry, state, handle=handle, attempts=attempts, error=error, is_new=False
            )
        receipt = receipt_keys(entry.scope, entry.event_id) if entry.scope else ()
        fact = (handle, entry.event_id, self._receipts.keep_ms)
        ended = await self._script.on(partition, command, *who, *args, *fact, *(extra or ()), receipt=receipt)
        self._consumer.let_go(delivery)
        if ended is None or is_known:
            return
        attempts, is_known, failure = ended
        if failure:
            _complain(entry, failure.decode(errors="replace"))
        elif self._script.apart or not is_known:
            await self._note(entry, state, handle=handle, attempts=attempts, error=error)

    async def _note(self, entry: Entry, state: EventState, **facts: Any) -> bool:
        """Note what became of an entry; return whether that is known, or never will be."""
        try:
            return await self._receipts.note(entry, state, **facts)
        except UpstreamProtocolError as exc:  # something else is in the receipt's place: the entry ends all the same
            _complain(entry, str(exc))
            return True


def _complain(entry: Entry, failure: str) -> None:
    logger.bind(event_id=entry.event_id, error=failure).error("receipt not written")


def _entry_of(delivery: Delivery) -> Entry:
    return read_payload(delivery.payload, event_id=delivery.event_id or EventId(delivery.handle))
