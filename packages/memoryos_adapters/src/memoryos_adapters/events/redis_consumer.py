"""A consumer of the group: its name, leased so that no two have the same, and what it has in hand, kept alive."""

import asyncio
import os
import secrets
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress

from loguru import logger

from memoryos_adapters.events.redis_partitions import Partition, Partitions
from memoryos_adapters.events.redis_script import EventScript
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.settings import WorkerSettings
from memoryos_adapters.unforeseen import Unforeseen
from memoryos_ports.errors import ConfigurationError, MemoryOSError
from memoryos_ports.events import Delivery


class Consumer:
    """The consumer of this process. Its lease and what it holds are renewed in the background until `aclose`.

    Whatever is in hand counts as touched just now for as long as its consumer lives, so that a slow one is never
    taken over. A lease that is lost (Redis lost it, or this process stood still for too long) is asked for again.
    """

    def __init__(
        self,
        redis: RedisDatabase,
        script: EventScript,
        partitions: Partitions,
        settings: WorkerSettings,
        *,
        lease_s: float,
    ) -> None:
        self.name = settings.consumer or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._redis = redis
        self._script = script
        self._partitions = partitions
        self._token = secrets.token_hex(16)
        self.lease_s = lease_s
        self.beat_s = min(lease_s, settings.claim_idle_ms / 1000) / 3
        self._has_lease = False
        self._is_new = True
        self._held: dict[Partition, set[str]] = {partition: set() for partition in partitions}
        self._refused_since: float | None = None
        self._beating: asyncio.Task[None] | None = None

    async def join(self) -> bool:
        """Return whether the lease is ours, asking for it if need be.

        Raises ConfigurationError when another process has renewed it for longer than a lease lasts.
        """
        if self._has_lease:
            return True
        self._has_lease = await self._renew()
        now = asyncio.get_running_loop().time()
        if self._has_lease:
            self._refused_since, self._is_new = None, True
            self._beating = self._beating or asyncio.create_task(self._beat())
        elif self._refused_since is None:
            self._refused_since = now
        elif now - self._refused_since > self.lease_s + self.beat_s:
            raise ConfigurationError([f"worker.consumer: {self.name!r} is in use by another process"])
        return self._has_lease

    async def are_alive(self, names: set[str]) -> set[str]:
        """Return which of these consumers have a lease."""
        asked = sorted(names)
        found = await self._redis.pipeline([("EXISTS", self._lease_of(name)) for name in asked]) if asked else []
        return {name for name, exists in zip(asked, found, strict=True) if exists}

    @property
    def is_new(self) -> bool:
        """Whether an earlier process of this name may have left something behind, since the lease was asked for."""
        return self._is_new

    def settle(self) -> None:
        """Note that nothing of an earlier process is left."""
        self._is_new = False

    def hold(self, deliveries: Iterable[Delivery]) -> None:
        """Keep these alive until they are let go."""
        for partition, entry in self._located(deliveries):
            self._held[partition].add(entry)

    def let_go(self, *deliveries: Delivery) -> None:
        """Keep these alive no more."""
        for partition, entry in self._located(deliveries):
            self._held[partition].discard(entry)

    def held_in(self, partition: Partition) -> frozenset[str]:
        """Return the ids of the entries of a partition that are in hand."""
        return frozenset(self._held[partition])

    async def aclose(self) -> None:
        """Stop renewing and give the lease back; what is in hand is taken over once it has been idle."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        if self._has_lease:
            with suppress(MemoryOSError):
                await self._script.at((self._lease_of(self.name),), "release", self._token)

    async def _beat(self) -> None:
        unforeseen = Unforeseen("lease not renewed")
        while True:
            await asyncio.sleep(self.beat_s)
            try:
                await self._keep()
            except MemoryOSError as exc:  # it is out of reach for the others too
                logger.bind(error=str(exc)).debug("lease not renewed")
            except Exception as exc:  # noqa: BLE001 - without its beat a consumer that lives is taken for dead
                unforeseen.note(exc)

    async def _keep(self) -> None:
        if self._has_lease and not await self._renew():
            logger.bind(consumer=self.name).warning("another process has taken this consumer's name")
            self._has_lease = False
        for partition, entries in self._held.items():
            if entries:
                await self._script.on(partition, "keep", partition.group, self.name, *entries)

    def _located(self, deliveries: Iterable[Delivery]) -> Iterator[tuple[Partition, str]]:
        return filter(None, (self._partitions.locate(delivery.handle) for delivery in deliveries))

    async def _renew(self) -> bool:
        lease_ms = round(self.lease_s * 1000)
        return bool(await self._script.at((self._lease_of(self.name),), "lease", self._token, lease_ms))

    def _lease_of(self, name: str) -> str:
        first = self._partitions[0]
        return f"{first.stream}:consumer:{first.group}:{name}"
