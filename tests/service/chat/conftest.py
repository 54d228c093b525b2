"""One gateway with providers for the whole package, and a fresh person with an empty memory for each test."""

import socket
import uuid
from collections.abc import AsyncGenerator, AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from dependency_injector import providers
from openai import AsyncOpenAI

from memoryos_adapters.profiles.adapters import ConfiguredLlm
from memoryos_adapters.settings import LlmProviderSettings, LlmSettings, RouterSettings, Secret
from memoryos_core.chat.memory import ChatMemory, ChatMemorySettings
from memoryos_gateway.container import GatewayContainer
from memoryos_ports.llm import ChatAnswer, ChatChunk, ChatRequest, ChoiceDelta
from tests.service.chat.person import Person
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway, make_settings, wired_gateway
from tests.support.held_upstream import HeldUpstream

PROVIDER_KEY = "sk-provider-secret"

PLAIN = RouterSettings(max_tries=1, breaker_failures=1_000_000)
"""No retries and no breaker: what happens to one call is what its test is about."""


class BrokenLlm:
    """A provider's adapter with a bug: it breaks its promise and raises what no port knows, after some text if any."""

    def __init__(self, name: str, *texts: str) -> None:
        self.name, self._texts = name, texts

    async def reach(self) -> None:
        """There is nothing to reach."""

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Fail."""
        raise RuntimeError(f"a bug with {request.model}")

    async def chat_stream(self, request: ChatRequest) -> AsyncGenerator[list[ChatChunk], None]:
        """Answer a little, then fail."""
        for text in self._texts:
            deltas = (ChoiceDelta(index=0, role="assistant", content=text),)
            yield [ChatChunk(id="x", created=1, model=request.model, deltas=deltas)]
        raise RuntimeError(f"a bug with {request.model}")


def add_broken_models(container: GatewayContainer) -> None:
    """Serve `broken/...`, which fails at once, and `brittle/...`, which fails after a word."""
    settings = LlmProviderSettings(kind="openai")
    broken = (BrokenLlm("broken"), BrokenLlm("brittle", "Well"))
    added = tuple(ConfiguredLlm(adapter=adapter, settings=settings) for adapter in broken)
    container.llms.override(providers.Object((*container.llms(), *added)))


def wire(container: GatewayContainer) -> None:
    """Make the gateway of this package of a fresh one."""
    be_patient(container)
    add_broken_models(container)


def be_patient(container: GatewayContainer) -> None:
    """Let chats wait for memory however slow the machine is: only the tests of these limits are about them."""
    patient = providers.Singleton(
        ChatMemory,
        recall=container.recall,
        ingest=container.ingest,
        conversations=container.conversations,
        clock=container.clock,
        settings=ChatMemorySettings(recall_timeout_s=10, store_wait_s=10),
    )
    container.chat_memory.override(patient)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_upstream() -> AsyncIterator[FakeUpstream]:
    """The provider behind `fake` and `open`."""
    async with FakeUpstream() as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_held() -> AsyncIterator[HeldUpstream]:
    """The provider behind `held`."""
    async with HeldUpstream() as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def gateway(
    tmp_path_factory: pytest.TempPathFactory, shared_upstream: FakeUpstream, shared_held: HeldUpstream
) -> AsyncIterator[RunningGateway]:
    """A gateway whose default provider serves two models, beside two that serve any."""
    fake = LlmProviderSettings(
        kind="openai", base_url=shared_upstream.base_url, api_key=Secret(PROVIDER_KEY), models=("m-1", "m-2")
    )
    with socket.create_server(("127.0.0.1", 0)) as gone:
        refused_url = f"http://127.0.0.1:{gone.getsockname()[1]}/v1"
    llms = {
        "fake": fake,
        "open": LlmProviderSettings(kind="openai", base_url=shared_upstream.base_url, api_key=Secret(PROVIDER_KEY)),
        "held": LlmProviderSettings(kind="openai", base_url=shared_held.base_url),
        "refused": LlmProviderSettings(kind="openai", base_url=refused_url),
        "offline": LlmProviderSettings(kind="noop"),
        "quick": LlmProviderSettings(
            kind="openai", base_url=shared_upstream.base_url, first_token_timeout_s=0.05, total_timeout_s=0.1
        ),
    }
    llm = LlmSettings(default_provider="fake", providers=llms, aliases={"fast": "open/vendor/swift"})
    settings = make_settings(tmp_path_factory.mktemp("chat"), llm=llm, router=PLAIN)
    async with wired_gateway(settings, wire=wire) as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A session for plain requests."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_sdk(gateway: RunningGateway) -> AsyncIterator[AsyncOpenAI]:
    """An SDK client that nobody owns."""
    async with AsyncOpenAI(base_url=gateway.base_url, api_key="sk-client", max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def upstream(shared_upstream: FakeUpstream) -> FakeUpstream:
    """The provider, without memory of other tests."""
    shared_upstream.forget()
    return shared_upstream


@pytest.fixture
def held(shared_held: HeldUpstream) -> HeldUpstream:
    """The provider that waits, without memory of other tests."""
    shared_held.reset()
    return shared_held


@pytest.fixture
def person(http: aiohttp.ClientSession, gateway: RunningGateway, upstream: FakeUpstream) -> Person:
    """Somebody of whom nothing is remembered."""
    name = f"u-{uuid.uuid4().hex}"
    return Person(http, gateway.url, name, headers={"x-user-id": name})


@pytest.fixture
def sdk(shared_sdk: AsyncOpenAI, person: Person) -> AsyncOpenAI:
    """The official SDK, speaking for `person`, without retries."""
    return shared_sdk.with_options(default_headers={"X-User-ID": person.name})
