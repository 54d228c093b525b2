"""Taking events in: one atomic step where one server holds every key, three steps in a cluster."""

import asyncio
from typing import Final

from memoryos_adapters.events.redis_partitions import Partition, Partitions, receipt_keys
from memoryos_adapters.events.redis_receipts import Receipts, queued_receipt
from memoryos_adapters.events.redis_script import EventScript
from memoryos_ports.errors import Overloaded
from memoryos_ports.event_wire import encode_event
from memoryos_ports.events import Event, Published, content_hash

_CLAIM_MS: Final = 2_000  # after that, who began to publish an event and did not end is taken to be dead
_PAUSE_S: Final = 0.01


class Publishing:
    """Puts events into the stream, each once for its (scope, event_id); beyond `max_queue` entries none.

    One whose entry was removed by other hands before it ended (XDEL, XTRIM, a failover) is taken in again.
    """

    def __init__(self, script: EventScript, partitions: Partitions, receipts: Receipts, *, max_queue: int) -> None:
        self._script = script
        self._partitions = partitions
        self._receipts = receipts
        self._max_queue = max_queue

    async def publish(self, event: Event) -> Published:
        """Take an event in, unless it is known and either ended or still in the stream."""
        scope = event.scope
        take_in = self._in_three_steps if self._script.apart else self._in_one_step
        partition, receipt = self._partitions.of(scope), receipt_keys(scope, event.event_id)
        outcome = await take_in(event, partition, receipt)
        while outcome == b"same" and await self._receipts.has_lost(receipt):
            outcome = await take_in(event, partition, receipt)
        queued = queued_receipt(scope, event.event_id, pages=len(event.messages))
        if outcome == b"new":
            return Published(outcome="new", receipt=queued)
        known = await self._receipts.find(scope, event.event_id)
        return Published(outcome="same" if outcome == b"same" else "other", receipt=known or queued)

    async def _in_one_step(self, event: Event, partition: Partition, receipt: tuple[str, str]) -> bytes:
        facts = (event.event_id, encode_event(event), content_hash(event.messages), len(event.messages))
        outcome: bytes = await self._script.on(
            partition, "publish", *facts, self._max_queue, partition.suffix, _CLAIM_MS, receipt=receipt, durable=True
        )
        if outcome == b"full":
            raise Overloaded("event queue")
        return outcome

    async def _in_three_steps(self, event: Event, partition: Partition, receipt: tuple[str, str]) -> bytes:
        """Claim the receipt, append the event, confirm the receipt.

        Who dies amid this leaves a claim; a retry appends the event again then: it is applied once.
        """
        outcome = await self._claim(event, receipt)
        if outcome != b"new":
            return outcome
        append = (event.event_id, encode_event(event), self._max_queue)
        entry = await self._script.on(partition, "append", *append, durable=True)
        if entry is None:
            await self._script.at(receipt, "unclaim", event.event_id)
            raise Overloaded("event queue")
        await self._script.at(receipt, "confirm", partition.handle(entry.decode()), durable=True)
        return outcome

    async def _claim(self, event: Event, receipt: tuple[str, str]) -> bytes:
        facts = (event.event_id, content_hash(event.messages), len(event.messages), _CLAIM_MS)
        while True:
            outcome: bytes = await self._script.at(receipt, "claim", *facts, durable=True)
            if outcome != b"busy":
                return outcome
            await asyncio.sleep(_PAUSE_S)
