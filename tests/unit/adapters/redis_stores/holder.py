"""A process that takes a lock, says so, and holds it until it is killed: ``python -m ... URL LEASE_S``."""

import asyncio
import sys

from memoryos_adapters.locks.redis import RedisLocks
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.settings import RedisSettings
from tests.support.makers import ANA


async def hold(url: str, lease_s: float) -> None:
    """Hold Ana's lock for ever."""
    async with (
        RedisDatabase.open(RedisSettings(url=url)) as redis,
        RedisLocks(redis, lease_s=lease_s).hold(ANA, "edit"),
    ):
        sys.stdout.write("held\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(hold(sys.argv[1], float(sys.argv[2])))
