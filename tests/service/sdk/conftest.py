"""One gateway in front of seven fake providers, and the real clients of OpenAI's wire that talk to it."""

import hashlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from openai import AsyncOpenAI, OpenAI

from memoryos_adapters.settings import AuthKeySettings, AuthSettings, KeyScope, LlmSettings, RouterSettings
from tests.service.sdk.providers import KINDS, Provider, provider_of, settings_of
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway, make_settings, running_gateway

KEY, NARROW_KEY, SILENT_KEY = "sk-client", "sk-narrow", "sk-silent"

ALIASES = {"fast": "oa/o-mini", "team/claude": "an/claude-sonnet-4-5"}

HASTE = RouterSettings(max_tries=2, backoff_s=0.001, max_wait_s=0.02, breaker_failures=1_000_000)
"""Two tries and hardly a wait between them: a provider that wants more than `max_wait_s` is not asked again."""


@pytest.fixture(scope="package", autouse=True)
def no_network() -> Iterator[None]:
    """Look up no name: everything here is on loopback, by number."""
    look_up, foreign = socket.getaddrinfo, list[Any]()

    def look_up_numbers(host: Any, *args: Any, **more: Any) -> Any:
        if host not in ("127.0.0.1", b"127.0.0.1"):
            foreign.append(host)
            raise socket.gaierror(f"{host!r} is not looked up in these tests")
        return look_up(host, *args, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up_numbers)
        yield
    assert foreign == []


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_upstreams() -> AsyncIterator[dict[str, FakeUpstream]]:
    """The fake providers, each in its own dialect."""
    async with AsyncExitStack() as stack:
        fakes = {name: FakeUpstream(kind.speech) for name, kind in KINDS.items()}
        yield {name: await stack.enter_async_context(fake) for name, fake in fakes.items()}


def key(secret: str, *, models: tuple[str, ...] = (), scopes: tuple[KeyScope, ...] = ("chat", "memory:write")) -> Any:
    """Return a key of the tenant `acme`."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return AuthKeySettings(tenant="acme", key_sha256=digest, models=models, scopes=scopes)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def gateway(
    tmp_path_factory: pytest.TempPathFactory, shared_upstreams: dict[str, FakeUpstream]
) -> AsyncIterator[RunningGateway]:
    """The gateway: `oa` is the default provider."""
    providers = {name: settings_of(name, upstream) for name, upstream in shared_upstreams.items()}
    keys = (key(KEY), key(NARROW_KEY, models=("fast", "ge/*")), key(SILENT_KEY, scopes=("memory:write",)))
    settings = make_settings(
        tmp_path_factory.mktemp("sdk"),
        llm=LlmSettings(default_provider="oa", providers=providers, aliases=ALIASES),
        router=HASTE,
        auth=AuthSettings(keys=keys),
    )
    async with running_gateway(settings) as running:
        yield running


@pytest.fixture
def upstreams(shared_upstreams: dict[str, FakeUpstream]) -> dict[str, FakeUpstream]:
    """The fake providers, without memory of other tests."""
    for upstream in shared_upstreams.values():
        upstream.forget()
    return shared_upstreams


@pytest.fixture
def upstream(upstreams: dict[str, FakeUpstream]) -> FakeUpstream:
    """The fake behind the default provider, which is of the kind ``openai``."""
    return upstreams["oa"]


@pytest.fixture(params=KINDS)
def provider(request: pytest.FixtureRequest, upstreams: dict[str, FakeUpstream]) -> Provider:
    """Every provider in turn."""
    return provider_of(request.param, upstreams)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_sdk(gateway: RunningGateway) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's client for async programs, without retries."""
    async with AsyncOpenAI(base_url=gateway.base_url, api_key=KEY, max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def sdk(shared_sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream]) -> AsyncOpenAI:
    """The same, in front of providers that remember nothing."""
    return shared_sdk


@pytest.fixture(scope="package")
def shared_sync_sdk(gateway: RunningGateway) -> Iterator[OpenAI]:
    """OpenAI's client for other programs, without retries."""
    with OpenAI(base_url=gateway.base_url, api_key=KEY, max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def sync_sdk(shared_sync_sdk: OpenAI, upstreams: dict[str, FakeUpstream]) -> OpenAI:
    """The same, in front of providers that remember nothing; call it in another thread than the gateway's own."""
    return shared_sync_sdk
