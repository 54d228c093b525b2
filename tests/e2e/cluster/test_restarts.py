"""A rolling restart under load: every process ends in order and comes back, and nobody notices."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.e2e.cluster.child import Child
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.conftest import Tell
from tests.e2e.cluster.ledger import Ledger
from tests.e2e.cluster.load import writing
from tests.e2e.cluster.people import people
from tests.e2e.cluster.verdict import judge

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _roll(parts: Sequence[Child]) -> list[int]:
    """Stop and start one process after the other; return their exit codes."""
    codes = []
    for child in parts:
        codes.append(await child.stop())
        await child.start()
    return codes


async def _restart(cluster: Cluster, tell: Tell, parts: Sequence[Child]) -> None:
    ledger = Ledger(people(f"rolled-{len(parts)}"))
    async with asyncio.timeout(300), writing(cluster.urls, ledger, seed=3, pace_s=0.15):
        await ledger.reached(20)
        codes = await _roll(parts)
        await ledger.reached(ledger.acknowledged + 20)
    await cluster.drained(within_s=60)
    verdict = await judge(cluster, ledger)
    tell(
        "rolling restart",
        acknowledged=verdict.acknowledged,
        in_doubt=verdict.in_doubt,
        restarted=len(codes),
        chats=len(ledger.chats),
        refused=ledger.refused,
        broken=len(ledger.broken),
        lost=len(verdict.lost),
    )
    assert set(codes) == {0}
    assert (verdict.faults, ledger.surprises, ledger.broken) == ({}, [], [])
    assert {chat.status for chat in ledger.chats} == {200}


async def test_a_restart_in_order_fails_no_request_that_was_taken_in(cluster: Cluster, tell: Tell) -> None:
    await _restart(cluster, tell, [cluster.workers[0], cluster.gateways[0]])


@pytest.mark.soak
async def test_five_rolling_restarts_fail_no_request_that_was_taken_in(cluster: Cluster, tell: Tell) -> None:
    await _restart(cluster, tell, 5 * [*cluster.workers, *cluster.gateways])
