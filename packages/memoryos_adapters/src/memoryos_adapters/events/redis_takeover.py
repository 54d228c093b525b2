"""Taking over what nobody works on: entries of consumers that are gone, and our own that were lost on their way."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from memoryos_adapters.events.redis_consumer import Consumer
from memoryos_adapters.events.redis_deliveries import read_delivery
from memoryos_adapters.events.redis_partitions import Partition, Partitions
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.redis_servers import Argument
from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.events import Delivery

NO_GROUP: Final = ("NOGROUP", "UNBLOCKED")
"""What Redis answers when a stream lost its group, or itself."""

_PAGE: Final = 500
_LOST_MS: Final = 1_000
_BEATS: Final = 2  # without a lease for so many times as often as the living renew theirs: dead


class _Pending(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that somebody was handed, and what taking it over would take."""

    owner: str
    entry: str
    idle_ms: int
    is_attempt: bool


class Takeover:
    """Finds and takes such entries for this process's consumer."""

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
        self._missing: dict[int, dict[str, float]] = {}

    def wait(self) -> None:
        """Take nothing of others for as long as a lease lasts: they had no Redis either."""
        self._wait_until = asyncio.get_running_loop().time() + self._consumer.lease_s

    async def sweep(self, limit: int) -> list[Delivery]:
        """Take entries that nobody works on: those of consumers that are gone, and our own that never arrived."""
        found: list[Delivery] = []
        for partition in self._partitions:
            pending = await self._abandoned(partition)
            found += await self._adopt(partition, pending[: limit - len(found)])
            if found:
                return found  # the rest at the next look
        self._consumer.is_new = False
        return found

    async def _abandoned(self, partition: Partition) -> list[_Pending]:
        """Return what is pending and in nobody's hands; what a consumer of our name left behind was attempted."""
        name, is_new = self._consumer.name, self._consumer.is_new
        own_idle_ms = 0 if is_new else min(self._claim_idle_ms, _LOST_MS)
        own = [
            _Pending(owner=name, entry=entry, idle_ms=own_idle_ms, is_attempt=is_new)
            for entry, _, _ in await self._idle(partition, own_idle_ms, name)
            if partition.handle(entry) not in self._consumer.held
        ]
        others = await self._idle(partition, self._claim_idle_ms - round(self._patience_s * 1000))
        dead = await self._dead(partition, {owner for _, owner, _ in others} - {name})
        return own + [
            _Pending(owner=owner, entry=entry, idle_ms=self._claim_idle_ms, is_attempt=True)
            for entry, owner, idle_ms in others
            if owner in dead and idle_ms >= self._claim_idle_ms
        ]

    async def _dead(self, partition: Partition, owners: set[str]) -> set[str]:
        """Return which of these had no lease all the time that the living take to renew theirs.

        After an outage of Redis, when all leases have run out, whoever is the first to be back waits for the others.
        """
        now = asyncio.get_running_loop().time()
        seen = self._missing.get(partition.number, {})
        missing = {owner: seen.get(owner, now) for owner in owners - await self._consumer.are_alive(owners)}
        self._missing[partition.number] = missing
        if now < self._wait_until:
            return set()
        return {owner for owner, since in missing.items() if now - since >= self._patience_s}

    async def _idle(self, partition: Partition, idle_ms: int, *owner: str) -> list[tuple[str, str, int]]:
        """Return entries that were handed out and not touched for so long, to whom (`owner`, or any), and how long."""
        found: list[tuple[str, str, int]] = []
        start = "-"
        while True:
            span: tuple[Argument, ...] = ("IDLE", idle_ms, start, "+", _PAGE, *owner)
            try:
                page = await self._redis.execute("XPENDING", partition.stream, partition.group, *span)
            except UpstreamProtocolError as exc:
                if any(word in exc.detail for word in NO_GROUP):
                    return []
                raise
            found += [(entry.decode(), name.decode(), idle) for entry, name, idle, _ in page]
            if len(page) < _PAGE:
                return found
            start = f"({found[-1][0]}"

    async def _adopt(self, partition: Partition, pending: Sequence[_Pending]) -> list[Delivery]:
        if not pending:
            return []
        args = [part for each in pending for part in (each.owner, each.entry, each.idle_ms, int(each.is_attempt))]
        taken = await self._script.on(partition, "adopt", partition.group, self._consumer.name, *args)
        return [read_delivery(partition, *entry) for entry in taken]
