"""Every profile boots, and every part of the wiring resolves."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from memoryos_adapters.container import AdapterContainer, resolve_all, slots
from memoryos_adapters.registry import open_adapters
from memoryos_adapters.settings import Profile, StorageSettings
from memoryos_gateway.container import GatewayContainer
from memoryos_ports.errors import ConfigurationError
from tests.support.gateway import make_settings as make_served_settings
from tests.support.gateway import running_gateway
from tests.unit.gateway.wiring import client_of, make_settings, wired

_TURN = {"user_id": "ana", "role": "user", "content": "tea"}
_CHAT = {"model": "any", "messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize("profile", ["embedded", "noop"])
async def test_every_provider_of_the_container_resolves(tmp_path: Path, profile: Profile) -> None:
    async with wired(make_settings(profile), tmp_path) as container:
        assert all(provider() is not None for provider in container.providers.values())


@pytest.mark.parametrize("profile", ["embedded", "noop"])
async def test_every_profile_serves(tmp_path: Path, profile: Profile) -> None:
    settings = make_served_settings(tmp_path / "data", storage=StorageSettings(profile=profile))

    async with running_gateway(settings) as gateway, httpx.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        ready = await client.get("/health/ready")
        chat = await client.post("/v1/chat/completions", json=_CHAT)

    assert (ready.status_code, ready.json()["status"]) == (200, "fully_operational")
    assert chat.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("slot", sorted(AdapterContainer.providers))
@pytest.mark.parametrize("given", ["nothing", "the wrong type"])
async def test_a_bad_slot_stops_start_up_and_is_named(tmp_path: Path, slot: str, given: str) -> None:
    settings = make_settings("noop")
    async with open_adapters(settings, database=tmp_path / "db", index=tmp_path / "index") as adapters:
        filled = slots(settings, adapters)
    if given == "nothing":
        del filled[slot]
    else:
        filled[slot] = object()

    with pytest.raises(ConfigurationError) as caught:
        resolve_all(GatewayContainer(**filled))

    assert any(fault.startswith(f"wiring of {slot}: ") for fault in caught.value.faults)


async def test_the_noop_profile_acknowledges_no_write(tmp_path: Path) -> None:
    async with wired(make_settings("noop"), tmp_path) as container, client_of(container) as client:
        response = await client.post("/v1/memory/add", json={**_TURN, "event_id": "evt-1"})

        assert response.status_code == 503
        assert response.json()["error"]["code"] == "memory_disabled"
        assert response.headers["x-should-retry"] == "false"
        assert (await client.get("/v1/memory/events/evt-1", params={"user_id": "ana"})).status_code == 404


async def test_the_noop_profile_reads_nothing(tmp_path: Path) -> None:
    question = {"user_id": "ana", "query": "tea"}
    async with wired(make_settings("noop"), tmp_path) as container, client_of(container) as client:
        answers: list[Any] = [
            (await client.post("/v1/memory/search", json=question)).json(),
            (await client.post("/v1/memory/retrieve", json=question)).json(),
            (await client.get("/v1/memory", params={"user_id": "ana"})).json(),
        ]
        gone = [await client.request(method, "/v1/memory/x", params={"user_id": "ana"}) for method in ("GET", "DELETE")]

    assert answers == [
        {"hits": [], "degraded": False},
        {
            "short_term": [],
            "mid_term": [],
            "long_term": {"profile": None, "facts": []},
            "degraded": False,
            "context": "",
            "tokens": 0,
        },
        {"items": [], "next_cursor": None},
    ]
    assert [response.status_code for response in gone] == [404, 404]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_chat_of_the_noop_profile_says_that_memory_is_off(tmp_path: Path, stream: bool) -> None:
    async with wired(make_settings("noop"), tmp_path) as container, client_of(container) as client:
        response = await client.post("/v1/chat/completions", json={**_CHAT, "stream": stream})

    assert response.status_code == 200
    assert response.headers["x-memoryos-memory"].endswith("state=off; reason=disabled")
    assert "x-memoryos-event" not in response.headers
    assert "memory not stored" not in response.text
