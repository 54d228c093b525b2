"""A master of Redis dies and Sentinel promotes its replica: with WAIT nothing acknowledged is lost."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.cluster.cluster import Cluster, ended_at_last
from tests.e2e.cluster.conftest import Tell
from tests.e2e.cluster.echo import echoing
from tests.e2e.cluster.ledger import Ledger
from tests.e2e.cluster.load import writing
from tests.e2e.cluster.people import people
from tests.e2e.cluster.verdict import Verdict, judge
from tests.support.redis_topology import MASTER, Watched, until, watched_redis

pytestmark = pytest.mark.asyncio(loop_scope="session")

_DRAIN_S = 60.0


@asynccontextmanager
async def _watched_cluster(directory: Path, *, wait_replicas: int) -> AsyncIterator[tuple[Cluster, Watched]]:
    """Run a cluster whose Redis is a master with a replica behind a sentinel."""
    async with watched_redis(directory) as watched, echoing() as llm_url:
        addresses = ", ".join(f'"{address}"' for address in watched.sentinels)
        options = f'mode = "sentinel"\nsentinels = [{addresses}]\nmaster = "{MASTER}"\nwait_replicas = {wait_replicas}'
        cluster = Cluster(
            directory, gateways=2, workers=2, llm_url=llm_url, redis=watched.master, redis_options=options
        )
        async with ended_at_last(cluster):
            await cluster.tap()
            await cluster.qdrant.start()
            await cluster.start_ours()
            yield cluster, watched


async def _fail_over(cluster: Cluster, watched: Watched) -> None:
    """Kill the master; once the replica is promoted, let the old master come back as its replica."""
    await watched.master.kill()
    await until(partial(_is_master, watched))
    cluster.redis = watched.replica
    await watched.master.start()
    watched.master.cli("replicaof", "127.0.0.1", str(watched.replica.port))  # sentinel would, after 8 s and more
    await until(partial(_has_replica, watched))


def _is_master(watched: Watched) -> bool:
    return "role:master" in _replication(watched)


def _has_replica(watched: Watched) -> bool:
    return "state=online" in _replication(watched)


def _replication(watched: Watched) -> str:
    """Return what the replica says of itself; who is promoted drops connections, and then it says nothing."""
    try:
        return watched.replica.cli("info", "replication")
    except subprocess.CalledProcessError:
        return ""


async def _judged(cluster: Cluster, ledger: Ledger, tell: Tell, name: str) -> Verdict:
    await cluster.drained(within_s=_DRAIN_S)
    verdict = await judge(cluster, ledger)
    tell(
        name,
        acknowledged=verdict.acknowledged,
        in_doubt=verdict.in_doubt,
        lost=len(verdict.lost),
        twice=len(verdict.twice),
        slowest_chat_s=f"{max(chat.seconds for chat in ledger.chats):.2f}",
    )
    assert ledger.surprises == []
    assert {chat.status for chat in ledger.chats} == {200}
    return verdict


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
async def test_what_a_replica_has_survives_a_failover(seed: int, tmp_path: Path, tell: Tell) -> None:
    ledger = Ledger(people(f"failover-{seed}"))
    async with _watched_cluster(tmp_path / "cluster", wait_replicas=1) as (cluster, watched):
        async with writing(cluster.urls, ledger, seed=seed, pace_s=0.1):
            await ledger.reached(200)
            await _fail_over(cluster, watched)
            await ledger.reached(ledger.acknowledged + 100)
        verdict = await _judged(cluster, ledger, tell, "failover with wait_replicas 1")

    assert verdict.faults == {}


@pytest.mark.soak
async def test_a_failover_without_waiting_tells_what_it_costs(tmp_path: Path, tell: Tell) -> None:
    ledger = Ledger(people("no-wait"))
    async with _watched_cluster(tmp_path / "cluster", wait_replicas=0) as (cluster, watched):
        async with writing(cluster.urls, ledger, seed=5, pace_s=0.02):
            await ledger.reached(300)
            await _fail_over(cluster, watched)
            await ledger.reached(ledger.acknowledged + 100)
        verdict = await _judged(cluster, ledger, tell, "failover with wait_replicas 0")

    assert (verdict.twice, verdict.foreign, verdict.dead) == ((), (), ())


@pytest.mark.soak
async def test_nothing_is_acknowledged_in_vain_while_the_replica_hangs(tmp_path: Path, tell: Tell) -> None:
    ledger = Ledger(people("hung"))
    async with _watched_cluster(tmp_path / "cluster", wait_replicas=1) as (cluster, watched):
        async with writing(cluster.urls, ledger, seed=6, pace_s=0.1):
            await ledger.reached(100)
            await watched.replica.pause()
            await asyncio.sleep(2.5)  # shorter than what makes a replica unfit to be promoted
            await watched.master.kill()  # with what only it has
            await watched.replica.resume()
            await _fail_over(cluster, watched)
            await ledger.reached(ledger.acknowledged + 50)
        verdict = await _judged(cluster, ledger, tell, "failover to a replica that hung, wait_replicas 1")

    assert verdict.faults == {}
