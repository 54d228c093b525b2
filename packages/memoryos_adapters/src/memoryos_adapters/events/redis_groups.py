"""The consumers of a group as Redis tells them; of a group that is not there, or no more, there are none."""

from typing import Final

import msgspec

from memoryos_adapters.events.redis_partitions import Partition
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.errors import UpstreamProtocolError

# what it answers without a group, to who waited when that was lost, and without a stream
_NO_GROUP: Final = ("NOGROUP", "UNBLOCKED", "no such key")


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer, how many entries are pending on it, and how long ago it asked for some (ms)."""

    name: str
    pending: int
    idle_ms: int


async def list_members(redis: RedisDatabase, partition: Partition) -> list[Member]:
    """Return who has ever read from a partition's stream and was not deleted."""
    try:
        answer = await redis.execute("XINFO", "CONSUMERS", partition.stream, partition.group)
    except UpstreamProtocolError as exc:
        if is_no_group(exc):
            return []
        raise
    named = [dict(zip(flat[::2], flat[1::2], strict=True)) for flat in answer]
    return [Member(name=each[b"name"].decode(), pending=each[b"pending"], idle_ms=each[b"idle"]) for each in named]


def is_no_group(exc: UpstreamProtocolError) -> bool:
    """Return whether this says that the group, or its stream, is not there: Redis was emptied, or nobody has read."""
    return any(words in exc.detail for words in _NO_GROUP)
