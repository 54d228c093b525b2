"""Gateways, workers, Redis and Qdrant are killed with -9 under load: nothing is lost, nothing is there twice."""

import asyncio
import random
import time
from pathlib import Path

import msgspec
import pytest

from tests.e2e.cluster.blows import plan_blows, strike
from tests.e2e.cluster.calm import differences, entries_of, exports_of, undisturbed
from tests.e2e.cluster.cluster import Cluster, running_cluster
from tests.e2e.cluster.conftest import Tell
from tests.e2e.cluster.echo import echoing
from tests.e2e.cluster.ledger import Ledger
from tests.e2e.cluster.load import writing
from tests.e2e.cluster.people import people
from tests.e2e.cluster.verdict import judge

pytestmark = pytest.mark.asyncio(loop_scope="session")

Blows = tuple[tuple[str, ...], ...]

SHORT: Blows = (("worker-0",), ("redis",), ("gateway-0",), ("worker-1", "worker-2"), ("redis", "gateway-0"))
LONG: Blows = (
    *((f"worker-{number}",) for number in (0, 1, 2, 0, 1, 2)),
    *((("gateway-0",), ("redis",)) * 3),
    ("qdrant",),
    ("redis", "worker-0"),
    ("redis", "gateway-0"),
    ("worker-0", "worker-1", "worker-2"),
    ("redis", "qdrant"),
)


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One round: until so many writes are acknowledged and all the blows have fallen."""

    seed: int
    writes: int
    pace_s: float
    blows: Blows
    within_s: float


async def play(cluster: Cluster, calm: Path, of: Round, tell: Tell) -> None:
    """Play a round, tell its figures, and raise AssertionError unless everything is as it should be."""
    chance, ledger, began = random.Random(of.seed), Ledger(people(f"round-{of.seed}")), time.monotonic()
    plan = plan_blows(chance, parts=of.blows, writes=of.writes)
    async with asyncio.timeout(of.within_s), writing(cluster.urls, ledger, seed=of.seed, pace_s=of.pace_s):
        killed = await strike(cluster, ledger, plan)
        await ledger.reached(of.writes)
    written = time.monotonic()
    await cluster.drained(within_s=of.within_s)
    drained = time.monotonic()
    verdict = await judge(cluster, ledger)
    held, entries = await exports_of(cluster, ledger.people), await entries_of(cluster, ledger.people)
    other = differences(held, await undisturbed(calm, ledger.people, entries, chance))
    (calm.parent / "differences.txt").write_text("\n".join(other))
    tell(
        f"round {of.seed}",
        acknowledged=verdict.acknowledged,
        in_doubt=verdict.in_doubt,
        sent_again=ledger.repeated,
        killed=killed,
        lost=len(verdict.lost),
        attempts=verdict.attempts,
        twice=len(verdict.twice),
        other_than_calm=len(other),
        drain_s=f"{drained - written:.1f}",
        seconds=f"{time.monotonic() - began:.0f}",
    )
    assert (verdict.faults, ledger.surprises, other[:10]) == ({}, [], [])
    assert verdict.acknowledged >= of.writes


async def test_short_round(cluster: Cluster, tmp_path: Path, tell: Tell) -> None:
    await play(cluster, tmp_path, Round(seed=1, writes=150, pace_s=0.3, blows=SHORT, within_s=240), tell)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 20))
async def test_long_round(seed: int, tmp_path: Path, tell: Tell) -> None:
    of = Round(seed=seed, writes=2000, pace_s=0.08, blows=LONG, within_s=300)
    async with echoing() as llm_url, running_cluster(tmp_path / "cluster", llm_url=llm_url) as cluster:
        await play(cluster, tmp_path / "calm", of, tell)
