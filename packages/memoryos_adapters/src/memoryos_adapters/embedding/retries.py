"""Calls that are made again when they failed for a while: a few times, after waits that chance spreads."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from loguru import logger

from memoryos_ports.errors import RateLimited, UpstreamError, UpstreamUnavailable

_T = TypeVar("_T")


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """At most `max_tries` calls; between two of them up to `backoff_s` · 2ⁿ seconds, or what the upstream asks for.

    An upstream that asks for more than `max_wait_s` is not asked again. `sleep` and `chance` (0..1) are the outside.
    """

    max_tries: int = 3
    backoff_s: float = 0.5
    max_wait_s: float = 10.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random

    async def run(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Return what `call` returns. Raises its last error; one that is not retryable at once."""
        tried = 0
        while True:
            try:
                return await call()
            except UpstreamError as exc:
                tried += 1
                wait_s = self._wait_s(exc, tried)
                if not exc.retryable or tried >= self.max_tries or wait_s > self.max_wait_s:
                    raise
                logger.bind(error=str(exc), wait_s=round(wait_s, 3)).debug("call failed, made again")
            await self.sleep(wait_s)

    def _wait_s(self, exc: UpstreamError, tried: int) -> float:
        asked_s = exc.retry_after_s if isinstance(exc, RateLimited | UpstreamUnavailable) else None
        return self.chance() * self.backoff_s * 2 ** (tried - 1) if asked_s is None else asked_s
