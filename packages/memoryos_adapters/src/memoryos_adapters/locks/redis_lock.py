"""One holder's hold on one lock in Redis: taken, renewed while it lasts, given back, or lost."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from loguru import logger

from memoryos_adapters.redis_database import RedisDatabase, Script
from memoryos_adapters.redis_errors import UPSTREAM
from memoryos_adapters.unforeseen import Unforeseen
from memoryos_ports.errors import MemoryOSError, UpstreamUnavailable

_SCRIPT = Script.beside(__file__, "redis.lua")

_RENEWALS = 3
"""How often a lease is renewed while it would last."""

_USED = 0.9
"""The part of a lease after which it counts as lost: the rest is for the holder to stop before others begin."""


class RedisLock:
    """A lock lent for `lease_s` at a time to one holder, who has a token that nobody else has."""

    def __init__(self, redis: RedisDatabase, key: str, *, lease_s: float) -> None:
        self._redis = redis
        self._key = key
        self._lease_s = lease_s
        self._token = secrets.token_hex(16)
        self._until = 0.0
        self._is_lost = False
        self._unforeseen = Unforeseen("lock not renewed")

    async def try_acquire(self) -> bool:
        """Take the lock if nobody has it; return whether it was taken. Cancelled, it gives back what it has taken."""
        asked = asyncio.ensure_future(self._lend("acquire"))
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            with suppress(MemoryOSError, TimeoutError):
                async with asyncio.timeout(self._lease_s):
                    if await asked:
                        await self._step("release")
            raise

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew the lock while the block lasts, and give it back after it.

        When it is lost, the block is cancelled and UpstreamUnavailable raised.
        """
        holder = cast("asyncio.Task[Any]", asyncio.current_task())
        cancellations = holder.cancelling()
        keeper = asyncio.create_task(self._keep(holder))
        try:
            yield
        except asyncio.CancelledError:
            if not self._is_lost or holder.cancelling() > cancellations + 1:
                raise
        finally:
            keeper.cancel()
            if self._is_lost:
                holder.uncancel()
            else:
                await self._release()
        if self._is_lost:
            raise UpstreamUnavailable(upstream=UPSTREAM, detail="a lock was lost while it was held")

    async def _keep(self, holder: asyncio.Task[Any]) -> None:
        """Renew the lease until it is lost; cancel the holder then."""
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout_at(self._until):
                    await asyncio.sleep(self._lease_s / _RENEWALS)
                    if not await self._renew():
                        break
        self._is_lost = True
        holder.cancel()

    async def _renew(self) -> bool:
        """Return whether the lock may still be ours: a server that does not answer may be back in time."""
        try:
            return await self._lend("renew")
        except MemoryOSError as exc:
            logger.bind(error=str(exc)).debug("lock not renewed")
        except Exception as exc:  # noqa: BLE001 - a keeper that ends would leave its holder without a lock, and untold
            self._unforeseen.note(exc)
        return True

    async def _release(self) -> None:
        try:
            self._is_lost = not await self._step("release")
        except MemoryOSError as exc:  # it runs out by itself
            logger.bind(error=str(exc)).debug("lock not released")

    async def _lend(self, command: str) -> bool:
        """Take or renew the lease; it counts from before the server was asked."""
        asked_at = asyncio.get_running_loop().time()
        is_ours = await self._step(command)
        if is_ours:
            self._until = asked_at + self._lease_s * _USED
        return is_ours

    async def _step(self, command: str) -> bool:
        args = (command, self._token, round(self._lease_s * 1000))
        return bool(await self._redis.run(_SCRIPT, keys=[self._key], args=args))
