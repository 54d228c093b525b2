"""How often a provider is asked when OpenAI's own SDK and the gateway both would try again."""

from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.service.sdk.conftest import HASTE
from tests.service.sdk.providers import Provider
from tests.service.sdk.test_openai import HI
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

pytestmark = pytest.mark.asyncio(loop_scope="package")

STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture
def eager(sdk: AsyncOpenAI) -> AsyncOpenAI:
    """The SDK with the two retries that it has when nobody says otherwise."""
    return sdk.with_options(max_retries=2)


@STREAM
async def test_the_sdk_does_not_multiply_our_tries(eager: AsyncOpenAI, provider: Provider, stream: bool) -> None:
    """E12, T1."""
    provider.refuses(503)
    with pytest.raises(openai.InternalServerError) as caught:
        await eager.chat.completions.create(model=provider.model, messages=HI, stream=stream)
    headers = caught.value.response.headers
    assert (headers["x-should-retry"], headers["x-memoryos-tries"]) == ("false", str(HASTE.max_tries))
    assert len(provider.upstream.requests) == HASTE.max_tries


@STREAM
async def test_what_the_gateway_mends_the_client_does_not_see(
    eager: AsyncOpenAI, upstream: FakeUpstream, stream: bool
) -> None:
    upstream.next(Reply.error(500), Reply.text("Hello!"))
    raw = await eager.chat.completions.with_raw_response.create(model="gpt-4o", messages=HI, stream=stream)
    assert (raw.headers["x-memoryos-tries"], raw.retries_taken) == ("2", 0)
    answer: Any = raw.parse()
    if stream:
        assert [chunk async for chunk in answer]


async def test_the_sdk_waits_as_long_as_the_provider_wants(eager: AsyncOpenAI, upstream: FakeUpstream) -> None:
    """T2, T5: the gateway, which would not wait so long, says how long, in milliseconds too."""
    upstream.next(Reply.error(429, headers={"retry-after-ms": "30"}), Reply.text("Hello!"))
    raw = await eager.chat.completions.with_raw_response.create(model="gpt-4o", messages=HI)
    assert (raw.retries_taken, raw.headers["x-memoryos-tries"]) == (1, "1")
    assert len(upstream.requests) == 2


@pytest.mark.parametrize(("asked", "told"), [("7", "7"), ("121", "121"), ("86400", "86400")])
async def test_a_wait_is_told_as_it_was_asked_for(sdk: AsyncOpenAI, provider: Provider, asked: str, told: str) -> None:
    """E8, T3: never capped, and with no word against trying again."""
    provider.refuses(429, retry_after=asked)
    with pytest.raises(openai.RateLimitError) as caught:
        await sdk.chat.completions.create(model=provider.model, messages=HI)
    headers = caught.value.response.headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == (told, f"{told}000")
    assert "x-should-retry" not in headers
    assert len(provider.upstream.requests) == 1


async def test_the_sdk_gives_up_on_a_long_wait(eager: AsyncOpenAI, upstream: FakeUpstream) -> None:
    """T3."""
    upstream.always = Reply.error(429, headers={"retry-after": "300"})
    with pytest.raises(openai.RateLimitError):
        await eager.chat.completions.create(model="gpt-4o", messages=HI)
    assert len(upstream.requests) == 1


async def test_nobody_tries_again_without_quota(eager: AsyncOpenAI, upstream: FakeUpstream) -> None:
    """E9, OA5."""
    upstream.always = Reply.error(429, "broke", code="insufficient_quota")
    with pytest.raises(openai.RateLimitError) as caught:
        await eager.chat.completions.create(model="gpt-4o", messages=HI)
    assert (caught.value.code, caught.value.type) == ("insufficient_quota", "insufficient_quota")
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert len(upstream.requests) == 1


async def test_nobody_tries_again_what_is_wrong_itself(eager: AsyncOpenAI, provider: Provider) -> None:
    """T1."""
    provider.refuses(400)
    with pytest.raises(openai.BadRequestError):
        await eager.chat.completions.create(model=provider.model, messages=HI)
    assert len(provider.upstream.requests) == 1


async def test_nobody_tries_again_once_a_stream_has_begun(eager: AsyncOpenAI, upstream: FakeUpstream) -> None:
    """T6, S5."""
    upstream.always = Reply.text("Hel", "lo").stopping("reset", after=2)
    with pytest.raises(openai.APIError):
        async for _ in await eager.chat.completions.create(model="gpt-4o", messages=HI, stream=True):
            pass
    assert len(upstream.requests) == 1
