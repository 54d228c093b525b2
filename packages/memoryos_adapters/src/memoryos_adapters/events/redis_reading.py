"""Handing entries out: what was left and is due, what a dead consumer held, what was lost on its way, what is new."""

import asyncio
import math
from collections.abc import Sequence
from typing import Final

import msgspec

from memoryos_adapters.events.redis_consumer import Consumer
from memoryos_adapters.events.redis_entries import fields_of, read_entry, time_of
from memoryos_adapters.events.redis_partitions import Partition, Partitions
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.events.redis_upkeep import Upkeep
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.redis_servers import Argument
from memoryos_adapters.settings import WorkerSettings
from memoryos_ports.errors import UpstreamError, UpstreamProtocolError
from memoryos_ports.events import Delivery

_SLICE_S: Final = 0.25
_PAGE: Final = 500
_SWEEP_S: Final = 1.0
_LOST_MS: Final = 1_000
_TIDY_S: Final = 30.0
_NO_GROUP: Final = ("NOGROUP", "UNBLOCKED")


class _Pending(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that somebody was handed, and what taking it over would take."""

    owner: str
    entry: str
    idle_ms: int
    is_attempt: bool


class Reading:
    """Hands entries to this process's consumer."""

    def __init__(
        self,
        redis: RedisDatabase,
        script: EventScript,
        partitions: Partitions,
        consumer: Consumer,
        upkeep: Upkeep,
        settings: WorkerSettings,
    ) -> None:
        self._redis = redis
        self._script = script
        self._partitions = partitions
        self._consumer = consumer
        self._upkeep = upkeep
        self._claim_idle_ms = settings.claim_idle_ms
        self._slice_s = min(_SLICE_S, settings.block_ms / 1000)
        self._sweep_s = min(_SWEEP_S, settings.claim_idle_ms / 4000)
        self._next_sweep = 0.0
        self._next_tidy = 0.0
        self._grace_until = 0.0
        self._turn = 0
        self._one_at_a_time = asyncio.Lock()

    async def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
        """Return up to `limit` entries; wait up to `wait_s` when there are none.

        It waits in slices: what somebody leaves, or dies with, does not wake a blocked read.
        """
        deadline = asyncio.get_running_loop().time() + wait_s
        while True:
            async with self._one_at_a_time:  # else what is on its way to another reader would seem lost
                try:
                    deliveries = await self._look_and_wait(limit, deadline)
                except UpstreamError:  # the others had no Redis either: they renew their leases first
                    self._grace_until = asyncio.get_running_loop().time() + self._consumer.lease_s
                    raise
                self._consumer.held.update(delivery.handle for delivery in deliveries)
            if deliveries or deadline <= asyncio.get_running_loop().time():
                return deliveries

    async def _look_and_wait(self, limit: int, deadline: float) -> list[Delivery]:
        deliveries, due_in_s = await self._look(limit)
        patience_s = min(deadline - asyncio.get_running_loop().time(), due_in_s, self._slice_s)
        if deliveries or patience_s <= 0:
            return deliveries
        return await self._wait(limit, patience_s)

    async def _look(self, limit: int) -> tuple[list[Delivery], float]:
        """Return what there is, and in how many seconds the next entry that was left is due."""
        now = asyncio.get_running_loop().time()
        if not await self._consumer.join():
            await asyncio.sleep(self._slice_s)
            return [], 0.0
        if now >= self._next_tidy:
            self._next_tidy = now + _TIDY_S
            await self._upkeep.tidy()
        if now >= self._next_sweep or self._consumer.is_new:
            self._next_sweep = now + self._sweep_s
            if adopted := await self._sweep(limit):
                return adopted, 0.0
        return await self._take(limit)

    async def _take(self, limit: int) -> tuple[list[Delivery], float]:
        self._turn += 1
        order = self._partitions.rotated(self._turn)
        deliveries: list[Delivery] = []
        soonest = math.inf
        for together in [[each] for each in order] if self._script.apart else [order]:
            keys = tuple(key for partition in together for key in partition.keys)
            due_in_ms, taken = await self._script.at(
                keys, "take", together[0].group, self._consumer.name, limit - len(deliveries)
            )
            soonest = min(soonest, math.inf if due_in_ms < 0 else due_in_ms / 1000)
            deliveries += [self._deliver(together[at], *entry) for at, *entry in taken]
            if len(deliveries) >= limit:
                break
        return deliveries, soonest

    async def _wait(self, limit: int, patience_s: float) -> list[Delivery]:
        """Return what comes within that time; of many partitions some are watched, in turn."""
        watched = self._partitions.rotated(self._turn)[: 1 if self._script.apart else limit]
        patience_s /= math.ceil(len(self._partitions) / len(watched))
        block_ms = max(1, math.ceil(patience_s * 1000))
        command = ("XREADGROUP", "GROUP", watched[0].group, self._consumer.name)
        options = ("COUNT", max(1, limit // len(watched)), "BLOCK", block_ms)
        streams = [partition.stream for partition in watched]
        try:
            answer = await self._redis.execute(
                *command, *options, "STREAMS", *streams, *(">" for _ in streams), patience_s=patience_s
            )
        except UpstreamProtocolError as exc:
            if not any(word in exc.detail for word in _NO_GROUP):
                raise
            return []  # Redis was emptied: the next look makes the group again
        by_name = {partition.stream: partition for partition in watched}
        return [
            self._deliver(by_name[stream.decode()], entry, fields)
            for stream, entries in answer or []
            for entry, fields in entries
        ]

    async def _sweep(self, limit: int) -> list[Delivery]:
        """Take entries that nobody works on: those of consumers that are gone, and our own that never arrived."""
        found: list[Delivery] = []
        for partition in self._partitions:
            pending = await self._abandoned(partition)
            found += await self._adopt(partition, pending[: limit - len(found)])
            if len(found) >= limit:
                return found  # the rest at the next look
        self._consumer.is_new = False
        return found

    async def _abandoned(self, partition: Partition) -> list[_Pending]:
        """Return what is pending and in nobody's hands; what a consumer of our name left behind was attempted."""
        name, is_new = self._consumer.name, self._consumer.is_new
        own_idle_ms = 0 if is_new else min(self._claim_idle_ms, _LOST_MS)
        own = [
            _Pending(owner=name, entry=entry, idle_ms=own_idle_ms, is_attempt=is_new)
            for entry, _ in await self._idle(partition, own_idle_ms, name)
            if partition.handle(entry) not in self._consumer.held
        ]
        if asyncio.get_running_loop().time() < self._grace_until:
            return own
        others = await self._idle(partition, self._claim_idle_ms)
        alive = await self._consumer.are_alive({owner for _, owner in others} - {name})
        return own + [
            _Pending(owner=owner, entry=entry, idle_ms=self._claim_idle_ms, is_attempt=True)
            for entry, owner in others
            if owner != name and owner not in alive
        ]

    async def _idle(self, partition: Partition, idle_ms: int, *owner: str) -> list[tuple[str, str]]:
        """Return entries that were handed out (to one consumer, or any) and not touched for so long, and to whom."""
        found: list[tuple[str, str]] = []
        start = "-"
        while True:
            span: tuple[Argument, ...] = ("IDLE", idle_ms, start, "+", _PAGE, *owner)
            try:
                page = await self._redis.execute("XPENDING", partition.stream, partition.group, *span)
            except UpstreamProtocolError as exc:
                if any(word in exc.detail for word in _NO_GROUP):
                    return []
                raise
            found += [(entry.decode(), name.decode()) for entry, name, _, _ in page]
            if len(page) < _PAGE:
                return found
            start = f"({found[-1][0]}"

    async def _adopt(self, partition: Partition, pending: Sequence[_Pending]) -> list[Delivery]:
        if not pending:
            return []
        args = [part for each in pending for part in (each.owner, each.entry, each.idle_ms, int(each.is_attempt))]
        taken = await self._script.on(partition, "adopt", partition.group, self._consumer.name, *args)
        return [self._deliver(partition, *entry) for entry in taken]

    def _deliver(self, partition: Partition, raw_id: bytes, flat: Sequence[bytes], attempts: int = 0) -> Delivery:
        entry_id = raw_id.decode()
        handle = partition.handle(entry_id)
        entry = read_entry(fields_of(flat), handle=handle)
        return Delivery(
            handle=handle,
            payload=entry.payload,
            attempts=attempts,
            event_id=entry.event_id,
            received_at=time_of(entry_id),
        )
