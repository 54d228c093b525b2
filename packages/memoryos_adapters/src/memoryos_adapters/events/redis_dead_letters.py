"""The dead letters of the stream: listed, put back, dropped."""

from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final, TypeAlias

from memoryos_adapters.events.redis_entries import Entry, Fields, fields_of, read_entry
from memoryos_adapters.events.redis_letters import originals_of, read_letter
from memoryos_adapters.events.redis_partitions import Partition, Partitions
from memoryos_adapters.events.redis_receipts import Receipts, receipt_keys
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.dead_letters import DeadLetter
from memoryos_ports.ids import EventId, Scope, TenantId, UserId

_AT_ONCE: Final = 100  # ids that are looked up by one call
_Place: TypeAlias = tuple[int, int, int]


class StreamDeadLetters:
    """The streams of dead letters of all partitions; the id of a letter is its entry's, and tells its partition."""

    def __init__(self, redis: RedisDatabase, script: EventScript, partitions: Partitions, receipts: Receipts) -> None:
        self._redis = redis
        self._script = script
        self._partitions = partitions
        self._receipts = receipts

    async def list_dead(self, *, limit: int, after: str | None) -> list[DeadLetter]:
        """Return up to `limit` of them, oldest first, those after the id `after`; fewer at once when they are large."""
        last = self._partitions.locate(after) if after else None
        found: list[tuple[_Place, DeadLetter]] = []
        ends: list[_Place] = []  # of pages that are not the last: beyond the first of them something may be missing
        for partition in self._partitions:
            has_more, page = await self._page(partition, limit, last)
            found += page
            ends += [page[-1][0]] if has_more and page else []
        found.sort(key=itemgetter(0))
        return [letter for place, letter in found if not ends or place <= min(ends)][:limit]

    async def find(self, ids: Sequence[str]) -> AsyncIterator[DeadLetter]:
        """Yield those with these ids, oldest first; few are held at a time, as they may be large."""
        wanted = set(ids)
        places = sorted({_place(id, partition) for partition, id in filter(None, map(self._partitions.locate, ids))})
        for number, run in groupby(places, key=itemgetter(2)):
            async for letter in self._look_up(self._partitions[number], [f"{ms}-{seq}" for ms, seq, _ in run]):
                if letter.id in wanted:  # not one whose id was written in another way
                    yield letter

    async def replay(self, ids: Sequence[str]) -> int:
        """Put originals back; one that cannot be put back stays."""
        return sum([await self._replay(id) for id in ids])

    async def drop(self, ids: Sequence[str]) -> int:
        """Remove dead letters for good; their receipts expire like those of stored events."""
        return sum([await self._drop(id) for id in ids])

    async def _drop(self, letter: str) -> int:
        located = self._partitions.locate(letter)
        dropped = await self._script.on(located[0], "drop", located[1]) if located else None
        if located is None or dropped is None:
            return 0
        source_id, event_id, tenant_id, user_id = (part.decode(errors="replace") for part in dropped)
        scope = Scope(tenant_id=TenantId(tenant_id), user_id=UserId(user_id))
        await self._receipts.expire(scope, EventId(event_id), handle=located[0].handle(source_id))
        return 1

    async def _replay(self, letter: str) -> int:
        located = self._partitions.locate(letter)
        if located is None:
            return 0
        partition, id = located
        found = await self._redis.execute("XRANGE", partition.letters, id, id)
        fields = fields_of(found[0][1]) if found else {}
        original = _original_of(fields, letter)
        if original is None:
            return 0
        source_id = fields.get(b"source_id", b"").decode(errors="replace")
        return await self._put_back(partition, id, *original, source=partition.handle(source_id) if source_id else "")

    async def _put_back(
        self, partition: Partition, letter: str, entry: Entry, flat: list[bytes], *, source: str
    ) -> int:
        """Put back what was the entry `source`; return how many letters there were.

        A receipt on another server is let go of first: a consumer may end the new entry before it can be noted.
        """
        receipt = receipt_keys(entry.scope, entry.event_id) if entry.scope else ()
        is_apart = self._script.apart and bool(receipt)
        if is_apart:
            await self._script.at(receipt, "unbind", source)
        args = (letter, source, partition.suffix)
        new = await self._script.on(partition, "replay", *args, *flat, receipt=receipt, durable=True)
        if is_apart and new is not None:
            await self._script.at(receipt, "note_replay", partition.handle(new.decode()))
        return int(new is not None)

    async def _look_up(self, partition: Partition, ids: list[str]) -> AsyncIterator[DeadLetter]:
        start = 0
        while some := ids[start : start + _AT_ONCE]:
            looked_up, found = await self._script.at((partition.letters,), "find", *some)
            for id, flat in found:
                yield read_letter(fields_of(flat), id=partition.handle(id.decode()))
            start += looked_up

    async def _page(
        self, partition: Partition, limit: int, last: tuple[Partition, str] | None
    ) -> tuple[bool, list[tuple[_Place, DeadLetter]]]:
        start = "-"
        if last is not None:  # letters of one moment are in the order of their partitions
            start = last[1] if partition.number > last[0].number else f"({last[1]}"
        has_more, page = await self._script.at((partition.letters,), "page", start, limit)
        letters = [(id.decode(), fields_of(flat)) for id, flat in page]
        return bool(has_more), [
            (_place(id, partition), read_letter(fields, id=partition.handle(id))) for id, fields in letters
        ]


def _place(id: str, partition: Partition) -> _Place:
    ms, _, seq = id.partition("-")
    return int(ms), int(seq), partition.number


def _original_of(fields: Fields, letter: str) -> tuple[Entry, list[bytes]] | None:
    """Return what the entry of a letter says, and its fields, names and values in turn; None when it cannot be told."""
    originals = originals_of(fields)
    if originals is None:
        return None
    known_as = fields.get(b"event_id", b"").decode(errors="replace")
    entry = read_entry(dict(originals), handle=known_as or letter)
    flat = [part for field in originals for part in field]
    if entry.event_id == known_as and b"event_id" not in dict(originals):  # it was called by the name of its entry
        flat += [b"event_id", known_as.encode()]
    return entry, flat
