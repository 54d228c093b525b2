"""The dead letters of the stream: listed, put back, dropped."""

from collections.abc import Sequence

from memoryos_adapters.events.redis_entries import fields_of, read_entry
from memoryos_adapters.events.redis_letters import originals_of, read_letter
from memoryos_adapters.events.redis_partitions import Partition, Partitions, receipt_keys
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.dead_letters import DeadLetter


class StreamDeadLetters:
    """The streams of dead letters of all partitions; the id of a letter is its entry's, and tells its partition."""

    def __init__(self, redis: RedisDatabase, script: EventScript, partitions: Partitions) -> None:
        self._redis = redis
        self._script = script
        self._partitions = partitions

    async def list_dead(self, *, limit: int, after: str | None) -> list[DeadLetter]:
        """Return up to `limit` of them, oldest first, those after the id `after`."""
        last = self._partitions.locate(after) if after else None
        found = [
            (_place(id, partition), fields, partition.handle(id))
            for partition in self._partitions
            for id, fields in await self._page(partition, limit, last)
        ]
        return [read_letter(fields, id=id) for _, fields, id in sorted(found, key=lambda each: each[0])[:limit]]

    async def replay(self, ids: Sequence[str]) -> int:
        """Put originals back; one that cannot be put back stays."""
        return sum([await self._replay(id) for id in ids])

    async def drop(self, ids: Sequence[str]) -> int:
        """Remove dead letters for good."""
        located = [found for id in ids if (found := self._partitions.locate(id)) is not None]
        return sum([await self._redis.execute("XDEL", partition.letters, id) for partition, id in located])

    async def _replay(self, letter: str) -> int:
        located = self._partitions.locate(letter)
        if located is None:
            return 0
        partition, id = located
        found = await self._redis.execute("XRANGE", partition.letters, id, id)
        fields = fields_of(found[0][1]) if found else {}
        originals = originals_of(fields)
        if originals is None:
            return 0
        known_as = fields.get(b"event_id", b"").decode(errors="replace")
        entry = read_entry(originals, handle=known_as or letter)
        if known_as and entry.event_id == known_as:  # also of one that was called by the name of its entry
            originals.setdefault(b"event_id", known_as.encode())
        receipt = receipt_keys(entry.scope, entry.event_id) if entry.scope else ()
        flat = [part for field in originals.items() for part in field]
        new = await self._script.on(partition, "replay", id, partition.suffix, *flat, receipt=receipt, durable=True)
        if new is not None and receipt and self._script.apart:
            await self._script.at(receipt, "note_replay", partition.handle(new.decode()))
        return int(new is not None)

    async def _page(
        self, partition: Partition, limit: int, last: tuple[Partition, str] | None
    ) -> list[tuple[str, dict[bytes, bytes]]]:
        start = "-"
        if last is not None:  # letters of one moment are in the order of their partitions
            start = last[1] if partition.number > last[0].number else f"({last[1]}"
        page = await self._redis.execute("XRANGE", partition.letters, start, "+", "COUNT", limit)
        return [(id.decode(), fields_of(flat)) for id, flat in page]


def _place(id: str, partition: Partition) -> tuple[int, int, int]:
    ms, _, seq = id.partition("-")
    return int(ms), int(seq), partition.number
