"""The event log on a Redis of a test, and entries typed into its stream as a person does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.settings import RedisSettings, WorkerSettings
from memoryos_ports.events import Delivery

PATIENCE_S = 10.0


@asynccontextmanager
async def open_redis(url: str, **settings: Any) -> AsyncIterator[RedisDatabase]:
    """Open a client; keywords are those of `[storage.redis]`."""
    async with RedisDatabase.open(RedisSettings(url=url, **settings)) as redis:
        yield redis


@asynccontextmanager
async def open_log(
    redis: RedisDatabase, *, max_queue: int = 1_000, lease_s: float = 10, receipts_days: int = 30, **settings: Any
) -> AsyncIterator[RedisEvents]:
    """Open the log of a process of its own; keywords are those of `[worker]`."""
    worker = WorkerSettings(**{"claim_idle_ms": 200, **settings})
    bounds = {"max_queue": max_queue, "receipts_days": receipts_days}
    async with RedisEvents.open(redis, SystemClock(), worker, lease_s=lease_s, **bounds) as log:
        yield log


async def type_entry(redis: RedisDatabase, *fields: str | bytes, stream: str = "chat_log") -> str:
    """Add an entry as ``redis-cli XADD stream '*' field value ...`` does; return its id."""
    id: bytes = await redis.execute("XADD", stream, "*", *fields)
    return id.decode()


async def receive_one(log: RedisEvents, *, wait_s: float = PATIENCE_S) -> Delivery:
    """Return the one event that comes first."""
    (delivery,) = await log.receive(limit=1, wait_s=wait_s)
    return delivery


async def end_without_receipt(redis: RedisDatabase, log: RedisEvents, delivery: Delivery, ending: str) -> None:
    """Spoil the only receipt there is, end its event (``ack``, ``bury`` or ``leave``), and look that it has ended."""
    (key,) = [key async for key in redis.keys("memoryos:{*}:event:*")]
    await redis.execute("SET", key, "no receipt")
    match ending:
        case "ack":
            await log.ack(delivery)
        case "bury":
            await log.bury(delivery, error="no")
        case _:
            await log.leave(delivery, error="no", retry_in_s=0)
    again = await log.receive(limit=1, wait_s=0.3)
    assert [each.attempts for each in again] == ([1] if ending == "leave" else [])
    stats = await log.stats()
    assert (stats.length, stats.dead) == (int(ending == "leave"), int(ending == "bury"))
