"""Taking over what nobody works on: entries of consumers that are gone, and our own that were lost on their way."""

import asyncio
from itertools import count
from typing import Final

from memoryos_adapters.events.redis_consumer import Consumer
from memoryos_adapters.events.redis_deliveries import read_delivery
from memoryos_adapters.events.redis_groups import list_members
from memoryos_adapters.events.redis_partitions import Partition, Partitions
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.redis_servers import Argument
from memoryos_ports.events import Delivery

_BEGINNING: Final = b"-"
_CALLS: Final = 5  # of a sweep: 1 ms each, so that 100,000 that rest have been looked through after 20 sweeps
_LOST_MS: Final = 1_000
_BEATS: Final = 2  # without a lease for so many times as often as the living renew theirs: dead


class Takeover:
    """Finds and takes such entries for this process's consumer.

    A sweep looks at some of what is pending, and the next one goes on from there: thousands of entries may rest among
    those that are looked for.
    """

    def __init__(
        self,
        redis: RedisDatabase,
        script: EventScript,
        partitions: Partitions,
        consumer: Consumer,
        *,
        claim_idle_ms: int,
    ) -> None:
        self._redis = redis
        self._script = script
        self._partitions = partitions
        self._consumer = consumer
        self._claim_idle_ms = claim_idle_ms
        self._patience_s = _BEATS * consumer.beat_s
        self._wait_until = 0.0
        self._missing: dict[Partition, dict[str, float]] = {}
        self._starts: dict[Partition, bytes] = {}

    def wait(self) -> None:
        """Take nothing of others for as long as a lease lasts: they had no Redis either."""
        self._wait_until = asyncio.get_running_loop().time() + self._consumer.lease_s

    async def sweep(self, limit: int) -> list[Delivery]:
        """Take entries that nobody works on: those of consumers that are gone, and our own that never arrived."""
        for partition in self._partitions:
            owners = self._ourselves() + await self._dead(partition)
            if found := await self._adopt(partition, limit, owners):
                return found  # the rest at the next look
        self._consumer.settle()
        return []

    async def _adopt(self, partition: Partition, limit: int, owners: list[Argument]) -> list[Delivery]:
        """Look at the next part of what is pending; who is new looks at all of it, until there is something."""
        is_new = self._consumer.is_new
        start = _BEGINNING if is_new else self._starts.get(partition, _BEGINNING)
        ours = (partition.group, self._consumer.name)
        held = " ".join(self._consumer.held_in(partition))
        for _ in count() if is_new else range(_CALLS):
            start, taken = await self._script.on(partition, "adopt", *ours, start, limit, held, *owners)
            if taken or start == _BEGINNING:
                break
        self._starts[partition] = start
        return [read_delivery(partition, *entry) for entry in taken]

    def _ourselves(self) -> list[Argument]:
        """Return our name, after how long (ms) what we do not hold is lost, and whether it was an attempt.

        It was one of an earlier process of our name.
        """
        if self._consumer.is_new:
            return [self._consumer.name, 0, 1]
        return [self._consumer.name, min(self._claim_idle_ms, _LOST_MS), 0]

    async def _dead(self, partition: Partition) -> list[Argument]:
        """Return the same of each that had no lease all the time that the living take to renew theirs.

        After an outage of Redis, when all leases have run out, whoever is the first to be back waits for the others.
        """
        members = await list_members(self._redis, partition)
        owners = {member.name for member in members if member.pending} - {self._consumer.name}
        now = asyncio.get_running_loop().time()
        seen = self._missing.get(partition, {})
        missing = {owner: seen.get(owner, now) for owner in owners - await self._consumer.are_alive(owners)}
        self._missing[partition] = missing
        if now < self._wait_until:
            return []
        dead = [owner for owner, since in missing.items() if now - since >= self._patience_s]
        return [part for owner in dead for part in (owner, self._claim_idle_ms, 1)]
