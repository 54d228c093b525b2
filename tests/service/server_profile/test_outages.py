"""What a gateway does while Redis, Qdrant or both are down, hang, or are not there yet; and what is there then."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from memoryos_adapters.settings import LlmProviderSettings, LlmSettings, MemorySettings, Settings
from tests.service.memory.api import MemoryApi, error_of
from tests.service.server_profile.conftest import client_of, memory_of
from tests.support.fake_upstream import FakeUpstream
from tests.support.server_profile import Servers, running_worker

PATIENCE_S = 30.0
SOON_S = 5.0
"""More than what is promised for the first request that meets a server that hangs (2.5 s), since machines are slow."""


async def test_what_is_added_while_redis_is_down_is_there_when_it_is_back(servers: Servers, settings: Settings) -> None:
    async with memory_of(settings) as memory, running_worker(settings):
        await memory.add("said before", event_id="before")
        with servers.without_redis():
            added = [await memory.post_add(f"said {number}", event_id=f"e{number}") for number in range(5)]
            chat = await _chat(memory.client)
            status = await _status(memory.client)
            ready = await memory.client.get("/health/ready")
            again = await memory.post_add("other words", event_id="e0")
        for number in range(5):
            await _until_stored(memory, f"e{number}")

        assert {(response.status_code, response.json()["state"]) for response in added} == {(202, "queued")}
        assert (chat.status_code, _memory(chat)["state"]) == (200, "degraded")
        assert status["outbox"]["waiting"] >= 5
        assert ready.status_code == 200
        assert error_of(again, 409)["code"] == "event_id_reused"
        assert {"said before", *(f"said {number}" for number in range(5))} <= set(await memory.texts())
        assert (await _status(memory.client))["outbox"] == {"waiting": 0}


async def test_other_content_that_the_outbox_took_ends_among_the_dead_letters(
    servers: Servers, settings: Settings
) -> None:
    async with memory_of(settings) as memory, running_worker(settings) as worker:
        await memory.add("green tea", event_id="e1")
        with servers.without_qdrant(), servers.without_redis():  # the index would have known of it
            assert (await memory.post_add("black tea", event_id="e1")).status_code == 202
        async with asyncio.timeout(PATIENCE_S):
            while not (letters := await worker.dead_letters().list_dead(limit=10)):
                pass

        assert [(letter.event_id, "black tea" in letter.payload.decode()) for letter in letters] == [("e1", True)]
        assert (await memory.event("e1")).json()["state"] == "stored"
        assert await memory.texts() == ["green tea"]


async def test_while_qdrant_is_down_events_wait_and_the_newest_turns_are_recalled(
    servers: Servers, settings: Settings
) -> None:
    async with FakeUpstream() as model:
        provider = LlmProviderSettings(kind="openai", base_url=model.base_url)
        chatting = msgspec.structs.replace(settings, llm=LlmSettings(providers={"fake": provider}))
        async with memory_of(chatting) as memory, running_worker(settings):
            with servers.without_qdrant():
                added = await memory.post_add("I keep green tea in the attic", event_id="e1")
                chat = await _chat(memory.client, "Where is my green tea?")
                state = (await memory.event("e1")).json()["state"]
            await _until_stored(memory, "e1")

            assert (added.status_code, added.json()["state"]) == (202, "queued")
            assert (chat.status_code, _memory(chat)["state"], _memory(chat)["recalled"]) == (200, "degraded", "1")
            assert state in ("queued", "processing")
            assert "I keep green tea in the attic" in await memory.texts()


@pytest.mark.parametrize("headers", [{}, {"X-Session-ID": "now"}], ids=["no session", "a session"])
async def test_while_qdrant_is_down_what_was_stored_before_is_recalled_from_short_term_memory(
    servers: Servers, settings: Settings, headers: dict[str, str]
) -> None:
    async with FakeUpstream() as model:
        provider = LlmProviderSettings(kind="openai", base_url=model.base_url)
        chatting = msgspec.structs.replace(settings, llm=LlmSettings(providers={"fake": provider}))
        async with memory_of(chatting) as memory, running_worker(settings):
            await memory.add("I keep green tea in the attic", session_id="before")
            await memory.add("My dog is called Rex")
            with servers.without_qdrant():
                chat = await _chat(memory.client, "Where is my green tea?", headers)
                search = await memory.post_search("What is my dog called?")
                facts = await memory.post_search("What is my dog called?", kinds=["fact"])
                context = await memory.retrieve("Where is my green tea?")

    assert (_memory(chat)["state"], _memory(chat)["recalled"]) == ("degraded", "1")
    assert ([hit["text"] for hit in search.json()["hits"]], search.json()["degraded"]) == (
        ["My dog is called Rex"],
        True,
    )
    assert error_of(facts, 503)["code"] == "storage_unavailable"
    assert ("in the attic" in context["context"], context["degraded"]) == (True, True)


async def test_with_both_down_adds_are_kept_and_chats_answered(servers: Servers, settings: Settings) -> None:
    async with memory_of(settings) as memory, running_worker(settings):
        with servers.without_qdrant(), servers.without_redis():
            added = await memory.post_add("green tea", event_id="e1")
            chat = await _chat(memory.client)
            search = await memory.post_search("tea")
        await _until_stored(memory, "e1")

    assert (added.status_code, chat.status_code) == (202, 200)
    assert error_of(search, 503)["code"] == "storage_unavailable"


async def test_a_gateway_and_a_worker_start_before_their_servers(servers: Servers, settings: Settings) -> None:
    with servers.without_qdrant(), servers.without_redis():
        gateway, worker = memory_of(settings), running_worker(settings)
        memory = await gateway.__aenter__()
        await worker.__aenter__()
        added = await memory.post_add("green tea", event_id="e1")
    try:
        await _until_stored(memory, "e1")
        assert added.status_code == 202
        async with asyncio.timeout(PATIENCE_S):
            while (await _status(memory.client))["mode"] != "fully_operational":
                pass
    finally:
        await worker.__aexit__(None, None, None)
        await gateway.__aexit__(None, None, None)


async def test_what_waits_in_the_outbox_is_delivered_by_the_next_gateway(servers: Servers, settings: Settings) -> None:
    with servers.without_redis():
        async with memory_of(settings) as memory:
            assert (await memory.post_add("green tea", event_id="e1")).status_code == 202
    async with memory_of(settings) as memory, running_worker(settings):
        await _until_stored(memory, "e1")


async def test_servers_that_hang_hold_up_neither_chats_nor_adds(servers: Servers, settings: Settings) -> None:
    hasty = msgspec.structs.replace(settings, memory=MemorySettings())
    async with memory_of(hasty) as memory, running_worker(settings):
        await memory.add("green tea", event_id="e1")
        with servers.hanging():
            async with asyncio.timeout(SOON_S):
                chats = [await _chat(memory.client, f"Hello {number}") for number in range(2)]
            async with asyncio.timeout(SOON_S):
                first = await memory.post_add("black tea", event_id="e2", session_id="s1")
            async with asyncio.timeout(SOON_S):
                later = [
                    await memory.post_add(f"tea {number}", event_id=f"later{number}", session_id="s1")
                    for number in range(10)
                ]
        for event_id in ("e2", *(f"later{number}" for number in range(10))):
            await _until_stored(memory, event_id)

    assert {response.status_code for response in chats} == {200}
    assert {response.status_code for response in (first, *later)} == {202}


@pytest.fixture
def without_outbox(settings: Settings) -> Settings:
    """Settings of a gateway that keeps no files at all."""
    storage = msgspec.structs.replace(settings.storage, outbox=False)
    return msgspec.structs.replace(settings, storage=storage, data_dir="/nonexistent/and/not/writable")


async def test_without_an_outbox_what_cannot_reach_redis_is_refused(servers: Servers, without_outbox: Settings) -> None:
    async with client_of(without_outbox) as client, running_worker(without_outbox):
        memory = MemoryApi(client, "ana")
        await memory.add("green tea")
        with servers.without_redis():
            refused = await memory.post_add("black tea")
            chat = await _chat(client)

        assert error_of(refused, 503)["code"] == "storage_unavailable"
        assert int(refused.headers["retry-after"]) >= 1
        assert (chat.status_code, _memory(chat)["state"]) == (200, "degraded")
        assert "x-memoryos-event" not in chat.headers


async def test_an_outbox_that_is_full_refuses_and_says_when_to_come_again(servers: Servers, settings: Settings) -> None:
    storage = msgspec.structs.replace(settings.storage, max_outbox=2)
    async with memory_of(msgspec.structs.replace(settings, storage=storage)) as memory:
        with servers.without_redis():
            added = [await memory.post_add(f"tea {number}") for number in range(3)]
            metrics = await memory.client.get("/metrics")

    assert [response.status_code for response in added] == [202, 202, 503]
    assert added[2].headers["retry-after"] == "5"
    assert "memoryos_outbox_refused_total 1.0" in metrics.text.splitlines()


async def _chat(
    client: httpx.AsyncClient, text: str = "Hello", headers: dict[str, str] | None = None
) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return await client.post("/v1/chat/completions", json=body, headers={"X-User-ID": "ana", **(headers or {})})


def _memory(answer: httpx.Response) -> dict[str, str]:
    return dict(field.split("=", 1) for field in answer.headers["x-memoryos-memory"].split("; "))


async def _status(client: httpx.AsyncClient) -> dict[str, Any]:
    status: dict[str, Any] = (await client.get("/health/status")).json()
    return status


async def _until_stored(memory: MemoryApi, event_id: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await memory.event(event_id)).json().get("state") != "stored":
            pass
