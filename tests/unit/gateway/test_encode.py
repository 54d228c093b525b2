"""Encoding answers and chunks: what the ports hold beside OpenAI's own fields, and what must not be overridden."""

from typing import Any

import msgspec
import pytest

from memoryos_gateway.openai.encode import encode_answer, encode_batch
from memoryos_ports.llm import (
    AnswerMessage,
    ChatAnswer,
    ChatChunk,
    Choice,
    ChoiceDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)

_SIGNATURE = msgspec.Raw(b'{"google":{"thought_signature":"c2ln"}}')
_BLOCKS = {"thinking_blocks": msgspec.Raw(b'[{"type":"thinking"}]')}
_CLAIMS = {name: msgspec.Raw(b'"mine"') for name in ("role", "content", "tool_calls", "reasoning_content")}


def _choice(message: AnswerMessage, *, native: str | None = None) -> dict[str, Any]:
    """Return a choice as a client decodes it."""
    choice = Choice(index=0, message=message, finish_reason="length", native_finish_reason=native)
    answer = ChatAnswer(id="x", created=1, model="m", choices=(choice,))
    (decoded,) = msgspec.json.decode(encode_answer(answer))["choices"]
    return dict(decoded)


def _events(delta: ChoiceDelta) -> list[Any]:
    """Return the events of a chunk as a client decodes them."""
    chunk = ChatChunk(id="x", created=1, model="m", deltas=(delta,))
    lines = encode_batch([chunk], include_usage=False).split(b"\n\n")
    return [msgspec.json.decode(line.removeprefix(b"data: ")) for line in lines if line]


def _delta(delta: ChoiceDelta) -> dict[str, Any]:
    """Return the one choice of the one event of a chunk."""
    (event,) = _events(delta)
    (choice,) = event["choices"]
    return dict(choice)


def test_a_plain_choice_has_only_openais_fields() -> None:
    assert _choice(AnswerMessage(content="Hi")) == {
        "index": 0,
        "message": {"role": "assistant", "content": "Hi", "refusal": None},
        "logprobs": None,
        "finish_reason": "length",
    }


def test_a_plain_delta_has_only_openais_fields() -> None:
    assert _delta(ChoiceDelta(index=0, content="Hi")) == {
        "index": 0,
        "delta": {"content": "Hi"},
        "logprobs": None,
        "finish_reason": None,
    }


def test_the_providers_own_reason_stands_beside_ours() -> None:
    """X1."""
    assert _choice(AnswerMessage(content="Hi"), native="MAX_TOKENS")["native_finish_reason"] == "MAX_TOKENS"
    last = _delta(ChoiceDelta(index=0, finish_reason="length", native_finish_reason="MAX_TOKENS"))
    assert (last["finish_reason"], last["native_finish_reason"]) == ("length", "MAX_TOKENS")


def test_further_fields_are_merged_into_the_message() -> None:
    assert _choice(AnswerMessage(content="Hi", extra=_BLOCKS))["message"]["thinking_blocks"] == [{"type": "thinking"}]
    assert _delta(ChoiceDelta(index=0, extra=_BLOCKS))["delta"] == {"thinking_blocks": [{"type": "thinking"}]}


def test_further_fields_override_nothing_of_ours() -> None:
    call = ToolCall(id="c", name="f", arguments="{}")
    message = AnswerMessage(content="Hi", reasoning="so", tool_calls=(call,))
    delta = ChoiceDelta(
        index=0, role="assistant", content="Hi", reasoning="so", tool_calls=(ToolCallDelta(index=0, id="c", name="f"),)
    )

    assert _choice(msgspec.structs.replace(message, extra=_CLAIMS)) == _choice(message)
    claiming = msgspec.structs.replace(delta, finish_reason="stop", extra=_CLAIMS)
    assert _events(claiming) == _events(msgspec.structs.replace(delta, finish_reason="stop"))


def test_a_role_and_an_end_stand_alone() -> None:
    """S7, S10."""
    delta = ChoiceDelta(index=0, role="assistant", content="Hi", finish_reason="stop", extra=_BLOCKS)

    events = [event["choices"][0] for event in _events(delta)]

    assert [(event["delta"], event["finish_reason"]) for event in events] == [
        ({"role": "assistant", "content": ""}, None),
        ({"content": "Hi"}, None),
        ({"thinking_blocks": [{"type": "thinking"}]}, "stop"),
    ]


def test_what_a_provider_wants_back_with_a_tool_call_is_sent_along() -> None:
    call = ToolCall(id="c", name="f", arguments="{}", extra_content=_SIGNATURE)
    piece = ToolCallDelta(index=0, id="c", name="f", extra_content=_SIGNATURE)

    (whole,) = _choice(AnswerMessage(tool_calls=(call,)))["message"]["tool_calls"]
    first, later = (
        _delta(ChoiceDelta(index=0, tool_calls=(delta,)))["delta"]["tool_calls"][0]
        for delta in (piece, ToolCallDelta(index=0, arguments="{}"))
    )

    function = {"name": "f", "arguments": "{}"}
    signature = {"google": {"thought_signature": "c2ln"}}
    assert whole == {"id": "c", "type": "function", "function": function, "extra_content": signature}
    assert first["extra_content"] == signature
    assert later == {"index": 0, "function": {"arguments": "{}"}}


@pytest.mark.parametrize("estimated", [False, True])
def test_usage_that_is_estimated_says_so(estimated: bool) -> None:
    """X2."""
    usage = Usage(prompt_tokens=7, completion_tokens=3, estimated=estimated)
    body = msgspec.json.decode(encode_answer(ChatAnswer(id="x", created=1, model="m", choices=(), usage=usage)))
    assert ("estimated" in body["usage"]) is estimated
    assert body["usage"]["total_tokens"] == 10
