"""OpenAI's own SDK against every provider: chats, thoughts, images, several answers, fields and addresses."""

import asyncio
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionChunk

from tests.service.sdk.conftest import KEY
from tests.service.sdk.providers import KINDS, OF_OPENAIS_DIALECT, Provider, provider_of
from tests.support import gemini_answers, openai_answers
from tests.support.completion import Completion
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway
from tests.support.replies import Reply

pytestmark = pytest.mark.asyncio(loop_scope="package")

HI: Any = [{"role": "user", "content": "Hi"}]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


async def chunks_of(sdk: AsyncOpenAI, **asked: Any) -> list[ChatCompletionChunk]:
    """Return all chunks of a stream."""
    return [chunk async for chunk in await sdk.chat.completions.create(**{"stream": True, "messages": HI, **asked})]


def extra_of(thing: Any, name: str) -> Any:
    """Return a field that the SDK's types do not have."""
    return (thing.model_extra or {}).get(name)


async def test_a_chat_is_answered(sdk: AsyncOpenAI, provider: Provider) -> None:
    """N1, N2, N3, N5."""
    answer = await sdk.chat.completions.create(model=provider.model, messages=HI)

    (choice,) = answer.choices
    assert (answer.object, choice.index, choice.logprobs) == ("chat.completion", 0, None)
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "Hello!", "stop")
    assert (choice.message.tool_calls, choice.message.refusal) == (None, None)
    assert answer.id
    assert answer.created > 0
    assert answer.model.endswith(KINDS[provider.name].model)
    assert answer._request_id


async def test_usage_is_told(sdk: AsyncOpenAI, provider: Provider) -> None:
    """N3: the fakes count 7 + 3 tokens; Ollama cannot tell which of them were cached or thoughts."""
    usage = (await sdk.chat.completions.create(model=provider.model, messages=HI)).usage

    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (7, 3, 10)
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None
    cached, reasoned = usage.prompt_tokens_details.cached_tokens, usage.completion_tokens_details.reasoning_tokens
    assert (cached, reasoned) == ((0, 0) if provider.name == "ol" else (2, 1))


async def test_a_sync_program_chats_and_streams(sync_sdk: OpenAI, provider: Provider) -> None:
    def chat() -> str | None:
        return sync_sdk.chat.completions.create(model=provider.model, messages=HI).choices[0].message.content

    def stream() -> str:
        chunks = sync_sdk.chat.completions.create(model=provider.model, messages=HI, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

    assert [await asyncio.to_thread(chat), await asyncio.to_thread(stream)] == ["Hello!", "Hello!"]


async def test_thoughts_stand_beside_the_answer(sdk: AsyncOpenAI, provider: Provider) -> None:
    """S14: never inside of it."""
    provider.upstream.always = Reply.thinking("Six times seven.", "4", "2")

    message = (await sdk.chat.completions.create(model=provider.model, messages=HI)).choices[0].message
    assert (message.content, extra_of(message, "reasoning_content")) == ("42", "Six times seven.")

    deltas = [chunk.choices[0].delta for chunk in await chunks_of(sdk, model=provider.model)]
    assert "".join(delta.content or "" for delta in deltas) == "42"
    assert "".join(extra_of(delta, "reasoning_content") or "" for delta in deltas) == "Six times seven."


async def test_an_image_reaches_the_provider(sdk: AsyncOpenAI, provider: Provider) -> None:
    """R3: in whatever form its dialect has for it."""
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]

    answer = await sdk.chat.completions.create(model=provider.model, messages=messages)

    assert answer.choices[0].message.content == "Hello!"
    (received,) = provider.upstream.requests
    assert PIXEL in received.body.decode()
    assert "What is this?" in received.body.decode()


TWO = [Completion(pieces=("Tea",)), Completion(pieces=("Milk",))]
TWO_OF_OPENAI = {
    **openai_answers.whole(TWO[0], model="gpt-4o"),
    "choices": [openai_answers.whole(each, model="")["choices"][0] | {"index": at} for at, each in enumerate(TWO)],
}
TWO_OF_GEMINI = gemini_answers.answer(
    *(gemini_answers.candidate({"text": each.pieces[0]}, end="STOP", index=at) for at, each in enumerate(TWO))
)


@pytest.mark.parametrize(
    ("name", "document"), [("oa", TWO_OF_OPENAI), ("or", TWO_OF_OPENAI), ("az", TWO_OF_OPENAI), ("ge", TWO_OF_GEMINI)]
)
async def test_several_answers_at_once(
    sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream], name: str, document: Any
) -> None:
    provider = provider_of(name, upstreams)
    provider.upstream.next(Reply.json(document))
    answer = await sdk.chat.completions.create(model=provider.model, messages=HI, n=2)
    assert [(choice.index, choice.message.content) for choice in answer.choices] == [(0, "Tea"), (1, "Milk")]


@pytest.mark.parametrize("name", ["an", "ol"])
async def test_several_answers_are_refused_where_there_is_only_one(
    sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream], name: str
) -> None:
    """E7, AN13."""
    with pytest.raises(openai.BadRequestError) as caught:
        await sdk.chat.completions.create(model=provider_of(name, upstreams).model, messages=HI, n=2)
    assert (caught.value.param, caught.value.code) == ("n", "unsupported_value")
    assert upstreams[name].requests == []


NATIVE: dict[str, dict[str, Any]] = {
    "an": {"top_k": 5},
    "ge": {"safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
    "ol": {"keep_alive": "5m", "options": {"mirostat": 1}},
    **{name: {"x_flag": True, "x_deep": {"a": [1, 2.5, None, {"b": "é"}]}} for name in OF_OPENAIS_DIALECT},
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_extra_body_reaches_a_provider_of_its_dialect(sdk: AsyncOpenAI, provider: Provider, stream: bool) -> None:
    """R2: unknown fields unchanged in OpenAI's dialect, and its own documented fields in another one."""
    extra = NATIVE[provider.name]
    if stream:
        assert await chunks_of(sdk, model=provider.model, extra_body=extra)
    else:
        await sdk.chat.completions.create(model=provider.model, messages=HI, extra_body=extra)

    sent = provider.upstream.requests[0].json
    for name, value in extra.items():
        found = sent.get(name, sent.get("safetySettings"))
        assert found == value or found.items() >= value.items()


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
async def test_any_way_to_write_the_base_url_works(
    gateway: RunningGateway, upstream: FakeUpstream, suffix: str
) -> None:
    """R4."""
    async with AsyncOpenAI(base_url=gateway.url + suffix, api_key=KEY, max_retries=0) as sdk:
        answer = await sdk.chat.completions.create(model="gpt-4o", messages=HI)
        listed = await sdk.models.list()
        vectors = await sdk.embeddings.create(model="memoryos/hashed", input="tea")

    assert answer.choices[0].message.content == "Hello!"
    assert listed.data
    assert len(vectors.data) == 1
