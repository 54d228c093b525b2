"""What happens to a cluster while clients write: a seeded plan of processes that are killed with -9 and come back."""

import asyncio
import random
from collections.abc import Sequence

import msgspec

from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.ledger import Ledger


class Blow(msgspec.Struct, frozen=True, kw_only=True):
    """Kill these parts at once, after so many acknowledged writes; they stay down for a while."""

    after: int
    parts: tuple[str, ...]
    down_s: float


def plan_blows(chance: random.Random, *, parts: Sequence[tuple[str, ...]], writes: int) -> list[Blow]:
    """Return every one of these blows once, in a random order, evenly over so many writes."""
    order = chance.sample(parts, len(parts))
    return [
        Blow(after=writes * (number + 1) // (len(order) + 1), parts=hit, down_s=chance.uniform(0, 1))
        for number, hit in enumerate(order)
    ]


async def strike(cluster: Cluster, ledger: Ledger, blows: Sequence[Blow]) -> int:
    """Carry out a plan; return how many processes were killed."""
    killed = 0
    for blow in blows:
        await ledger.reached(blow.after)
        killed += len(blow.parts)
        await asyncio.gather(*(_kill_and_restart(cluster, name, blow.down_s) for name in blow.parts))
    return killed


async def _kill_and_restart(cluster: Cluster, name: str, down_s: float) -> None:
    part = cluster.part(name)
    await part.kill()
    await asyncio.sleep(down_s)
    await part.start()
