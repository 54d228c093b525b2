"""Stores that are gone, hang or were never there: what is acknowledged meanwhile is there afterwards, chats go on."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.cluster.cluster import Cluster, ended_at_last
from tests.e2e.cluster.conftest import Tell
from tests.e2e.cluster.ledger import Ledger
from tests.e2e.cluster.load import writing
from tests.e2e.cluster.people import people
from tests.e2e.cluster.verdict import judge

pytestmark = pytest.mark.asyncio(loop_scope="session")

_DRAIN_S = 60.0

BOTH = ("redis", "qdrant")
OUTAGES = [("redis",), ("qdrant",), BOTH]


async def _kill(cluster: Cluster, parts: Sequence[str]) -> None:
    await asyncio.gather(*(cluster.part(name).kill() for name in parts))


async def _start(cluster: Cluster, parts: Sequence[str]) -> None:
    await asyncio.gather(*(cluster.part(name).start() for name in parts))


async def _pause(cluster: Cluster, parts: Sequence[str]) -> None:
    await asyncio.gather(*(cluster.part(name).pause() for name in parts))


async def _resume(cluster: Cluster, parts: Sequence[str]) -> None:
    await asyncio.gather(*(cluster.part(name).resume() for name in parts))


Begin = Callable[[Cluster, Sequence[str]], Any]


async def _outage(
    cluster: Cluster, parts: Sequence[str], *, seconds: float, tell: Tell, begin: Begin = _kill, end: Begin = _start
) -> None:
    """Take parts away under load for a while, and raise AssertionError unless everything is there afterwards."""
    ledger = Ledger(people(f"{begin.__name__.strip('_')}-{'-'.join(parts)}"))
    async with writing(cluster.urls, ledger, seed=7, pace_s=0.2):
        await ledger.reached(20)
        await begin(cluster, parts)
        before, chats = ledger.acknowledged, len(ledger.chats)
        await asyncio.sleep(seconds)
        meanwhile, chats_meanwhile = ledger.acknowledged - before, ledger.chats[chats:]
        await end(cluster, parts)
        await ledger.reached(ledger.acknowledged + 20)
    await cluster.drained(within_s=_DRAIN_S)
    verdict = await judge(cluster, ledger)
    tell(
        f"{' and '.join(parts)} {'killed' if begin is _kill else 'paused'} for {seconds:.0f} s",
        acknowledged=verdict.acknowledged,
        meanwhile=meanwhile,
        in_doubt=verdict.in_doubt,
        lost=len(verdict.lost),
        attempts=verdict.attempts,
        chats_meanwhile=len(chats_meanwhile),
        not_acknowledged=sum(not chat.is_acknowledged for chat in chats_meanwhile),
        slowest_chat_s=f"{max(chat.seconds for chat in ledger.chats):.2f}",
    )
    assert (verdict.faults, ledger.surprises) == ({}, [])
    assert {chat.status for chat in ledger.chats} == {200}
    assert meanwhile > 0


async def test_a_short_outage_of_everything_loses_nothing(cluster: Cluster, tell: Tell) -> None:
    for parts in (("redis",), BOTH):
        await _outage(cluster, parts, seconds=3, tell=tell)


@pytest.mark.soak
@pytest.mark.parametrize("parts", OUTAGES, ids="-".join)
async def test_half_a_minute_without_a_store_loses_nothing(parts: Sequence[str], cluster: Cluster, tell: Tell) -> None:
    await _outage(cluster, parts, seconds=30, tell=tell)


@pytest.mark.soak
@pytest.mark.parametrize("parts", OUTAGES, ids="-".join)
async def test_a_store_that_hangs_loses_nothing(parts: Sequence[str], cluster: Cluster, tell: Tell) -> None:
    await _outage(cluster, parts, seconds=15, tell=tell, begin=_pause, end=_resume)


async def test_a_store_that_is_away_costs_no_attempt(cluster: Cluster) -> None:
    await _away_for(cluster, seconds=5)


@pytest.mark.soak
async def test_a_store_that_is_away_for_longer_than_all_back_offs_buries_nothing(cluster: Cluster) -> None:
    await _away_for(cluster, seconds=120)


async def _away_for(cluster: Cluster, *, seconds: float) -> None:
    who = people("away")[0]
    ids = [f"patient-{seconds:.0f}-{number}" for number in range(20)]
    await cluster.qdrant.kill()
    async with httpx.AsyncClient(base_url=cluster.urls[0], headers=who.headers, trust_env=False, timeout=30) as client:
        for event_id in ids:
            body = {"user_id": who.user_id, "role": "user", "content": event_id, "event_id": event_id}
            (await client.post("/v1/memory/add", json=body)).raise_for_status()
        await asyncio.sleep(seconds)
        receipts = [await client.get(f"/v1/memory/events/{it}", params={"user_id": who.user_id}) for it in ids]
        await cluster.qdrant.start()
        await cluster.drained(within_s=_DRAIN_S)
        stored = [await client.get(f"/v1/memory/events/{it}", params={"user_id": who.user_id}) for it in ids]

    assert {(it.json()["state"], it.json()["attempts"]) for it in receipts} <= {("queued", 0), ("processing", 0)}
    assert [it.json()["state"] for it in stored] == ["stored"] * len(ids)
    assert {it.json()["attempts"] for it in stored} == {1}  # the one that succeeded


async def test_what_was_absent_at_the_start_may_appear_later(tmp_path: Path) -> None:
    who = people("absent")[0]
    cluster = Cluster(tmp_path / "cluster", gateways=1, workers=1)
    async with (
        ended_at_last(cluster),
        httpx.AsyncClient(base_url=cluster.urls[0], headers=who.headers, trust_env=False, timeout=30) as client,
    ):
        await cluster.start_ours()
        ready = await client.get("/health/ready")
        mode = (await client.get("/health/status")).json()
        question = {"model": "any", "messages": [{"role": "user", "content": "said to nobody"}]}
        chat = await client.post("/v1/chat/completions", json=question)
        body = {"user_id": who.user_id, "role": "user", "content": "added to nothing"}
        added = await client.post("/v1/memory/add", json=body)
        await cluster.start_stores()
        await cluster.drained(within_s=_DRAIN_S)
        answer = await client.post("/v1/memory/search", json={"user_id": who.user_id, "query": "added to nothing"})

    assert (ready.status_code, mode["mode"]) == (200, "degraded")
    assert {mode["dependencies"][name] for name in BOTH} == {"down"}
    assert (chat.status_code, added.status_code) == (200, 202)
    assert {hit["text"] for hit in answer.raise_for_status().json()["hits"]} >= {"added to nothing"}
