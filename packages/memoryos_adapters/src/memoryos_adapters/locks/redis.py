"""Locks in Redis, among all processes that use it: lent for seconds, renewed while they are held."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from memoryos_adapters.locks.local import LocalLocks
from memoryos_adapters.locks.redis_lock import RedisLock
from memoryos_adapters.redis_database import RedisDatabase, scope_prefix
from memoryos_adapters.redis_errors import UPSTREAM
from memoryos_ports.errors import UpstreamTimeout
from memoryos_ports.ids import Scope

_REST_S, _LONGEST_REST_S = 0.005, 0.1


class RedisLocks:
    """`Locks` that all processes share, each a key that is lent for `lease_s` seconds and renewed by its holder.

    Within a process those who wait stand in a queue, and only the first asks Redis, every few milliseconds at first,
    then ten times a second. Entering raises UpstreamTimeout after `patience_s`.

    A holder whose lease cannot be renewed (Redis lost the lock, somebody else has it, or no answer for as long as the
    lease lasts) is cancelled, and the block raises UpstreamUnavailable. A replica that is promoted without the newest
    writes may lend a lock twice until the first holder renews.
    """

    def __init__(
        self,
        redis: RedisDatabase,
        *,
        patience_s: float = 30.0,
        lease_s: float = 10.0,
        chance: random.Random | None = None,
    ) -> None:
        self._redis = redis
        self._patience_s = patience_s
        self._lease_s = lease_s
        self._chance = chance or random.Random()  # noqa: S311 - jitter, not a secret
        self._queues = LocalLocks()

    @asynccontextmanager
    async def hold(self, scope: Scope, purpose: str) -> AsyncIterator[None]:
        """Wait for the lock and hold it; one who holds it already waits in vain."""
        lock = RedisLock(self._redis, f"{scope_prefix(scope)}:lock:{purpose}", lease_s=self._lease_s)
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._patience_s):
                    await stack.enter_async_context(self._queues.hold(scope, purpose))
                    await self._acquire(lock)
            except TimeoutError as exc:
                raise UpstreamTimeout(upstream=UPSTREAM, detail=f"somebody else keeps the lock {purpose!r}") from exc
            async with lock.kept():
                yield

    async def _acquire(self, lock: RedisLock) -> None:
        rest_s = _REST_S
        while not await lock.try_acquire():
            await asyncio.sleep(self._chance.uniform(rest_s / 2, rest_s))
            rest_s = min(rest_s * 2, _LONGEST_REST_S)
