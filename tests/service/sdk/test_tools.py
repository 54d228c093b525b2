"""Tools with OpenAI's own SDK: parallel calls come whole and in pieces, and go back with their results, everywhere."""

from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessage

from tests.service.sdk.providers import Provider, provider_of
from tests.service.sdk.test_openai import HI, chunks_of
from tests.support import anthropic_answers, gemini_answers
from tests.support.completion import Completion
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

pytestmark = pytest.mark.asyncio(loop_scope="package")

CALLS = (("call_1", "get_weather", '{"city":"Paris","days":[1,2]}'), ("call_2", "get_time", "{}"))
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"Calls {name}.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "array"}}},
        },
    }
    for _, name, _ in CALLS
]
RESULTS = ("sunny in Paris", "half past four")


def asked_in(message: ChatCompletionMessage) -> list[tuple[str, str, str]]:
    """Return the calls of a message: names and arguments as the provider gave them, ids as they came."""
    found = []
    for call in message.tool_calls or ():
        assert call.type == "function"
        found.append((call.id, call.function.name, call.function.arguments))
    return found


def without_ids(calls: Any) -> list[tuple[str, ...]]:
    """Return names and arguments alone."""
    return [tuple(call[1:]) for call in calls]


def conversation_after(message: ChatCompletionMessage) -> Any:
    """Return the next request of a tool loop, as programs write it: the message as it came, then the results."""
    results = [
        {"role": "tool", "tool_call_id": call_id, "content": result}
        for (call_id, _, _), result in zip(asked_in(message), RESULTS, strict=True)
    ]
    return [*HI, message.model_dump(exclude_none=True), *results]


async def test_parallel_calls_come_whole(sdk: AsyncOpenAI, provider: Provider) -> None:
    """N1, N2, N4."""
    provider.upstream.always = Reply.tools(*CALLS)
    (choice,) = (await sdk.chat.completions.create(model=provider.model, messages=HI, tools=TOOLS)).choices

    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    asked = asked_in(choice.message)
    assert without_ids(asked) == without_ids(CALLS)
    assert len({call_id for call_id, _, _ in asked if call_id}) == 2


async def test_parallel_calls_come_in_pieces(sdk: AsyncOpenAI, provider: Provider) -> None:
    """S8, S9: id, type and name come once, with the first piece; indices have no holes."""
    provider.upstream.always = Reply.tools(*CALLS)
    chunks = await chunks_of(sdk, model=provider.model, tools=TOOLS)

    pieces = [piece for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or ()]
    assert sorted({piece.index for piece in pieces}) == [0, 1]
    for index, (_, name, arguments) in enumerate(CALLS):
        first, *rest = [piece for piece in pieces if piece.index == index]
        assert first.id
        assert first.function is not None
        assert (first.type, first.function.name) == ("function", name)
        assert all((piece.id, piece.type) == (None, None) for piece in rest)
        assert all(piece.function is not None and piece.function.name is None for piece in rest)
        joined = "".join(piece.function.arguments or "" for piece in (first, *rest) if piece.function)
        assert joined == arguments
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def test_the_helper_for_streams_puts_calls_together(sdk: AsyncOpenAI, provider: Provider) -> None:
    """S8."""
    provider.upstream.always = Reply.tools(*CALLS)
    async with sdk.chat.completions.stream(model=provider.model, messages=HI, tools=TOOLS) as stream:
        events = [event async for event in stream]
        (choice,) = (await stream.get_final_completion()).choices

    assert choice.finish_reason == "tool_calls"
    assert without_ids(asked_in(choice.message)) == without_ids(CALLS)
    done = [(event.name, event.arguments) for event in events if event.type == "tool_calls.function.arguments.done"]
    assert done == without_ids(CALLS)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_results_go_back_with_their_calls(sdk: AsyncOpenAI, provider: Provider, stream: bool) -> None:
    """AN5, AN7, GE4, OL3: every dialect gets both calls and both results, in their order."""
    provider.upstream.next(Reply.tools(*CALLS), Reply.text("Sunny, ", "half past four."))
    message = await _message_of(sdk, provider, stream=stream)
    answer = await sdk.chat.completions.create(model=provider.model, messages=conversation_after(message), tools=TOOLS)

    assert answer.choices[0].message.content == "Sunny, half past four."
    sent = provider.upstream.requests[1].body.decode()
    told = [sent.index(word) for word in ("get_weather", "get_time", *RESULTS)]
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("oa", "tool_choice", {"type": "function", "function": {"name": "get_time"}}),
        ("an", "tool_choice", {"type": "tool", "name": "get_time", "disable_parallel_tool_use": True}),
        ("ge", "toolConfig", {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_time"]}}),
    ],
)
async def test_a_tool_may_be_chosen(
    sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream], name: str, field: str, value: Any
) -> None:
    """AN8: and one call at a time."""
    provider = provider_of(name, upstreams)
    choice: Any = {"type": "function", "function": {"name": "get_time"}}
    await sdk.chat.completions.create(
        model=provider.model, messages=HI, tools=TOOLS, tool_choice=choice, parallel_tool_calls=False
    )
    assert provider.upstream.requests[0].json[field] == value


@pytest.mark.parametrize("name", ["an", "ge"])
async def test_a_result_without_its_call_is_refused(
    sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream], name: str
) -> None:
    """AN7, GE4, E6: before anything is sent."""
    messages: Any = [*HI, {"role": "tool", "tool_call_id": "call_9", "content": "sunny"}]
    with pytest.raises(openai.BadRequestError) as caught:
        await sdk.chat.completions.create(model=provider_of(name, upstreams).model, messages=messages, tools=TOOLS)
    assert caught.value.param is not None
    assert caught.value.param.startswith("messages[1]")
    assert upstreams[name].requests == []


THOUGHT = Reply(completion=Completion(reasoning="Look it up.", tools=CALLS, finish_reason="tool_calls"))
"""Calls after a thought that some providers want back with them."""

WANTED_BACK = [
    ("an", anthropic_answers.SIGNATURE),
    ("ge", gemini_answers.SIGNATURE),
    ("ds", "Look it up."),
    ("or", "reasoning_details"),
]


@pytest.mark.parametrize("forgetful", [False, True], ids=["as it came", "forgotten"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("name", "wanted"), WANTED_BACK)
async def test_thoughts_go_back_with_their_calls(
    sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream], name: str, wanted: str, stream: bool, forgetful: bool
) -> None:
    """AN12, GE5, DS2, OR6: whether the program sends them back, or keeps only what OpenAI's types have."""
    provider = provider_of(name, upstreams)
    provider.upstream.next(THOUGHT)
    message = await _message_of(sdk, provider, stream=stream)
    assert wanted in message.model_dump_json()
    said = conversation_after(message)
    if forgetful:
        calls = [
            {"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in asked_in(message)
        ]
        said[1] = {"role": "assistant", "content": None, "tool_calls": calls}
    await sdk.chat.completions.create(model=provider.model, messages=said, tools=TOOLS)
    assert wanted in provider.upstream.requests[1].body.decode()


async def _message_of(sdk: AsyncOpenAI, provider: Provider, *, stream: bool) -> ChatCompletionMessage:
    if not stream:
        return (await sdk.chat.completions.create(model=provider.model, messages=HI, tools=TOOLS)).choices[0].message
    async with sdk.chat.completions.stream(model=provider.model, messages=HI, tools=TOOLS) as chunks:
        return (await chunks.get_final_completion()).choices[0].message
