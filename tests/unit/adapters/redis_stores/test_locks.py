"""Locks in Redis: renewed while they are held, lost with their process, and what a holder is told who lost one."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from memoryos_adapters.locks.redis import RedisLocks
from memoryos_adapters.redis_database import RedisDatabase, Script, scope_prefix
from memoryos_adapters.redis_servers import Argument
from memoryos_adapters.settings import RedisSettings
from memoryos_ports.errors import UpstreamTimeout, UpstreamUnavailable
from tests.support.makers import ANA
from tests.support.redis_databases import RedisDatabases
from tests.support.redis_server import RedisServer, redis_server

PATIENCE_S = 10.0
LEASE_S = 0.6
KEY = f"{scope_prefix(ANA)}:lock:edit"


@pytest.fixture
def locks(redis: RedisDatabase) -> RedisLocks:
    """Locks that are lent for a moment only."""
    return RedisLocks(redis, lease_s=LEASE_S)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A server that may be paused and killed."""
    async with redis_server(tmp_path / "server") as running:
        yield running


async def hold(locks: RedisLocks, body: Callable[[], Awaitable[Any]]) -> None:
    """Run the body under the lock."""
    async with locks.hold(ANA, "edit"):
        await body()


async def hold_for_ever(locks: RedisLocks, inside: asyncio.Event) -> None:
    """Say when the lock is held, and keep it."""

    async def stay() -> None:
        inside.set()
        await asyncio.Event().wait()

    await hold(locks, stay)


async def nothing() -> None:
    """Do nothing."""


async def test_a_lock_is_renewed_for_as_long_as_it_is_held(locks: RedisLocks, redis: RedisDatabase) -> None:
    impatient = RedisLocks(redis, patience_s=2 * LEASE_S)
    async with asyncio.timeout(PATIENCE_S), locks.hold(ANA, "edit"):
        with pytest.raises(UpstreamTimeout, match="edit"):
            await hold(impatient, nothing)
    assert await redis.execute("GET", KEY) is None


async def test_one_who_waits_behind_another_of_the_process_loses_patience_too(redis: RedisDatabase) -> None:
    locks = RedisLocks(redis, patience_s=0.05)
    async with asyncio.timeout(PATIENCE_S):
        async with locks.hold(ANA, "edit"):
            with pytest.raises(UpstreamTimeout):
                await hold(locks, nothing)
        await hold(locks, nothing)


async def test_the_lock_of_a_process_that_was_killed_is_free_when_its_lease_is_over(
    redis_databases: RedisDatabases, locks: RedisLocks, redis: RedisDatabase, tmp_path: Path
) -> None:
    command = (sys.executable, "-m", f"{__package__}.holder", redis_databases.url(tmp_path), "1")
    holder = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert holder.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert await holder.stdout.readline() == b"held\n"
    finally:
        holder.kill()
        await holder.wait()
    assert await redis.execute("GET", KEY) is not None
    async with asyncio.timeout(PATIENCE_S):
        await hold(locks, nothing)


@pytest.mark.parametrize("taken", [("SET", KEY, "another"), ("DEL", KEY)])
async def test_a_holder_whose_lock_was_lost_is_stopped_and_told(
    locks: RedisLocks, redis: RedisDatabase, taken: tuple[str, ...]
) -> None:
    async def lose_and_stay() -> None:
        await redis.execute(*taken)
        await asyncio.Event().wait()

    async with asyncio.timeout(PATIENCE_S) as patience:
        with pytest.raises(UpstreamUnavailable, match="lost"):
            await hold(locks, lose_and_stay)
        await asyncio.sleep(0)  # the task is not cancelled any more
    assert not patience.expired()
    assert await redis.execute("GET", KEY) == (b"another" if taken[0] == "SET" else None)


async def test_a_holder_who_did_not_notice_the_loss_is_told_at_the_end(locks: RedisLocks, redis: RedisDatabase) -> None:
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(UpstreamUnavailable, match="lost"):
            await hold(locks, lambda: redis.execute("SET", KEY, "another"))
    assert await redis.execute("GET", KEY) == b"another"


async def test_a_holder_who_will_not_stop_is_told_at_the_end(locks: RedisLocks, redis: RedisDatabase) -> None:
    async def refuse_to_stop() -> None:
        await redis.execute("DEL", KEY)
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(UpstreamUnavailable, match="lost"):
            await hold(locks, refuse_to_stop)
        await asyncio.sleep(0)


async def test_what_a_holder_raises_who_is_stopped_comes_out(locks: RedisLocks, redis: RedisDatabase) -> None:
    async def fail_when_stopped() -> None:
        await redis.execute("DEL", KEY)
        try:
            await asyncio.Event().wait()
        finally:
            raise ZeroDivisionError

    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ZeroDivisionError):
            await hold(locks, fail_when_stopped)
        current = asyncio.current_task()
        assert current is not None
        assert current.cancelling() == 0


async def test_a_holder_who_is_cancelled_as_well_is_cancelled(locks: RedisLocks, redis: RedisDatabase) -> None:
    is_stopped = asyncio.Event()

    async def stop_slowly() -> None:
        try:
            await redis.execute("DEL", KEY)
            await asyncio.Event().wait()
        finally:
            is_stopped.set()
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.Event().wait()

    async with asyncio.timeout(PATIENCE_S):
        holder = asyncio.create_task(hold(locks, stop_slowly))
        await is_stopped.wait()
        holder.cancel()
        await asyncio.wait([holder])
    assert holder.cancelled()


async def test_a_timeout_of_the_holder_stays_a_timeout(locks: RedisLocks) -> None:
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await hold(locks, asyncio.Event().wait)


async def test_a_holder_is_stopped_when_the_server_does_not_answer_for_a_lease(server: RedisServer) -> None:
    inside = asyncio.Event()
    async with asyncio.timeout(PATIENCE_S), RedisDatabase.open(RedisSettings(url=server.url)) as redis:
        holder = asyncio.create_task(hold_for_ever(RedisLocks(redis, lease_s=LEASE_S), inside))
        await inside.wait()
        await server.pause()
        with pytest.raises(UpstreamUnavailable, match="lost"):
            await holder
        await server.resume()


class Odd(RedisDatabase):
    """Fails in a way nobody foresaw when a lock is to be renewed."""

    async def run(self, script: Script, *, args: Sequence[Argument] = (), **options: Any) -> Any:
        """Run a script, or fail."""
        if args[0] == "renew":
            raise TypeError("odd")
        return await super().run(script, args=args, **options)


async def test_a_holder_is_stopped_when_renewing_fails_in_a_way_nobody_foresaw(
    redis_databases: RedisDatabases, tmp_path: Path
) -> None:
    async with asyncio.timeout(PATIENCE_S), Odd.open(RedisSettings(url=redis_databases.url(tmp_path))) as redis:
        with pytest.raises(UpstreamUnavailable, match="lost"):
            await hold_for_ever(RedisLocks(redis, lease_s=LEASE_S), asyncio.Event())


async def test_a_lock_outlives_a_short_absence_of_the_server(server: RedisServer) -> None:
    inside, settings = asyncio.Event(), RedisSettings(url=server.url, timeout_s=0.05)
    async with asyncio.timeout(PATIENCE_S), RedisDatabase.open(settings) as redis:
        holder = asyncio.create_task(hold_for_ever(RedisLocks(redis, lease_s=1.5), inside))
        await inside.wait()
        await server.pause()
        await asyncio.wait([holder], timeout=0.6)
        await server.resume()
        with pytest.raises(UpstreamTimeout, match="edit"):
            await hold(RedisLocks(redis, patience_s=2), nothing)
        assert not holder.done()
        holder.cancel()
        await asyncio.wait([holder])


async def test_one_who_is_cancelled_while_the_server_is_asked_leaves_nothing_behind(server: RedisServer) -> None:
    inside = asyncio.Event()
    async with asyncio.timeout(PATIENCE_S), RedisDatabase.open(RedisSettings(url=server.url)) as redis:
        await redis.ping()
        await server.pause()
        entering = asyncio.create_task(hold_for_ever(RedisLocks(redis), inside))
        await asyncio.wait([entering], timeout=0.1)
        entering.cancel()
        await asyncio.wait([entering], timeout=0.1)
        await server.resume()
        await asyncio.wait([entering])
        assert entering.cancelled()
        assert await redis.execute("EXISTS", KEY) == 0


async def test_entering_without_a_server_is_refused_every_time(server: RedisServer) -> None:
    async with asyncio.timeout(PATIENCE_S), RedisDatabase.open(RedisSettings(url=server.url)) as redis:
        locks = RedisLocks(redis)
        await server.kill()
        for _ in range(2):
            with pytest.raises(UpstreamUnavailable):
                await hold(locks, nothing)
        await server.start()
        await hold(locks, nothing)
