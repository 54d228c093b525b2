"""Writing an index again without what was erased from it, before it is served.

The engine marks deleted points and leaves their texts in its segments, and in its write-ahead log, which no optimizer
of it touches. So what lives is copied as it is into a fresh shard, which takes the place of the old.
"""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from loguru import logger
from qdrant_edge import CountRequest, Point

from memoryos_adapters.storage.edge_errors import engine_errors
from memoryos_adapters.storage.edge_stamp import StampedShard, read_stamped_shard
from memoryos_adapters.storage.edge_successor import Successor
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import MemoryOSError

_AT_ONCE = 1_000
_ALL = CountRequest()


def compact_after_erasure(directory: Path, stamp: EmbedderStamp, *, reserve_bytes: int) -> None:
    """Write an index of this stamp again if users were erased from it; blocks, 120 µs of CPU a point.

    Cut short, it goes on where it was. Where it cannot be done, as without room for a second shard, a warning says so,
    nothing changes, and the next start tries again.
    """
    with engine_errors():
        stamped = read_stamped_shard(directory)
    if stamped is not None and stamped.erased and stamped.stamp == stamp:
        try:
            _compact(directory, stamped, reserve_bytes=reserve_bytes)
        except MemoryOSError as exc:
            logger.bind(error=str(exc)).warning("index not rewritten after an erasure")


def copy_points(successor: Successor, *, at_once: int = _AT_ONCE) -> Iterator[int]:
    """Copy what a successor does not hold yet, and yield how many points it holds after every step."""
    _, done = successor.counts(_ALL)
    for records in successor.missing(at_once):
        successor.write([Point(record.id, record.vector or {}, record.payload) for record in records])
        done += len(records)
        yield done


def _compact(directory: Path, stamped: StampedShard, *, reserve_bytes: int) -> None:
    started = monotonic()
    with Successor.open(directory, stamped, stamped.stamp, reserve_bytes=reserve_bytes) as successor:
        total, done = successor.counts(_ALL)
        logger.bind(points=total, done=done).info("index is being rewritten after an erasure")
        for done in copy_points(successor):
            logger.bind(points=total, done=done).debug("index is being rewritten")
        successor.finish(_ALL)
    logger.bind(points=total, seconds=round(monotonic() - started, 1)).info("index rewritten after an erasure")
