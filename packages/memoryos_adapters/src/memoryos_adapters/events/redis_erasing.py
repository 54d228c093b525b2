"""Removing what the log holds of a scope: queued, in hand, dead and stored, payloads and receipts."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final

from memoryos_adapters.events.redis_entries import Entry, fields_of, read_entry
from memoryos_adapters.events.redis_letters import originals_of
from memoryos_adapters.events.redis_partitions import Partition, Partitions, receipt_keys
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.ids import EventId, Scope, SessionId

_PAGE: Final = 200
_AT_ONCE: Final = 16


class Erasing:
    """Erases scopes and sessions. The streams are read through: nothing else tells what people have typed."""

    def __init__(self, redis: RedisDatabase, script: EventScript, partitions: Partitions) -> None:
        self._redis = redis
        self._script = script
        self._partitions = partitions

    async def erase(self, scope: Scope, session_id: SessionId | None) -> int:
        """Remove the events of a scope, or those of one session that have content here; return how many."""
        erased: set[EventId] = set() if session_id else await self._erase_known(scope)
        for partition in self._partitions:
            async for id, entry in self._entries(partition):
                if entry.scope == scope and session_id in (None, entry.session_id):
                    erased |= await self._forget(partition, scope, entry.event_id, entry=id)
            async for id, entry in self._letters(partition):
                if entry.scope == scope and session_id in (None, entry.session_id):
                    erased |= await self._forget(partition, scope, entry.event_id, letter=id)
        return len(erased)

    async def _erase_known(self, scope: Scope) -> set[EventId]:
        """Forget the events that have receipts, page by page."""
        _, index = receipt_keys(scope, "")
        erased: set[EventId] = set()
        while known := [EventId(each.decode()) for each in await self._redis.execute("ZRANGE", index, 0, _PAGE - 1)]:
            keys = [receipt_keys(scope, event_id)[0] for event_id in known]
            entries = await self._redis.pipeline([("HGET", key, "entry") for key in keys])
            for start in range(0, len(known), _AT_ONCE):
                some = zip(known[start : start + _AT_ONCE], entries[start : start + _AT_ONCE], strict=True)
                erased |= await self._forget_all(scope, some)
        return erased

    async def _forget_all(self, scope: Scope, known: Iterable[tuple[EventId, bytes | None]]) -> set[EventId]:
        forgetting = []
        for event_id, handle in known:
            partition, entry = self._partitions.locate(handle.decode() if handle else "") or (self._partitions[0], "")
            forgetting.append(self._forget(partition, scope, event_id, entry=entry))
        return set().union(*await asyncio.gather(*forgetting))

    async def _forget(
        self, partition: Partition, scope: Scope, event_id: EventId, *, entry: str = "", letter: str = ""
    ) -> set[EventId]:
        """Remove an entry or a dead letter, and the receipt; return the event_id when there was any of them."""
        receipt = receipt_keys(scope, event_id)
        found = await self._script.on(partition, "forget", entry, letter, event_id, receipt=receipt, durable=True)
        if self._script.apart:
            found += await self._script.at(receipt, "forget_receipt", event_id, durable=True)
        return {event_id} if found else set()

    async def _entries(self, partition: Partition) -> AsyncIterator[tuple[str, Entry]]:
        async for id, fields in self._read(partition.stream):
            yield id, read_entry(fields, handle=partition.handle(id))

    async def _letters(self, partition: Partition) -> AsyncIterator[tuple[str, Entry]]:
        async for id, fields in self._read(partition.letters):
            known_as = fields.get(b"event_id", b"").decode(errors="replace")
            yield id, read_entry(dict(originals_of(fields) or ()), handle=known_as or partition.handle(id))

    async def _read(self, stream: str) -> AsyncIterator[tuple[str, dict[bytes, bytes]]]:
        start = "-"
        has_more = True
        while has_more:
            has_more, page = await self._script.at((stream,), "page", start, _PAGE)
            for id, flat in page:
                yield id.decode(), fields_of(flat)
                start = f"({id.decode()}"
