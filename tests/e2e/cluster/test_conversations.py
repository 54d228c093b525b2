"""Conversations whose turns go to one gateway and then to another, with an outage in between."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.e2e.cluster.child import Child
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.echo import ANSWER
from tests.e2e.cluster.memory import Reader
from tests.e2e.cluster.people import Who

pytestmark = pytest.mark.asyncio(loop_scope="session")

_DRAIN_S = 60.0


async def _ask(gateway: Child, who: Who, said: list[dict[str, str]], text: str) -> str | None:
    """Say something and take down the answer; return the event_id under which both are remembered."""
    said.append({"role": "user", "content": text})
    body = {"model": "any", "messages": said}
    async with httpx.AsyncClient(base_url=gateway.url, headers=who.headers, trust_env=False, timeout=30) as client:
        response = (await client.post("/v1/chat/completions", json=body)).raise_for_status()
    answer: Any = response.json()["choices"][0]["message"]
    said.append({"role": "assistant", "content": answer["content"]})
    event_id: str | None = response.headers.get("x-memoryos-event")
    return event_id


async def _is_whole(gateway: Child) -> None:
    """Return once a gateway says that every dependency is up."""
    async with asyncio.timeout(_DRAIN_S), httpx.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        while True:
            if (await client.get("/health/status")).json()["mode"] == "fully_operational":
                return
            await asyncio.sleep(0.1)


async def test_a_conversation_goes_on_at_another_gateway_after_an_outage(cluster: Cluster, reader: Reader) -> None:
    who, said = Who(user_id="talker"), list[dict[str, str]]()
    events = [await _ask(cluster.gateways[0], who, said, "before")]
    await cluster.redis.kill()
    events.append(await _ask(cluster.gateways[0], who, said, "meanwhile"))
    await cluster.redis.start()
    await cluster.drained(within_s=_DRAIN_S)
    events.append(await _ask(cluster.gateways[1], who, said, "after"))
    await cluster.drained(within_s=_DRAIN_S)

    assert None not in events
    told = [text for turn in ("before", "meanwhile", "after") for text in (turn, f"{ANSWER}{turn}")]
    assert await reader.texts(who) == sorted(told)


async def test_a_conversation_that_goes_on_elsewhere_before_an_outbox_is_delivered_is_there_once(
    cluster: Cluster, reader: Reader
) -> None:
    """What only a dead gateway's outbox knows comes again as history, and yields to it in the end."""
    who, said = Who(user_id="mover"), list[dict[str, str]]()
    dead, alive = cluster.gateways
    await cluster.redis.kill()
    first = await _ask(dead, who, said, "meanwhile")
    await dead.kill()
    await cluster.redis.start()
    await _is_whole(alive)
    second = await _ask(alive, who, said, "after")
    await dead.start()
    await cluster.drained(within_s=_DRAIN_S)

    assert None not in (first, second)
    told = [text for turn in ("meanwhile", "after") for text in (turn, f"{ANSWER}{turn}")]
    assert await reader.texts(who) == sorted(told)
