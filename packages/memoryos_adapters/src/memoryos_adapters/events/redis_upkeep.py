"""The state of the streams, and keeping them tidy: entries that every group is done with, consumers that are gone."""

import asyncio
from typing import Final

from memoryos_adapters.events.redis_consumer import Consumer
from memoryos_adapters.events.redis_groups import list_members
from memoryos_adapters.events.redis_partitions import Partition, Partitions
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.events import QueueStats

_REST: Final = 50  # so many times as long as counting took it is not done again


class Upkeep:
    """Looks after the streams of all partitions."""

    def __init__(self, redis: RedisDatabase, script: EventScript, partitions: Partitions, consumer: Consumer) -> None:
        self._redis = redis
        self._script = script
        self._partitions = partitions
        self._consumer = consumer
        self._counted: dict[int, tuple[int, float]] = {}

    async def stats(self) -> QueueStats:
        """Return the state of the queue, of which an entry is a part until our group is done with it."""
        found = [await self._script.on(each, "stats", each.group) for each in self._partitions]
        lengths = [length for length, _, _, _ in found]
        for partition, (_, _, _, after) in zip(self._partitions, found, strict=True):
            lengths[partition.number] += await self._count(partition, after) if after else 0
        return QueueStats(
            length=sum(lengths),
            dead=sum(dead for _, dead, _, _ in found),
            oldest_age_s=max(age_ms for _, _, age_ms, _ in found) / 1000,
        )

    async def _count(self, partition: Partition, after: bytes) -> int:
        """Return how many entries come after an id: what was counted lately, where that takes more than one call."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        count, valid_until = self._counted.get(partition.number, (0, 0.0))
        if began < valid_until:
            return count
        found, after = await self._script.on(partition, "count", after)
        counts: list[int] = [found]
        while after:
            found, after = await self._script.on(partition, "count", after)
            counts.append(found)
        rest_s = _REST * (loop.time() - began) if len(counts) > 1 else 0.0
        self._counted[partition.number] = sum(counts), loop.time() + rest_s
        return sum(counts)

    async def tidy(self) -> None:
        """Trim below what is pending or undelivered in any group; delete idle consumers without a lease."""
        await asyncio.gather(*map(self._tidy, self._partitions))

    async def _tidy(self, partition: Partition) -> None:
        await self._script.on(partition, "trim")
        idle = await self._idle_consumers(partition)
        gone = idle - await self._consumer.are_alive(idle) - {self._consumer.name}
        if gone:
            await self._script.on(partition, "dismiss", partition.group, *sorted(gone))

    async def _idle_consumers(self, partition: Partition) -> set[str]:
        """Return who has nothing pending and has asked for nothing for longer than a lease."""
        lease_ms = self._consumer.lease_s * 1000
        members = await list_members(self._redis, partition)
        return {member.name for member in members if member.pending == 0 and member.idle_ms > lease_ms}
