"""An embedder outside that goes away: chats go on, health says so, and the gateway starts without it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from memoryos_adapters.settings import EmbeddingSettings, Settings
from tests.service.chat.person import Person
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway, make_settings, running_gateway


@pytest.fixture
async def endpoint() -> AsyncIterator[FakeUpstream]:
    """Where the embedder is."""
    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
def settings(tmp_path: Path, endpoint: FakeUpstream) -> Settings:
    """No provider of chats, and an embedder whose dimensions are not configured."""
    outside = EmbeddingSettings(kind="openai", base_url=endpoint.base_url, model="m")
    return make_settings(tmp_path / "data", embedding=outside)


async def chat(http: aiohttp.ClientSession, gateway: RunningGateway) -> int:
    """Return the status of a chat."""
    person = Person(http, gateway.url, "ana", headers={"x-user-id": "ana"})
    return (await person.chat("I drink green tea.")).status


async def embedder_becomes(state: str, http: aiohttp.ClientSession, gateway: RunningGateway) -> None:
    """Ask for the health until the embedder is `state`."""
    async with asyncio.timeout(10):
        while True:
            async with http.get(f"{gateway.url}/health/status") as answer:
                if (await answer.json())["dependencies"]["embedder"] == state:
                    return


async def test_the_gateway_starts_and_chats_without_the_embedder_of_its_index(
    settings: Settings, endpoint: FakeUpstream, http: aiohttp.ClientSession
) -> None:
    async with running_gateway(settings) as gateway:
        assert await chat(http, gateway) == 200
        await embedder_becomes("up", http, gateway)
    await endpoint.refuse()
    async with running_gateway(settings) as gateway:
        assert await chat(http, gateway) == 200
        await embedder_becomes("down", http, gateway)
        assert await chat(http, gateway) == 200


async def test_memory_is_searched_by_words_while_the_embedder_is_away(
    settings: Settings, endpoint: FakeUpstream, http: aiohttp.ClientSession
) -> None:
    turn = {"user_id": "ana", "role": "user", "content": "I drink green tea.", "wait": "searchable"}
    async with running_gateway(settings) as gateway, http.post(f"{gateway.url}/v1/memory/add", json=turn) as answer:
        assert answer.status == 200, await answer.text()
    await endpoint.refuse()
    async with running_gateway(settings) as gateway:
        for route, part in (("search", "hits"), ("retrieve", "mid_term")):
            asked = {"user_id": "ana", "query": "which tea"}
            async with http.post(f"{gateway.url}/v1/memory/{route}", json=asked) as answer:
                found = await answer.json()
            assert (answer.status, found["degraded"]) == (200, True)
            assert [hit["text"] for hit in found[part]] == ["I drink green tea."]
