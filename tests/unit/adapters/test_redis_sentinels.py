"""Sentinels that hang or talk nonsense: the others are asked all the same, and in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.errors import UpstreamError, UpstreamProtocolError, UpstreamUnavailable
from tests.support.redis_log import PATIENCE_S, open_redis
from tests.support.redis_topology import Watched, watched_redis
from tests.unit.adapters.odd_servers import answering, relaying

NONSENSE = (b"*-1\r\n", b"$-1\r\n", b":1\r\n", b"-MOVED\r\n", b"-ERR no\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    """A master and a replica behind one good sentinel, which takes a hanging master for dead after 0.3 s."""
    async with watched_redis(tmp_path) as running:
        yield running


@asynccontextmanager
async def opened(*sentinels: str, timeout_s: float = 2.0) -> AsyncIterator[RedisDatabase]:
    """Open a client that asks these sentinels."""
    async with open_redis(
        "redis://ignored/0", mode="sentinel", sentinels=sentinels, timeout_s=timeout_s, connect_timeout_s=1.0
    ) as redis:
        yield redis


async def write_until_taken(redis: RedisDatabase) -> None:
    """Write again and again while no master takes it."""
    while True:
        try:
            await redis.execute("SET", "a", "1")
        except UpstreamError:
            await asyncio.sleep(0.02)
        else:
            return


async def test_sentinels_that_hang_cost_the_first_call_nothing(watched: Watched) -> None:
    async with answering(b"", b"", b"") as hung, opened(*hung, *watched.sentinels) as redis:
        await asyncio.gather(*(redis.execute("SET", "a", "1") for _ in range(20)))


async def test_sentinels_that_talk_nonsense_are_passed_over(watched: Watched) -> None:
    async with answering(*NONSENSE) as odd, opened(*odd, *watched.sentinels) as redis:
        await redis.execute("SET", "a", "1")


async def test_a_master_that_hangs_together_with_a_sentinel_is_left_for_the_promoted_one(watched: Watched) -> None:
    (good,), hangs = watched.sentinels, asyncio.Event()
    async with relaying(good, until=hangs) as relayed, opened(relayed, good) as redis:
        await redis.execute("SET", "a", "1")
        hangs.set()
        await watched.master.pause()
        async with asyncio.timeout(PATIENCE_S):
            await write_until_taken(redis)
        await watched.master.resume()


@pytest.mark.parametrize("answer", NONSENSE)
async def test_when_every_sentinel_talks_nonsense_that_is_said(answer: bytes) -> None:
    async with answering(answer, answer) as odd, opened(*odd) as redis:
        with pytest.raises((UpstreamUnavailable, UpstreamProtocolError), match=r"sentinel|No master found"):
            await redis.ping()


async def test_when_every_sentinel_hangs_it_is_unavailable() -> None:
    async with answering(b"", b"") as hung, opened(*hung, timeout_s=0.2) as redis:
        with pytest.raises(UpstreamError):
            await redis.ping()
