"""Gateways and a worker on Redis and Qdrant while all is well: what they share, and what each says of it."""

import asyncio
from pathlib import Path

import httpx
import msgspec
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionUserMessageParam

from memoryos_adapters.settings import LlmProviderSettings, LlmSettings, Settings
from memoryos_ports.event_wire import encode_event
from tests.service.memory.api import MemoryApi, error_of
from tests.service.server_profile.conftest import client_of, memory_of
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import running_gateway
from tests.support.makers import make_event
from tests.support.server_profile import Servers, running_worker, with_own_files

PATIENCE_S = 20.0


def with_worker(settings: Settings, **changes: object) -> Settings:
    """Return the settings with other ones of the worker."""
    return msgspec.structs.replace(settings, worker=msgspec.structs.replace(settings.worker, **changes))


async def test_what_a_chat_says_is_remembered_by_a_worker_and_recalled_in_the_next(settings: Settings) -> None:
    async with FakeUpstream() as model, running_worker(settings):
        provider = LlmProviderSettings(kind="openai", base_url=model.base_url)
        chatting = msgspec.structs.replace(settings, llm=LlmSettings(providers={"fake": provider}))
        async with (
            running_gateway(chatting) as gateway,
            AsyncOpenAI(base_url=gateway.base_url, api_key="x", max_retries=0) as sdk,
        ):
            ana, bob = (sdk.with_options(default_headers={"X-User-ID": name}) for name in ("ana", "bob"))
            chats = ana.chat.completions.with_raw_response
            told = await chats.create(model="m", messages=[_said("I keep green tea in the attic")])
            await _stored(gateway.url, "ana", told.headers["x-memoryos-event"])
            asked = [_said("Where is my green tea?")]
            streamed = await chats.create(model="m", messages=asked, stream=True)
            words = [chunk.choices[0].delta.content or "" async for chunk in streamed.parse() if chunk.choices]
            strange = await bob.chat.completions.with_raw_response.create(model="m", messages=asked)

    assert "".join(words) == "Hello!"
    assert "state=ok" in streamed.headers["x-memoryos-memory"]
    assert "recalled=0" not in streamed.headers["x-memoryos-memory"]
    assert "recalled=0" in strange.headers["x-memoryos-memory"]


async def test_who_waits_until_it_is_searchable_is_answered_by_a_worker(settings: Settings) -> None:
    async with memory_of(settings) as memory, running_worker(settings):
        stored = await memory.add("green tea", event_id="e1")

        assert stored["state"] == "stored"
        assert [hit["text"] for hit in await memory.search("tea")] == ["green tea"]
        assert await MemoryApi(memory.client, "bob").texts() == []


async def test_a_gateway_that_is_told_so_is_a_consumer_itself(settings: Settings) -> None:
    async with memory_of(with_worker(settings, async_pipeline=False)) as memory:
        assert (await memory.add("green tea"))["state"] == "stored"


async def test_a_receipt_follows_an_event(servers: Servers, settings: Settings) -> None:
    async with memory_of(settings) as memory:
        await memory.post_add("green tea", event_id="good")
        states = [await _state(memory, "good")]
        group, stream = settings.worker.group, settings.worker.stream
        servers.cli(settings, "XGROUP", "CREATE", stream, group, "0")
        servers.cli(settings, "XREADGROUP", "GROUP", group, "somebody", "COUNT", "1", "STREAMS", stream, ">")
        states.append(await _state(memory, "good"))
        bad = msgspec.structs.replace(make_event("bad"), tenant_id="default", user_id="ana", messages=())
        servers.cli(settings, "XADD", stream, "*", "event_id", "bad", "payload", encode_event(bad).decode())
        async with running_worker(settings), asyncio.timeout(PATIENCE_S):
            for event_id, end in (("good", "stored"), ("bad", "dead")):
                while (state := await _state(memory, event_id)) != end:
                    pass
                states.append(state)

    assert states == ["queued", "processing", "stored", "dead"]


async def test_two_gateways_know_one_event_by_its_id(settings: Settings, tmp_path: Path) -> None:
    other = with_own_files(settings, tmp_path / "other")
    async with memory_of(settings) as one, memory_of(other) as two, running_worker(settings):
        both = await asyncio.gather(*(each.add("green tea", event_id="e1") for each in (one, two, one, two)))
        refused = [await each.post_add("black tea", event_id="e1") for each in (one, two)]

        assert len({str(added["memory_ids"]) for added in both}) == 1
        assert [error_of(response, 409)["code"] for response in refused] == ["event_id_reused"] * 2
        assert await two.texts() == ["green tea"]


async def test_an_erasure_by_one_gateway_holds_for_what_another_accepted_before(
    settings: Settings, tmp_path: Path
) -> None:
    other = with_own_files(settings, tmp_path / "other")
    async with memory_of(settings) as one, memory_of(other) as two:
        await two.post_add("green tea", event_id="before")
        erased = await one.client.delete("/v1/memory/users/ana")
        assert erased.json()["state"] == "complete", erased.text
        async with running_worker(settings):
            assert (await one.add("black tea", event_id="after"))["state"] == "stored"
        assert await two.texts() == ["black tea"]


async def test_health_and_metrics_tell_what_there_is(settings: Settings) -> None:
    async with client_of(settings) as client:
        await MemoryApi(client, "ana").post_add("green tea")
        await client.post("/v1/chat/completions", json={"model": "m", "messages": [{"role": "user", "content": "hi"}]})
        status = (await client.get("/health/status")).json()
        metrics = await client.get("/metrics")

    assert (status["mode"], status["outbox"]) == ("fully_operational", {"waiting": 0})
    assert status["dependencies"] == {"redis": "up", "qdrant": "up", "outbox": "up"}
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = metrics.text.splitlines()
    for line in (
        'memoryos_dependency_up{dependency="redis"} 1.0',
        'memoryos_published_total{outcome="new"} 2.0',
        'memoryos_chat_memory_total{state="ok"} 1.0',
        'memoryos_requests_total{method="POST",path="/v1/memory/add",status="202"} 1.0',
        "memoryos_outbox_length 0.0",
    ):
        assert line in lines


def _said(text: str) -> ChatCompletionUserMessageParam:
    return {"role": "user", "content": text}


async def _state(memory: MemoryApi, event_id: str) -> str:
    response = await memory.event(event_id)
    return str(response.json().get("state"))


async def _stored(url: str, user_id: str, event_id: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client, asyncio.timeout(PATIENCE_S):
        while await _state(MemoryApi(client, user_id), event_id) != "stored":
            pass
