"""One gateway in front of seven fake providers, and the real clients of OpenAI's wire that talk to it."""

import hashlib
import importlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import msgspec
import pytest
import pytest_asyncio
from openai import AsyncOpenAI, OpenAI

from memoryos_adapters.settings import (
    AuthKeySettings,
    AuthSettings,
    KeyScope,
    LlmProviderSettings,
    LlmSettings,
    ProviderKind,
    RouterSettings,
    Secret,
    Settings,
)
from tests.support.anthropic_answers import speak_anthropic
from tests.support.azure_openai_answers import speak_azure
from tests.support.completion import Speech
from tests.support.deepseek_answers import speak_deepseek
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway, make_settings, running_gateway
from tests.support.gemini_answers import speak_gemini
from tests.support.ollama_answers import speak_ollama
from tests.support.openai_answers import speak_openai
from tests.support.openrouter_answers import speak_openrouter

PROVIDER_KEY = "sk-provider-secret"
KEY, NARROW_KEY, SILENT_KEY = "sk-client", "sk-narrow", "sk-silent"
EMBEDDING_MODEL = "text-embedding-3-small"

PATIENCE = RouterSettings(max_tries=2, backoff_s=0.001, max_wait_s=0.02, breaker_failures=1_000_000)
"""Two tries, and no wait that a test would notice: whoever asks for more is not asked again by the gateway."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of provider as this gateway knows it: `path` stands behind the address of its fake."""

    kind: ProviderKind
    speech: Speech
    model: str
    path: str = ""
    models: tuple[str, ...] = ()


PLACES: dict[str, Place] = {
    "oa": Place(
        kind="openai", speech=speak_openai, model="gpt-4o", path="/v1", models=("gpt-4o", "o-mini", EMBEDDING_MODEL)
    ),
    "an": Place(kind="anthropic", speech=speak_anthropic, model="claude-sonnet-4-5"),
    "ge": Place(kind="gemini", speech=speak_gemini, model="gemini-3-flash"),
    "ol": Place(kind="ollama", speech=speak_ollama, model="qwen3:8b"),
    "ds": Place(kind="deepseek", speech=speak_deepseek, model="deepseek-v4", path="/v1"),
    "or": Place(kind="openrouter", speech=speak_openrouter, model="anthropic/claude-sonnet-4.5", path="/api/v1"),
    "az": Place(kind="azure_openai", speech=speak_azure, model="my-gpt-4o"),
}
"""The providers by the names that they have in the configuration."""


class There(msgspec.Struct, frozen=True, kw_only=True):
    """One provider seen by a client: the name of its model, and the fake behind it."""

    name: str
    model: str
    upstream: FakeUpstream


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Let nobody look up a name: everything here is on loopback, by number."""
    real = socket.getaddrinfo
    foreign: list[Any] = []

    def on_loopback(host: Any, *args: Any, **more: Any) -> Any:
        if host not in ("127.0.0.1", b"127.0.0.1", None):
            foreign.append(host)
            raise socket.gaierror(f"no look-up of {host!r} in these tests")
        return real(host, *args, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", on_loopback)
        yield
    assert foreign == []


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def all_upstreams() -> AsyncIterator[dict[str, FakeUpstream]]:
    """The fake providers, each in its own dialect."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(FakeUpstream(place.speech)) for name, place in PLACES.items()
        }


def key(secret: str, *, models: tuple[str, ...] = (), scopes: tuple[KeyScope, ...] = ("chat", "memory:write")) -> Any:
    """Return a key of the tenant `acme`."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return AuthKeySettings(tenant="acme", key_sha256=digest, models=models, scopes=scopes)


def settings_of(directory: Path, upstreams: dict[str, FakeUpstream]) -> Settings:
    """Return the settings: seven providers, three keys, an alias, and a name with slashes."""
    providers = {
        name: LlmProviderSettings(
            kind=place.kind,
            base_url=upstreams[name].root_url + place.path,
            api_key=Secret(PROVIDER_KEY),
            models=place.models,
        )
        for name, place in PLACES.items()
    }
    aliases = {"fast": "oa/o-mini", "team/claude": "an/claude-sonnet-4-5"}
    keys = (key(KEY), key(NARROW_KEY, models=("fast", "ge/*")), key(SILENT_KEY, scopes=("memory:write",)))
    llm = LlmSettings(default_provider="oa", providers=providers, aliases=aliases)
    return make_settings(directory, llm=llm, router=PATIENCE, auth=AuthSettings(keys=keys))


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def gateway(
    tmp_path_factory: pytest.TempPathFactory, all_upstreams: dict[str, FakeUpstream]
) -> AsyncIterator[RunningGateway]:
    """The gateway."""
    async with running_gateway(settings_of(tmp_path_factory.mktemp("sdk"), all_upstreams)) as running:
        yield running


@pytest.fixture
def upstreams(all_upstreams: dict[str, FakeUpstream]) -> dict[str, FakeUpstream]:
    """The fake providers, without memory of other tests."""
    for upstream in all_upstreams.values():
        upstream.forget()
    return all_upstreams


@pytest.fixture
def upstream(upstreams: dict[str, FakeUpstream]) -> FakeUpstream:
    """The fake behind the default provider, which is of the kind `openai`."""
    return upstreams["oa"]


@pytest.fixture(params=PLACES)
def there(request: pytest.FixtureRequest, upstreams: dict[str, FakeUpstream]) -> There:
    """Every provider in turn."""
    name: str = request.param
    return There(name=name, model=f"{name}/{PLACES[name].model}", upstream=upstreams[name])


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_sdk(gateway: RunningGateway) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's client for async programs, without retries."""
    async with AsyncOpenAI(base_url=gateway.base_url, api_key=KEY, max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def sdk(shared_sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream]) -> AsyncOpenAI:
    """OpenAI's client for async programs, in front of providers without memory."""
    return shared_sdk


@pytest.fixture(scope="package")
def shared_sync_sdk(gateway: RunningGateway) -> Iterator[OpenAI]:
    """OpenAI's client for sync programs, without retries."""
    with OpenAI(base_url=gateway.base_url, api_key=KEY, max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def sync_sdk(shared_sync_sdk: OpenAI, upstreams: dict[str, FakeUpstream]) -> OpenAI:
    """OpenAI's client for sync programs: use it in another thread, since the gateway serves in this one."""
    return shared_sync_sdk


@pytest.fixture(scope="session")
def litellm() -> Iterator[ModuleType]:
    """The library, told to stay off the network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        found = importlib.import_module("litellm")
        found.telemetry = False
        yield found


@pytest.fixture
def offline_tokens() -> Iterator[None]:
    """Let tiktoken find the tokens of OpenAI's models in the copy that litellm brings, and not look for them outside."""
    spec = importlib.util.find_spec("litellm")
    assert spec is not None
    assert spec.origin is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", os.path.join(os.path.dirname(spec.origin), "litellm_core_utils/tokenizers"))
        yield
