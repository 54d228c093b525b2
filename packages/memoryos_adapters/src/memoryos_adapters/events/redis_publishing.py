"""Taking events in: one atomic step where one server holds every key, three steps in a cluster."""

import asyncio
from typing import Any, Final, Literal

from memoryos_adapters.events.redis_partitions import Partitions
from memoryos_adapters.events.redis_receipts import Receipts, queued_receipt, receipt_keys
from memoryos_adapters.events.redis_script import EventScript
from memoryos_ports.errors import Overloaded
from memoryos_ports.event_wire import encode_event
from memoryos_ports.events import Event, Published, content_hash

_KNOWN: Final[dict[bytes, Literal["same", "other"]]] = {b"same": "same", b"other": "other"}
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
        receipt = receipt_keys(event.scope, event.event_id)
        outcome = await self._take_in(event, receipt)
        while outcome == b"same" and await self._receipts.has_lost(receipt):
            outcome = await self._take_in(event, receipt)
        queued = queued_receipt(event.scope, event.event_id, pages=len(event.messages))
        if outcome == b"new":
            return Published(outcome="new", receipt=queued)
        known = await self._receipts.find(event.scope, event.event_id)
        return Published(outcome=_KNOWN[outcome], receipt=known or queued)

    async def contest(self, event: Event) -> None:
        """Add an event whatever is known of its id, and change no receipt."""
        if await self._append(event) is None:
            raise Overloaded("event queue")

    async def _take_in(self, event: Event, receipt: tuple[str, str]) -> bytes:
        """Return new, same or other, as soon as nobody else is about to publish the event."""
        take_in = self._in_three_steps if self._script.apart else self._in_one_step
        while True:
            outcome = await take_in(event, receipt)
            if outcome == b"full":
                raise Overloaded("event queue")
            if outcome != b"busy":
                return outcome
            await asyncio.sleep(_PAUSE_S)

    async def _in_one_step(self, event: Event, receipt: tuple[str, str]) -> bytes:
        facts = (event.event_id, encode_event(event), content_hash(event.messages), len(event.messages))
        partition = self._partitions.of(event.scope)
        outcome: bytes = await self._script.on(
            partition, "publish", *facts, self._max_queue, partition.suffix, _CLAIM_MS, receipt=receipt, durable=True
        )
        return outcome

    async def _in_three_steps(self, event: Event, receipt: tuple[str, str]) -> bytes:
        """Claim the receipt, append the event, confirm the receipt.

        Who dies amid this leaves a claim; a retry appends the event again then: it is applied once.
        """
        facts = (event.event_id, content_hash(event.messages), len(event.messages), _CLAIM_MS)
        outcome: bytes = await self._script.at(receipt, "claim", *facts, durable=True)
        if outcome != b"new":
            return outcome
        entry = await self._append(event)
        if entry is None:
            await self._script.at(receipt, "unclaim", event.event_id)
            return b"full"
        handle = self._partitions.of(event.scope).handle(entry.decode())
        await self._script.at(receipt, "confirm", handle, durable=True)
        return outcome

    async def _append(self, event: Event) -> Any:
        """Add an entry; return its id, None when the queue is full."""
        append = (event.event_id, encode_event(event), self._max_queue)
        return await self._script.on(self._partitions.of(event.scope), "append", *append, durable=True)
