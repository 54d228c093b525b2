"""A process that rewrites an index after an erasure, and waits to be killed on the way.

Usage: python compactor.py DIRECTORY STEPS. Every step copies `AT_ONCE` points; afterwards it says how many there are,
or ``finished`` when nothing was left to copy, and waits.
"""

import sys
from pathlib import Path

from memoryos_adapters.storage.edge_compaction import copy_points
from memoryos_adapters.storage.edge_stamp import read_stamped_shard
from memoryos_adapters.storage.edge_successor import Successor

AT_ONCE = 3


def main(directory: Path, steps: int) -> None:
    """Copy so many steps, say so, and wait."""
    stamped = read_stamped_shard(directory)
    assert stamped is not None
    with Successor.open(directory, stamped, stamped.stamp, reserve_bytes=0) as successor:
        copied = [done for _, done in zip(range(steps), copy_points(successor, at_once=AT_ONCE), strict=False)]
        sys.stdout.write(f"{copied[-1]}\n" if len(copied) == steps else "finished\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
