"""Handing entries out: what nobody works on, what was left and is due, what is new; and waiting for some."""

import asyncio
import math
from typing import Final

from memoryos_adapters.events.redis_consumer import Consumer
from memoryos_adapters.events.redis_deliveries import read_delivery
from memoryos_adapters.events.redis_groups import is_no_group
from memoryos_adapters.events.redis_partitions import Partitions
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.events.redis_takeover import Takeover
from memoryos_adapters.events.redis_upkeep import Upkeep
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.settings import WorkerSettings
from memoryos_ports.errors import UpstreamError, UpstreamProtocolError
from memoryos_ports.events import Delivery

_SLICE_S: Final = 0.25
_SWEEP_S: Final = 1.0
_TIDY_S: Final = 30.0


class Reading:
    """Hands entries to this process's consumer."""

    def __init__(
        self,
        redis: RedisDatabase,
        script: EventScript,
        partitions: Partitions,
        consumer: Consumer,
        upkeep: Upkeep,
        takeover: Takeover,
        settings: WorkerSettings,
    ) -> None:
        self._redis = redis
        self._script = script
        self._partitions = partitions
        self._consumer = consumer
        self._upkeep = upkeep
        self._takeover = takeover
        self._slice_s = min(_SLICE_S, settings.block_ms / 1000)
        self._sweep_s = min(_SWEEP_S, settings.claim_idle_ms / 4000)
        self._next_sweep = 0.0
        self._next_tidy = 0.0
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
                    self._takeover.wait()
                    raise
                self._consumer.hold(deliveries)
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
            if adopted := await self._takeover.sweep(limit):
                self._next_sweep = now
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
            deliveries += [read_delivery(together[at], *entry) for at, *entry in taken]
            if len(deliveries) >= limit:
                break
        return deliveries, soonest

    async def _wait(self, limit: int, patience_s: float) -> list[Delivery]:
        """Return what comes within that time; of many partitions some are watched, in turn."""
        watched = self._partitions.rotated(self._turn)[: 1 if self._script.apart else limit]
        patience_s /= math.ceil(len(self._partitions) / len(watched))
        block_ms = max(1, math.ceil(patience_s * 1000))
        command = ("XREADGROUP", "GROUP", watched[0].group, self._consumer.name)
        options = ("COUNT", 1, "BLOCK", block_ms)
        streams = [partition.stream for partition in watched]
        try:
            answer = await self._redis.execute(
                *command, *options, "STREAMS", *streams, *(">" for _ in streams), patience_s=patience_s
            )
        except UpstreamProtocolError as exc:
            if not is_no_group(exc):
                raise
            return []  # Redis was emptied: the next look makes the group again
        by_name = {partition.stream: partition for partition in watched}
        return [
            read_delivery(by_name[stream.decode()], entry, fields)
            for stream, entries in answer or []
            for entry, fields in entries
        ]
