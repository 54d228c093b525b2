"""The fake provider is honest: OpenAI's own SDK takes its answers, streams, tool calls and errors for OpenAI's."""

from collections.abc import AsyncIterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

_MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello?"}]


@pytest.fixture
async def client(upstream: FakeUpstream) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's SDK, without retries."""
    async with openai.AsyncOpenAI(base_url=upstream.base_url, api_key="sk-test", max_retries=0) as client:
        yield client


async def test_the_sdk_reads_a_whole_answer(client: openai.AsyncOpenAI, upstream: FakeUpstream) -> None:
    upstream.next(Reply.text("Hel", "lo"))

    answer = await client.chat.completions.create(model="m", messages=_MESSAGES)

    assert answer.choices[0].message.content == "Hello"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 10
    assert upstream.requests[0].json == {"model": "m", "messages": _MESSAGES}
    assert upstream.requests[0].headers["authorization"] == "Bearer sk-test"


async def test_the_sdk_reads_a_stream_with_usage(client: openai.AsyncOpenAI, upstream: FakeUpstream) -> None:
    upstream.next(Reply.text("Hel", "lo"))

    async with client.chat.completions.stream(
        model="m", messages=_MESSAGES, stream_options={"include_usage": True}
    ) as stream:
        answer = await stream.get_final_completion()

    assert answer.choices[0].message.content == "Hello"
    assert answer.choices[0].message.role == "assistant"
    assert answer.usage is not None


async def test_usage_is_streamed_only_when_it_is_asked_for(client: openai.AsyncOpenAI, upstream: FakeUpstream) -> None:
    stream = await client.chat.completions.create(model="m", messages=_MESSAGES, stream=True)

    assert [bool(chunk.choices) for chunk in [chunk async for chunk in stream]] == [True] * 3


async def test_the_sdk_puts_tool_calls_together(client: openai.AsyncOpenAI, upstream: FakeUpstream) -> None:
    upstream.next(Reply.tools(("call_1", "weather", '{"city":"Rome"}'), ("call_2", "time", "{}")))

    async with client.chat.completions.stream(model="m", messages=_MESSAGES) as stream:
        calls = (await stream.get_final_completion()).choices[0].message.tool_calls

    assert calls is not None
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == [
        ("call_1", "weather", '{"city":"Rome"}'),
        ("call_2", "time", "{}"),
    ]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
async def test_the_sdk_knows_its_errors(
    client: openai.AsyncOpenAI, upstream: FakeUpstream, status: int, expected: type[openai.APIStatusError]
) -> None:
    upstream.next(Reply.error(status, "No.", code="some_code", param="model"))

    with pytest.raises(expected) as caught:
        await client.chat.completions.create(model="m", messages=_MESSAGES)

    assert (caught.value.code, caught.value.param) == ("some_code", "model")


@pytest.mark.parametrize("reply", [Reply.reset(), Reply.garbage(), Reply.text("a", "b").stopping("reset", after=1)])
async def test_the_sdk_sees_broken_connections(
    client: openai.AsyncOpenAI, upstream: FakeUpstream, reply: Reply
) -> None:
    upstream.next(reply)

    with pytest.raises(openai.APIConnectionError):
        await client.chat.completions.create(model="m", messages=_MESSAGES)


async def test_replies_are_used_up_in_order(client: openai.AsyncOpenAI, upstream: FakeUpstream) -> None:
    upstream.next(Reply.error(500), Reply.error(500), Reply.text("Back."))

    answer = await client.with_options(max_retries=2).chat.completions.create(model="m", messages=_MESSAGES)

    assert answer.choices[0].message.content == "Back."
    assert len(upstream.requests) == 3
