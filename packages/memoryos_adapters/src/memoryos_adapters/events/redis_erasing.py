"""Removing what the log holds of a scope: queued, in hand, dead and stored, payloads and receipts."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, Literal

import msgspec

from memoryos_adapters.events.redis_consumer import Consumer
from memoryos_adapters.events.redis_entries import Entry, fields_of, read_entry
from memoryos_adapters.events.redis_letters import originals_of
from memoryos_adapters.events.redis_partitions import Partition, Partitions
from memoryos_adapters.events.redis_receipts import receipt_keys
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.ids import EventId, Scope, SessionId

_PAGE: Final = 200
_AT_ONCE: Final = 16
_PATIENCE_S: Final = 2.0
_PAUSE_S: Final = 0.02


class _Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of an event: its receipt, and beside it an entry or a dead letter where that is known."""

    partition: Partition
    event_id: EventId
    entry: str = ""
    letter: str = ""


class Erasing:
    """Erases scopes and sessions. The streams are read through: nothing else tells what people have typed.

    What another process has in hand may be half applied: it stays in the stream, so that whoever dies amid its work is
    taken over, and is dropped by whoever ends it. What a dead process had in hand goes, as does what our own has: this
    process sees itself to it that it does not apply what it erases.
    """

    def __init__(self, redis: RedisDatabase, script: EventScript, partitions: Partitions, consumer: Consumer) -> None:
        self._redis = redis
        self._script = script
        self._partitions = partitions
        self._consumer = consumer

    async def erase(self, scope: Scope, session_id: SessionId | None) -> int:
        """Remove the events of a scope, or those of one session that have content here; return how many.

        What is in hand elsewhere is waited for. What still is then counts, this time and each time until it is gone.
        """
        in_hand: set[_Trace] = set()
        erased: set[EventId] = set() if session_id else await self._erase_known(scope, in_hand)
        async for trace in self._traces(scope, session_id, "entry"):
            erased |= await self._forget(scope, trace, in_hand)
        await self._wait_for(scope, in_hand)
        async for trace in self._traces(scope, session_id, "letter"):  # also of what was buried meanwhile
            erased |= await self._forget(scope, trace, set())
        return len(erased)

    async def _erase_known(self, scope: Scope, in_hand: set[_Trace]) -> set[EventId]:
        """Forget the events that have receipts, page by page; what is `in_hand` keeps its own for now."""
        _, index = receipt_keys(scope, "")
        erased: set[EventId] = set()
        while page := await self._redis.execute("ZRANGE", index, len(in_hand), len(in_hand) + _PAGE - 1):
            known = [EventId(each.decode()) for each in page]
            keys = [receipt_keys(scope, event_id)[0] for event_id in known]
            entries = await self._redis.pipeline([("HGET", key, "entry") for key in keys])
            traces = [self._trace(*each) for each in zip(known, entries, strict=True)]
            for start in range(0, len(traces), _AT_ONCE):
                erased |= await self._forget_all(scope, traces[start : start + _AT_ONCE], in_hand)
        return erased

    def _trace(self, event_id: EventId, handle: bytes | None) -> _Trace:
        partition, entry = self._partitions.locate(handle.decode() if handle else "") or (self._partitions[0], "")
        return _Trace(partition=partition, event_id=event_id, entry=entry)

    async def _forget_all(self, scope: Scope, traces: Iterable[_Trace], in_hand: set[_Trace]) -> set[EventId]:
        return set().union(*await asyncio.gather(*(self._forget(scope, trace, in_hand) for trace in traces)))

    async def _wait_for(self, scope: Scope, in_hand: set[_Trace]) -> None:
        """Wait until what others have in hand has ended, and remove what they left; after a while only the receipts,
        so that the same event is taken in again.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE_S
        while in_hand and loop.time() < deadline:
            await asyncio.sleep(_PAUSE_S)
            waiting, in_hand = in_hand, set()
            await self._forget_all(scope, waiting, in_hand)
        await self._forget_all(scope, (msgspec.structs.replace(trace, entry="") for trace in in_hand), set())

    async def _forget(self, scope: Scope, trace: _Trace, in_hand: set[_Trace]) -> set[EventId]:
        """Remove a trace, or add it to what is `in_hand`; return the event_id when there was any."""
        found, holder = await self._try_to_forget(scope, trace)
        if holder and not await self._consumer.are_alive({holder}):
            found, holder = await self._try_to_forget(scope, trace, holder)
        if holder:
            in_hand.add(trace)
        elif self._script.apart:
            receipt = receipt_keys(scope, trace.event_id)
            found += await self._script.at(receipt, "forget_receipt", trace.event_id, durable=True)
        return {trace.event_id} if found else set()

    async def _try_to_forget(self, scope: Scope, trace: _Trace, *dead: str) -> tuple[int, str]:
        """Return how much there was, and which other consumer has it in hand, but the dead."""
        what = (trace.entry, trace.letter, trace.event_id)
        whose = (trace.partition.group, self._consumer.name, *dead)
        receipt = receipt_keys(scope, trace.event_id)
        found, holder = await self._script.on(trace.partition, "forget", *what, *whose, receipt=receipt, durable=True)
        return found, holder.decode()

    async def _traces(
        self, scope: Scope, session_id: SessionId | None, kind: Literal["entry", "letter"]
    ) -> AsyncIterator[_Trace]:
        """Yield the entries or the dead letters of a scope, or of one of its sessions."""
        for partition in self._partitions:
            async for id, entry in self._entries(partition) if kind == "entry" else self._letters(partition):
                if entry.scope == scope and session_id in (None, entry.session_id):
                    yield _Trace(partition=partition, event_id=entry.event_id, **{kind: id})

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
