"""Two gateways before one provider, for what every client of the wire may rely on: one with keys, one without."""

import hashlib
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import aiohttp
import loguru
import pytest
import pytest_asyncio
from dependency_injector import providers
from loguru import logger
from openai import AsyncOpenAI

from memoryos_adapters.profiles.adapters import ConfiguredLlm
from memoryos_adapters.settings import (
    AuthKeySettings,
    AuthSettings,
    KeyScope,
    LlmProviderSettings,
    LlmSettings,
    RouterSettings,
    Secret,
    ServerSettings,
    Settings,
)
from memoryos_gateway.container import GatewayContainer
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ChatAnswer, ChatChunk, ChatRequest
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway, make_settings, wired_gateway

ORIGIN = "https://app.example"
PROVIDER_KEY = "sk-provider-secret"
CHAT = "/v1/chat/completions"

_ONCE = RouterSettings(max_tries=1, breaker_failures=1000)


class PickyLlm:
    """A provider's adapter that has no word for one parameter, whatever its value."""

    name = "picky"

    async def reach(self) -> None:
        """There is nothing to reach."""

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Refuse, as adapters do before anything is sent."""
        raise InvalidInput("logit_bias is not supported here", param="logit_bias", code="unsupported_parameter")

    async def chat_stream(self, request: ChatRequest) -> AsyncGenerator[list[ChatChunk], None]:
        """Refuse in the same way."""
        await self.chat(request)
        yield []


def wire(container: GatewayContainer) -> None:
    """Serve `picky/...` beside what is configured."""
    picky = ConfiguredLlm(adapter=PickyLlm(), settings=LlmProviderSettings(kind="openai"))
    container.llms.override(providers.Object((*container.llms(), picky)))


def key(
    secret: str, *, models: tuple[str, ...] = (), scopes: tuple[KeyScope, ...] = ("chat", "memory:write")
) -> AuthKeySettings:
    """Return a key of the tenant `acme`."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return AuthKeySettings(tenant="acme", key_sha256=digest, models=models, scopes=scopes)


KEYS = (
    key("sk-any"),
    key("sk-m-1", models=("m-1",)),
    key("sk-vendor", models=("open/vendor/*", "fast")),
    key("sk-fake", models=("fake/*",)),
    key("sk-silent", scopes=("memory:write",)),
)


def settings_of(directory: Any, upstream: FakeUpstream, **changes: Any) -> Settings:
    """Return the settings of a gateway whose default provider serves two models, beside one that serves any."""
    provider = LlmProviderSettings(kind="openai", base_url=upstream.base_url, api_key=Secret(PROVIDER_KEY))
    fake = LlmProviderSettings(
        kind="openai", base_url=upstream.base_url, api_key=Secret(PROVIDER_KEY), models=("m-1", "m-2")
    )
    llm = LlmSettings(
        default_provider="fake",
        providers={"fake": fake, "open": provider},
        aliases={"fast": "open/swift", "m-3": "fake/m-2"},
    )
    server = ServerSettings(allowed_origins=(ORIGIN,), body_limit_mb=1)
    return make_settings(directory, llm=llm, server=server, router=_ONCE, **changes)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_upstream() -> AsyncIterator[FakeUpstream]:
    """The provider behind `fake` and `open`."""
    async with FakeUpstream() as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def gateway(
    tmp_path_factory: pytest.TempPathFactory, shared_upstream: FakeUpstream
) -> AsyncIterator[RunningGateway]:
    """A gateway without keys; pages of ORIGIN may call it."""
    settings = settings_of(tmp_path_factory.mktemp("open"), shared_upstream)
    async with wired_gateway(settings, wire=wire) as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def keyed(
    tmp_path_factory: pytest.TempPathFactory, shared_upstream: FakeUpstream
) -> AsyncIterator[RunningGateway]:
    """A gateway with KEYS; pages of ORIGIN may call it."""
    settings = settings_of(tmp_path_factory.mktemp("keyed"), shared_upstream, auth=AuthSettings(keys=KEYS))
    async with wired_gateway(settings, wire=wire) as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A session for plain requests."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_sdk(gateway: RunningGateway) -> AsyncIterator[AsyncOpenAI]:
    """An SDK client of the gateway without keys."""
    async with AsyncOpenAI(base_url=gateway.base_url, api_key="sk-client", max_retries=0, timeout=10) as client:
        yield client


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_keyed_sdk(keyed: RunningGateway) -> AsyncIterator[AsyncOpenAI]:
    """An SDK client of the gateway with keys; choose the key with `with_options`."""
    async with AsyncOpenAI(base_url=keyed.base_url, api_key="sk-any", max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def upstream(shared_upstream: FakeUpstream) -> FakeUpstream:
    """The provider, without memory of other tests."""
    shared_upstream.forget()
    return shared_upstream


@pytest.fixture
def sdk(shared_sdk: AsyncOpenAI, upstream: FakeUpstream) -> AsyncOpenAI:
    """The official SDK, speaking for somebody of whom nothing is remembered, without retries."""
    return shared_sdk.with_options(default_headers={"X-User-ID": f"u-{uuid.uuid4().hex}"})


@pytest.fixture
def keyed_sdk(shared_keyed_sdk: AsyncOpenAI, upstream: FakeUpstream) -> AsyncOpenAI:
    """The official SDK against the gateway with keys."""
    return shared_keyed_sdk


@pytest.fixture
def log_lines() -> Iterator[list[dict[str, Any]]]:
    """The fields of every `request completed` line written during the test."""
    lines: list[dict[str, Any]] = []

    def keep(message: "loguru.Message") -> None:
        if message.record["message"] == "request completed":
            lines.append(dict(message.record["extra"]))

    sink = logger.add(keep, level="INFO")
    yield lines
    logger.remove(sink)
