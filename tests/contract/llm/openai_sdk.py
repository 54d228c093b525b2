"""OpenAI's SDK as oracle for the relatives of its dialect: it reads what the fake says, and sends what we send."""

from typing import Any

import msgspec
import openai
import pytest

from memoryos_ports.llm import ChatRequest, LlmAdapter, Message, ToolCall
from tests.contract.llm.requests import stream_of
from tests.support.fake_upstream import FakeUpstream, Received
from tests.support.replies import Reply

TOOLS = (("call_1", "get_weather", '{"city":"Hérault","days":[1,2]}'), ("call_2", "get_time", "{}"))

_ASKED = [
    {"type": "function", "function": {"name": name, "arguments": arguments}, "id": call_id}
    for call_id, name, arguments in TOOLS
]
BODY: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Where is this? Hé 🍵"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": _ASKED, "reasoning_content": "Look it up."},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        {"role": "tool", "tool_call_id": "call_2", "content": "noon"},
    ],
    "tools": [{"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}],
    "tool_choice": "auto",
    "max_tokens": 100,
    "stop": ["END"],
}
"""A conversation with everything that both express; a relative may need another model, or no thoughts."""


class OpenAiSdkContract:
    """Subclass it as ``Test…`` with fixtures `llm` and `sdk` for the same `upstream`, and `body` for both."""

    @pytest.fixture
    def body(self) -> dict[str, Any]:
        """What is asked, as the SDK takes it."""
        return BODY

    async def test_the_sdk_reads_a_whole_answer(self, sdk: openai.AsyncOpenAI, body: dict[str, Any]) -> None:
        answer = await sdk.chat.completions.create(**body)

        (choice,) = answer.choices
        assert (choice.message.content, choice.finish_reason) == ("Hello!", "stop")
        assert answer.usage is not None
        assert answer.usage.total_tokens == 10

    async def test_the_sdk_reads_parallel_tool_calls(
        self, sdk: openai.AsyncOpenAI, upstream: FakeUpstream, body: dict[str, Any]
    ) -> None:
        upstream.always = Reply.tools(*TOOLS)

        whole = (await sdk.chat.completions.create(**body)).choices[0]
        async with sdk.chat.completions.stream(**body) as stream:
            streamed = (await stream.get_final_completion()).choices[0]

        assert whole.finish_reason == streamed.finish_reason == "tool_calls"
        for message in (whole.message, streamed.message):
            assert [_call(call) for call in message.tool_calls or ()] == list(TOOLS)

    async def test_the_sdk_reads_a_stream_with_its_thoughts(
        self, sdk: openai.AsyncOpenAI, upstream: FakeUpstream, body: dict[str, Any]
    ) -> None:
        upstream.next(Reply.thinking("Six times seven.", "4", "2"))

        chunks = [chunk async for chunk in await sdk.chat.completions.create(**body, stream=True)]

        deltas = [choice.delta for chunk in chunks for choice in chunk.choices if choice.delta is not None]
        extra = [delta.model_extra or {} for delta in deltas]
        assert "".join(delta.content or "" for delta in deltas) == "42"
        assert "".join(e.get("reasoning_content") or e.get("reasoning") or "" for e in extra) == "Six times seven."

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (400, openai.BadRequestError),
            (401, openai.AuthenticationError),
            (429, openai.RateLimitError),
            (503, openai.InternalServerError),
        ],
    )
    async def test_the_sdk_reads_errors(
        self,
        sdk: openai.AsyncOpenAI,
        upstream: FakeUpstream,
        body: dict[str, Any],
        status: int,
        expected: type[openai.APIStatusError],
    ) -> None:
        upstream.next(Reply.error(status, "No.", code="a_code"))

        with pytest.raises(expected, match=r"No\.") as caught:
            await sdk.chat.completions.create(**body)
        assert caught.value.code == "a_code"

    async def test_the_sdk_sends_what_we_send(
        self, sdk: openai.AsyncOpenAI, llm: LlmAdapter, upstream: FakeUpstream, body: dict[str, Any]
    ) -> None:
        await sdk.chat.completions.create(**body)
        await llm.chat(request_of(body))

        theirs, ours = upstream.requests
        assert _sent(ours) == _sent(theirs)

    async def test_the_sdk_streams_what_we_stream(
        self, sdk: openai.AsyncOpenAI, llm: LlmAdapter, upstream: FakeUpstream, body: dict[str, Any]
    ) -> None:
        stream = await sdk.chat.completions.create(**body, stream=True, stream_options={"include_usage": True})
        async for _ in stream:
            pass
        await stream_of(llm, request_of(body))

        theirs, ours = upstream.requests
        assert _sent(ours) == _sent(theirs)


def without_thoughts(body: dict[str, Any] = BODY) -> dict[str, Any]:
    """Return the same conversation from a client that dropped the thoughts."""
    messages = [
        {name: value for name, value in message.items() if name != "reasoning_content"} for message in body["messages"]
    ]
    return {**body, "messages": messages}


def request_of(body: dict[str, Any], *, owner: str = "ana") -> ChatRequest:
    """Return a body of the OpenAI dialect as the gateway hands it to an adapter."""
    return ChatRequest(
        model=body["model"],
        messages=tuple(map(message_of, body["messages"])),
        params={name: _raw(value) for name, value in body.items() if name not in ("model", "messages")},
        owner=owner,
    )


def message_of(wire: dict[str, Any]) -> Message:
    """Return a message that came over the wire, as far as adapters of this dialect read it."""
    calls = tuple(
        ToolCall(id=call["id"], name=call["function"]["name"], arguments=call["function"]["arguments"])
        for call in wire.get("tool_calls") or ()
    )
    content = wire.get("content") if isinstance(wire.get("content"), str) else None
    call_id = wire.get("tool_call_id")
    return Message(role=wire["role"], content=content, tool_calls=calls, tool_call_id=call_id, wire=_raw(wire))


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _call(call: Any) -> tuple[str, str, str]:
    return (call.id, call.function.name, call.function.arguments)


def _sent(received: Received) -> tuple[str, str, dict[str, str], dict[str, Any], str]:
    """What a request says, however it says its key; that it does not stream may be left unsaid."""
    bearer = received.headers.get("authorization", "").removeprefix("Bearer ")
    key = received.headers.get("api-key", bearer)
    return (received.method, received.path, received.query, {"stream": False, **received.json}, key)
