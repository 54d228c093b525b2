"""A provider on loopback, the session to talk to it, and adapters for it."""

from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

import aiohttp
import msgspec
import pytest

from memoryos_adapters.http import Http, open_http
from memoryos_adapters.llm.openai.adapter import OpenAiCompatibleLlm
from memoryos_adapters.settings import LlmProviderSettings, Secret
from memoryos_ports.llm import LlmAdapter
from tests.contract.llm.faults import KEY
from tests.support.fake_upstream import FakeUpstream

Make: TypeAlias = Callable[..., LlmAdapter]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    """A fake provider that answers ``Hello!`` unless told otherwise."""
    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
async def outgoing(upstream: FakeUpstream) -> AsyncIterator[Http]:
    """Outgoing HTTP of all adapters, closed before the provider."""
    async with open_http() as http:
        yield http


@pytest.fixture
def session(outgoing: Http) -> aiohttp.ClientSession:
    """The session of all adapters."""
    return outgoing.session


@pytest.fixture
def make(upstream: FakeUpstream, outgoing: Http) -> Make:
    """Makes adapters with other time-outs than a minute each."""

    def make(*, base_url: str = upstream.base_url, key: str | None = KEY, **timeouts_s: float) -> LlmAdapter:
        settings = LlmProviderSettings(kind="openai", base_url=base_url, api_key=None if key is None else Secret(key))
        minute = dict.fromkeys(("first_token_timeout_s", "idle_timeout_s", "total_timeout_s"), 60.0)
        return OpenAiCompatibleLlm("provider", msgspec.structs.replace(settings, **{**minute, **timeouts_s}), outgoing)

    return make


@pytest.fixture
def llm(make: Make) -> LlmAdapter:
    """An adapter that never gives up within a test."""
    return make()


@pytest.fixture
def hasty_llm(make: Make) -> LlmAdapter:
    """One that gives up soon: whole answers by their total time, streams by the other two."""
    return make(first_token_timeout_s=0.5, idle_timeout_s=0.3, total_timeout_s=1)
