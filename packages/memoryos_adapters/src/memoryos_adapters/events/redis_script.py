"""The script of the event log: its commands, called by name."""

from typing import Any, Final

from memoryos_adapters.events.redis_partitions import Partition
from memoryos_adapters.redis_database import RedisDatabase, Script
from memoryos_adapters.redis_servers import Argument

_PARTS: Final = ("ids", "receipts", "streams", "upkeep", "apart")
_SCRIPT: Final = Script.beside(__file__, *(f"redis_{part}.lua" for part in _PARTS))


class EventScript:
    """Runs commands of the script; what they take and return is said beside them there.

    Where one server holds every key, a command on a partition notes the receipt in the same atomic step; in a cluster
    the receipt is elsewhere, and `apart` says that it takes a call of its own.
    """

    def __init__(self, redis: RedisDatabase) -> None:
        self._redis = redis
        self.apart = redis.is_cluster

    async def on(
        self,
        partition: Partition,
        command: str,
        *args: Argument,
        receipt: tuple[str, ...] = (),
        durable: bool = False,
    ) -> Any:
        """Run a command on a partition, and on a receipt (key, index) where that is on the same server."""
        keys = partition.keys if self.apart else (*partition.keys, *receipt)
        return await self._redis.run(_SCRIPT, keys=keys, args=(command, *args), durable=durable)

    async def at(self, keys: tuple[str, ...], command: str, *args: Argument, durable: bool = False) -> Any:
        """Run a command on keys that are all in one slot."""
        return await self._redis.run(_SCRIPT, keys=keys, args=(command, *args), durable=durable)
