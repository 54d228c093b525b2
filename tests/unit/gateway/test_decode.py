"""Decoding a chat: the bound of a conversation, what a message keeps, and what its role lets it leave out."""

from typing import Any

import msgspec
import pytest

from memoryos_gateway.openai.decode import MAX_MESSAGES, decode_chat
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ContentPart, ImageUrl, Message, ToolCall

_HI: Any = {"role": "user", "content": "hi"}


def _body(*messages: Any) -> bytes:
    return msgspec.json.encode({"model": "m", "messages": messages})


def _decoded(message: Any) -> Message:
    """Return a message as decoded, without its wire form, which is what was sent."""
    (decoded,) = decode_chat(_body(message)).messages
    assert decoded.wire is not None
    assert msgspec.json.decode(decoded.wire) == message
    return msgspec.structs.replace(decoded, wire=None)


def test_a_long_conversation_is_taken_up_to_its_bound() -> None:
    assert len(decode_chat(_body(*[_HI] * MAX_MESSAGES)).messages) == MAX_MESSAGES
    with pytest.raises(InvalidInput) as caught:
        decode_chat(_body(*[_HI] * (MAX_MESSAGES + 1)))
    assert caught.value.param == "messages"


def test_the_parts_of_a_message_are_kept() -> None:
    audio, file = {"data": "UklGRg==", "format": "wav"}, {"file_id": "f"}
    parts = [
        {"type": "text", "text": ""},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
        {"type": "input_audio", "input_audio": audio},
        {"type": "file", "file": file},
        {"type": "refusal", "refusal": "no"},
        {"type": "something_new", "something_new": 1},
    ]

    assert _decoded({"role": "user", "content": parts, "name": "ana"}).content == (
        ContentPart(type="text", text=""),
        ContentPart(type="image_url", image_url=ImageUrl(url="https://x/y.png", detail="low")),
        ContentPart(type="input_audio", input_audio=msgspec.Raw(msgspec.json.encode(audio))),
        ContentPart(type="file", file=msgspec.Raw(msgspec.json.encode(file))),
        ContentPart(type="refusal", refusal="no"),
        ContentPart(type="something_new"),
    )


def test_a_tool_call_keeps_what_its_provider_wants_back() -> None:
    signature = {"google": {"thought_signature": "c2ln"}}
    calls = [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": signature},
        {"id": "b", "type": "function", "function": {"name": "g"}, "extra_content": None},
        {"id": "c", "type": "custom", "custom": {"name": "h", "input": "x"}},
    ]

    assert _decoded({"role": "assistant", "content": None, "tool_calls": calls}).tool_calls == (
        ToolCall(id="a", name="f", arguments="{}", extra_content=msgspec.Raw(msgspec.json.encode(signature))),
        ToolCall(id="b", name="g", arguments="{}"),
    )


@pytest.mark.parametrize("role", ["system", "developer", "user", "tool", "function"])
def test_every_role_but_the_assistants_needs_a_content(role: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_chat(_body(_HI, {"role": role, "tool_call_id": "c", "name": "f"}))
    assert (caught.value.param, caught.value.code) == ("messages[1].content", "missing_required_parameter")


@pytest.mark.parametrize("role", ["user", "tool"])
def test_a_user_and_a_tool_say_something(role: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_chat(_body(_HI, {"role": role, "tool_call_id": "c", "content": None}))
    assert (caught.value.param, caught.value.code) == ("messages[1].content", None)


@pytest.mark.parametrize("role", ["system", "developer", "assistant", "function"])
def test_the_content_of_any_other_role_may_be_null(role: str) -> None:
    assert _decoded({"role": role, "name": "f", "content": None}).content is None


@pytest.mark.parametrize("message", [{}, {"content": None}, {"refusal": "no"}, {"content": ""}], ids=str)
def test_an_assistant_may_have_said_nothing(message: dict[str, Any]) -> None:
    assert not _decoded({"role": "assistant", **message}).content


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
        ({"role": "tool", "content": "x", "tool_call_id": ""}, "messages[0].tool_call_id"),
        ({"role": "function", "content": "x"}, "messages[0].name"),
        ({"role": "function", "name": "f"}, "messages[0].content"),
        ({"role": "user", "content": [{"type": "file", "file": None}]}, "messages[0].content[0].file"),
        ({"role": "user", "content": [{"type": "text", "file": {}}]}, "messages[0].content[0].text"),
        ({"role": "assistant", "tool_calls": [{"id": "c"}]}, "messages[0].tool_calls[0].function"),
    ],
)
def test_what_a_message_must_have_is_named(message: Any, param: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_chat(_body(message))
    assert (caught.value.param, caught.value.code) == (param, "missing_required_parameter")
