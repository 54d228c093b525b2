"""`litellm` in front of the gateway, as its users write it: `model="openai/NAME"` and `api_base`."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio
from openai import DefaultAsyncHttpxClient, DefaultHttpxClient

from tests.service.sdk.conftest import HASTE, KEY
from tests.service.sdk.providers import EMBEDDING_MODEL, Provider
from tests.service.sdk.test_openai import HI, PIXEL
from tests.service.sdk.test_parse import PARIS, PIECES, City, asks_for_city
from tests.service.sdk.test_tools import CALLS, RESULTS, TOOLS
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway
from tests.support.replies import Reply

pytestmark = [
    pytest.mark.asyncio(loop_scope="package"),
    # litellm reads fields of Pydantic through instances, which Pydantic deprecates
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute on the instance:DeprecationWarning"),
]

USAGE = (7, 3, 10)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_litellm() -> AsyncIterator[ModuleType]:
    """The library, which looks up no prices, reports nothing, and has connections that are closed at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        litellm = importlib.import_module("litellm")
        async with DefaultAsyncHttpxClient() as async_client:
            with DefaultHttpxClient() as client:
                for name, value in (
                    ("telemetry", False),
                    ("suppress_debug_info", True),
                    ("aclient_session", async_client),
                    ("client_session", client),
                ):
                    patch.setattr(litellm, name, value)
                yield litellm
        litellm.in_memory_llm_clients_cache.flush_cache()


@pytest.fixture
def litellm(shared_litellm: ModuleType, upstreams: dict[str, FakeUpstream]) -> ModuleType:
    """The library, in front of providers that remember nothing."""
    return shared_litellm


@pytest.fixture
def here(gateway: RunningGateway) -> dict[str, Any]:
    """How to reach the gateway, without retries."""
    return {"api_base": gateway.base_url, "api_key": KEY, "max_retries": 0, "timeout": 10}


def counted(usage: Any) -> tuple[int, int, int]:
    """Return the three counts of a usage."""
    return usage.prompt_tokens, usage.completion_tokens, usage.total_tokens


async def test_a_chat_is_answered_and_counted(litellm: ModuleType, here: Any, provider: Provider) -> None:
    """N1, N3."""
    answer = await litellm.acompletion(model=f"openai/{provider.model}", messages=HI, **here)
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == ("Hello!", "stop")
    assert counted(answer.usage) == USAGE


async def test_a_sync_program_chats_and_streams(litellm: ModuleType, here: Any, provider: Provider) -> None:
    asked = {"model": f"openai/{provider.model}", "messages": HI, **here}
    answer = await asyncio.to_thread(litellm.completion, **asked)
    assert answer.choices[0].message.content == "Hello!"
    chunks = await asyncio.to_thread(lambda: list(litellm.completion(**asked, stream=True)))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello!"


async def test_a_stream_with_thoughts_is_put_together(litellm: ModuleType, here: Any, provider: Provider) -> None:
    """S8, S11, S14."""
    provider.upstream.always = Reply.thinking("Six times seven.", "4", "2")
    stream = await litellm.acompletion(
        model=f"openai/{provider.model}", messages=HI, stream=True, stream_options={"include_usage": True}, **here
    )
    whole = litellm.stream_chunk_builder([chunk async for chunk in stream], messages=HI)

    (choice,) = whole.choices
    assert (choice.message.content, choice.finish_reason) == ("42", "stop")
    assert choice.message.reasoning_content == "Six times seven."
    assert counted(whole.usage) == USAGE


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_tool_loop_goes_round(litellm: ModuleType, here: Any, provider: Provider, stream: bool) -> None:
    """N4, S9: parallel calls, whose results go back."""
    provider.upstream.next(Reply.tools(*CALLS), Reply.text("Sunny."))
    asked = {"model": f"openai/{provider.model}", "tools": TOOLS, **here}
    answer = await litellm.acompletion(messages=HI, stream=stream, **asked)
    if stream:
        answer = litellm.stream_chunk_builder([chunk async for chunk in answer], messages=HI)
    (choice,) = answer.choices
    calls = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert [(call.function.name, call.function.arguments) for call in calls] == [call[1:] for call in CALLS]

    results = [
        {"role": "tool", "tool_call_id": call.id, "content": result}
        for call, result in zip(calls, RESULTS, strict=True)
    ]
    answer = await litellm.acompletion(messages=[*HI, choice.message.model_dump(), *results], **asked)
    assert answer.choices[0].message.content == "Sunny."
    sent = provider.upstream.requests[1].body.decode()
    told = [sent.index(word) for word in ("get_weather", "get_time", *RESULTS)]
    assert told == sorted(told)


async def test_an_answer_has_the_shape_that_was_asked_for(litellm: ModuleType, here: Any, provider: Provider) -> None:
    provider.upstream.always = Reply.text(*PIECES)
    answer = await litellm.acompletion(model=f"openai/{provider.model}", messages=HI, response_format=City, **here)
    assert City.model_validate_json(answer.choices[0].message.content) == PARIS
    assert asks_for_city(provider.upstream.requests[0])


async def test_an_image_reaches_the_provider(litellm: ModuleType, here: Any, provider: Provider) -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    await litellm.acompletion(model=f"openai/{provider.model}", messages=[{"role": "user", "content": [image]}], **here)
    assert PIXEL in provider.upstream.requests[0].body.decode()


@pytest.mark.parametrize(
    "model", [EMBEDDING_MODEL, "ge/gemini-embedding-001", "ol/nomic-embed-text", "memoryos/hashed"]
)
async def test_embeddings_come_in_order(litellm: ModuleType, here: Any, model: str) -> None:
    """B1, B2."""
    texts = ["one", "three"]
    answer = await litellm.aembedding(model=f"openai/{model}", input=texts, **here)
    again = await asyncio.to_thread(litellm.embedding, model=f"openai/{model}", input=texts, **here)
    assert [row["index"] for row in answer.data] == [0, 1]
    assert answer.data == again.data
    assert answer.usage.prompt_tokens > 0


FAULTS: list[Any] = [
    (Reply.error(400, "No.", kind="invalid_request_error"), "BadRequestError", 400),
    (
        Reply.error(400, "Input tokens exceed the configured limit of 9 tokens.", code="context_length_exceeded"),
        "ContextWindowExceededError",
        400,
    ),
    (Reply.error(404, "The model does not exist", code="model_not_found"), "NotFoundError", 404),
    (Reply.error(429, "slow"), "RateLimitError", 429),
    (Reply.error(500, "broken"), "BadGatewayError", 502),
    (Reply.error(504, "late"), "Timeout", 504),
]


@pytest.mark.parametrize(("reply", "name", "status"), FAULTS, ids=[name for _, name, _ in FAULTS])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_error_is_raised_by_its_own_name(
    litellm: ModuleType, here: Any, upstream: FakeUpstream, reply: Reply, name: str, status: int, stream: bool
) -> None:
    """E2, E10, S6."""
    upstream.always = reply
    with pytest.raises(getattr(litellm, name)) as caught:
        await litellm.acompletion(model="openai/gpt-4o", messages=HI, stream=stream, **here)
    assert type(caught.value).__name__ == name
    assert caught.value.status_code == status


async def test_a_wrong_key_is_raised_by_its_own_name(litellm: ModuleType, here: Any) -> None:
    """E3."""
    with pytest.raises(litellm.AuthenticationError):
        await litellm.acompletion(model="openai/gpt-4o", messages=HI, **{**here, "api_key": "sk-nobody"})


async def test_it_does_not_multiply_our_tries(litellm: ModuleType, here: Any, upstream: FakeUpstream) -> None:
    """E12: it leaves retries to the SDK of OpenAI."""
    upstream.always = Reply.error(500)
    with pytest.raises(litellm.BadGatewayError):
        await litellm.acompletion(model="openai/gpt-4o", messages=HI, **{**here, "max_retries": 2})
    assert len(upstream.requests) == HASTE.max_tries


async def test_a_stream_that_breaks_raises(litellm: ModuleType, here: Any, provider: Provider) -> None:
    """S5, X1: as an error that its own router could act upon."""
    provider.upstream.always = Reply.text("Hel", "lo").stopping("reset", after=2)
    ends: list[str | None] = []

    async def read() -> None:
        stream = await litellm.acompletion(model=f"openai/{provider.model}", messages=HI, stream=True, **here)
        async for chunk in stream:
            ends.extend(choice.finish_reason for choice in chunk.choices)

    with pytest.raises(litellm.exceptions.MidStreamFallbackError):
        await read()
    assert set(ends) == {None}
