"""The first conversation: what somebody says is known at once, in another session, without any model configured."""

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from memoryos_adapters.settings import EmbeddingSettings
from tests.service.chat.conftest import be_patient
from tests.support.gateway import RunningGateway, make_settings, wired_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOLD = "My sister Ana lives in Porto and I am allergic to walnuts"
ASKED = "What should I not cook for me?"
NOTHING = "I remember nothing about this yet"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningGateway]:
    """A gateway as it starts without any configuration: MiniLM, no provider, no key."""
    settings = make_settings(tmp_path_factory.mktemp("first"), embedding=EmbeddingSettings(kind="minilm"))
    async with wired_gateway(settings, wire=be_patient) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sdk(gateway: RunningGateway) -> AsyncIterator[AsyncOpenAI]:
    """The official SDK, with a key that nobody asked for."""
    async with AsyncOpenAI(base_url=gateway.base_url, api_key="anything", max_retries=0, timeout=10) as client:
        yield client


async def say(sdk: AsyncOpenAI, user: str, text: str) -> str:
    """Say one thing in a session of its own; return the answer."""
    headers = {"X-User-ID": user, "X-Session-ID": uuid.uuid4().hex}
    completion = await sdk.chat.completions.create(
        model="gpt-5", messages=[{"role": "user", "content": text}], extra_headers=headers
    )
    return completion.choices[0].message.content or ""


async def test_what_was_said_is_quoted_in_a_new_session(sdk: AsyncOpenAI) -> None:
    await say(sdk, "walnut", TOLD)
    assert f"> user: {TOLD}" in await say(sdk, "walnut", ASKED)


async def test_what_was_said_is_quoted_in_a_stream(sdk: AsyncOpenAI) -> None:
    await say(sdk, "streamed", TOLD)
    stream = await sdk.chat.completions.create(
        model="gpt-5",
        messages=[{"role": "user", "content": ASKED}],
        stream=True,
        extra_headers={"X-User-ID": "streamed", "X-Session-ID": "another"},
    )
    pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert f"> user: {TOLD}" in "".join(pieces)
    assert len(pieces) > 10


async def test_another_user_is_told_nothing(sdk: AsyncOpenAI) -> None:
    await say(sdk, "mine", TOLD)
    answer = await say(sdk, "other", ASKED)
    assert NOTHING in answer
    assert "walnut" not in answer


async def test_the_user_may_stand_in_the_body(sdk: AsyncOpenAI) -> None:
    await sdk.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": TOLD}], user="in-body")
    assert "walnuts" in await say(sdk, "in-body", ASKED)


async def test_answers_of_the_offline_fallback_are_not_quoted_back(sdk: AsyncOpenAI) -> None:
    await say(sdk, "echo", TOLD)
    await say(sdk, "echo", ASKED)
    assert "offline fallback" not in (await say(sdk, "echo", "What did you tell me?")).partition("This may help:")[2]
