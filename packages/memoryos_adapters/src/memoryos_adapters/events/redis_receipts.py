"""Receipts of events in Redis: what became of each, and who publishes it."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import msgspec

from memoryos_adapters.events.redis_entries import Entry, describe_content
from memoryos_adapters.events.redis_partitions import Partitions
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.micros import to_micros
from memoryos_adapters.redis_database import RedisDatabase, scope_prefix
from memoryos_ports.clock import Clock
from memoryos_ports.events import EventState, Receipt
from memoryos_ports.ids import EventId, Scope, page_id

_FIELDS: Final = ("state", "entry", "pages", "attempts", "error")
_FIRST_PAUSE_S: Final = 0.01
_LONGEST_PAUSE_S: Final = 0.2


class Receipts:
    """Receipts; those of stored events expire by themselves `days` after they were stored (0: never).

    So do those of dead ones whose letter was dropped, `days` after that.
    """

    def __init__(
        self, redis: RedisDatabase, script: EventScript, partitions: Partitions, clock: Clock, *, days: int
    ) -> None:
        self._redis = redis
        self._script = script
        self._partitions = partitions
        self._clock = clock
        self._kept = timedelta(days=days)
        self.keep_ms = self._kept // timedelta(milliseconds=1)

    async def find(self, scope: Scope, event_id: EventId) -> Receipt | None:
        """Return what became of an event, None when it is not known."""
        key, _ = receipt_keys(scope, event_id)
        state, entry, pages, attempts, error = await self._redis.execute("HMGET", key, *_FIELDS)
        if state is None:
            return None
        receipt = queued_receipt(scope, event_id, pages=int(pages), error=error.decode() if error else None)
        if state != b"queued":
            return _changed(receipt, state.decode(), int(attempts))
        return await self._of_the_stream(receipt, entry.decode())

    async def has_lost(self, receipt: tuple[str, str]) -> bool:
        """Return whether the entry of an event that waits is not in the stream; the receipt forgets it then."""
        state, entry = await self._redis.execute("HMGET", receipt[0], "state", "entry")
        located = self._partitions.locate(entry.decode()) if state == b"queued" else None
        if located is None or await self._script.on(located[0], "has", located[1]):
            return False
        await self._script.at(receipt, "lose", entry)
        return True

    async def settled(self, scope: Scope, event_id: EventId, *, timeout_s: float) -> Receipt | None:
        """Return the receipt as soon as it says stored or dead, or whatever it says after `timeout_s`."""
        loop = asyncio.get_running_loop()
        deadline, pause_s = loop.time() + timeout_s, _FIRST_PAUSE_S
        while True:
            receipt = await self.find(scope, event_id)
            patience_s = deadline - loop.time()
            if patience_s <= 0 or (receipt is not None and receipt.state in ("stored", "dead")):
                return receipt
            await asyncio.sleep(min(pause_s, patience_s))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def note(
        self, entry: Entry, state: EventState, *, handle: str, attempts: int, error: str = "", is_new: bool = True
    ) -> bool:
        """Note what became of an entry; return whether that is known now. `is_new` also makes a receipt."""
        if entry.scope is None:
            return True
        content, pages = describe_content(entry.payload) if is_new else ("", 0)
        facts = (state, attempts, to_bytes(error), content, pages, handle, entry.event_id, self.keep_ms)
        return bool(await self._script.at(receipt_keys(entry.scope, entry.event_id), "note", *facts))

    async def expire(self, scope: Scope, event_id: EventId, *, handle: str) -> None:
        """Let the receipt of an entry that is dead expire as if it were stored, unless receipts are kept for ever."""
        if self._kept:
            await self._script.at(receipt_keys(scope, event_id), "expire", event_id, handle, self.keep_ms)

    async def purge(self, *, before: datetime) -> int:
        """Forget receipts of events stored before this moment; return how many. Looks at all when it must."""
        before_ms = to_micros(before) // 1000
        if before_ms <= 0 or (self._kept and before <= self._clock.now() - self._kept):
            return 0
        purged = 0
        async for key in self._redis.keys("memoryos:{*}:event:*"):
            index, event_id = _event_of(key)
            purged += await self._script.at((key, index), "purge", event_id, before_ms)
        return purged

    async def _of_the_stream(self, receipt: Receipt, handle: str) -> Receipt:
        """Return the receipt of an event that waits or is in somebody's hands, which the stream knows best."""
        located = self._partitions.locate(handle)
        if located is None:
            return receipt
        partition, entry = located
        is_in_hand, attempts = await self._script.on(partition, "state", partition.group, entry)
        return _changed(receipt, "processing" if is_in_hand else "queued", attempts)


def receipt_keys(scope: Scope, event_id: str) -> tuple[str, str]:
    """Return the keys of an event's receipt and of the index of its scope's receipts."""
    prefix = scope_prefix(scope)
    return f"{prefix}:event:{event_id}", f"{prefix}:events"


def queued_receipt(scope: Scope, event_id: EventId, *, pages: int, error: str | None = None) -> Receipt:
    """Return the receipt of an event that was just taken in."""
    memory_ids = tuple(page_id(scope, event_id, index) for index in range(pages))
    return Receipt(event_id=event_id, state="queued", error=error, memory_ids=memory_ids)


def to_bytes(text: str) -> bytes:
    """Return a text as UTF-8, whatever an error put into it."""
    return text.encode(errors="backslashreplace")


def _event_of(receipt_key: str) -> tuple[str, EventId]:
    """Return the index and the event_id that belong to the key of a receipt."""
    prefix, _, event_id = receipt_key.partition("}:event:")
    return f"{prefix}}}:events", EventId(event_id)


def _changed(receipt: Receipt, state: EventState, attempts: int) -> Receipt:
    return msgspec.structs.replace(receipt, state=state, attempts=attempts)
