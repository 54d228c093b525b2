"""A gateway with two providers that can fail, one of them local, in the tiers of `auto`."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
from openai import AsyncOpenAI

from memoryos_adapters.llm.http_llm import HttpLlm
from memoryos_adapters.settings import (
    LlmProviderSettings,
    LlmSettings,
    RouterSettings,
    RouterTierSettings,
    Settings,
)
from memoryos_gateway.container import GatewayContainer
from tests.service.chat.person import Person
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway, make_settings, wired_gateway

SECRET_WORD = "falcon"


@pytest.fixture
async def near() -> AsyncIterator[FakeUpstream]:
    """The provider that is local, and first in the tiers."""
    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
async def far() -> AsyncIterator[FakeUpstream]:
    """The provider in the cloud, and second."""
    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
def settings(tmp_path: Path, near: FakeUpstream, far: FakeUpstream) -> Settings:
    """Three tries without much waiting, short time-outs, and two tiers."""
    hasty = LlmProviderSettings(
        kind="openai", first_token_timeout_s=0.5, idle_timeout_s=0.5, total_timeout_s=8.0, connect_timeout_s=1.0
    )
    providers = {
        "near": msgspec.structs.replace(hasty, base_url=near.base_url, local=True, total_timeout_s=4.0),
        "far": msgspec.structs.replace(hasty, base_url=far.base_url),
    }
    tiers = (
        RouterTierSettings(name="local", models=("near/n-1",), max_prompt_tokens=100),
        RouterTierSettings(name="cloud", models=("far/f-1",)),
    )
    return make_settings(
        tmp_path / "data",
        llm=LlmSettings(default_provider="far", providers=providers),
        router=RouterSettings(tiers=tiers, sensitive=(SECRET_WORD,), backoff_s=0.01, breaker_failures=4),
    )


@pytest.fixture
async def gateway(settings: Settings, outgoing: list[aiohttp.ClientSession]) -> AsyncIterator[RunningGateway]:
    """The gateway. When it closes, nothing that it opened towards a provider is in use, and no task of it is left."""
    before = asyncio.all_tasks()
    async with wired_gateway(settings, wire=lambda container: outgoing.append(_session_of(container))) as running:
        yield running
        assert outgoing[0].connector is not None
        assert not outgoing[0].connector._acquired
    assert {
        task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not _is_of_a_fake(task)
    } == set()


def _is_of_a_fake(task: asyncio.Task[object]) -> bool:
    """The fake providers live in this process as well, and close after the gateway."""
    return getattr(task.get_coro(), "__qualname__", "") == "RequestHandler.start"


@pytest.fixture
def outgoing() -> list[aiohttp.ClientSession]:
    """The session of all adapters, once the gateway runs."""
    return []


def _session_of(container: GatewayContainer) -> aiohttp.ClientSession:
    adapter: HttpLlm = container.llms()[0].adapter
    return adapter._provider.http.session


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A session for plain requests."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def person(http: aiohttp.ClientSession, gateway: RunningGateway) -> Person:
    """Somebody of whom nothing is remembered."""
    name = f"u-{uuid.uuid4().hex}"
    return Person(http, gateway.url, name, headers={"x-user-id": name})


@pytest.fixture
async def sdk(gateway: RunningGateway, person: Person) -> AsyncIterator[AsyncOpenAI]:
    """The official SDK with its own two retries."""
    headers = {"X-User-ID": person.name}
    async with AsyncOpenAI(base_url=gateway.base_url, api_key="x", timeout=20, default_headers=headers) as client:
        yield client
