"""Requests in OpenAI's dialect, from what the caller sent and from messages that were built here."""

from typing import Any

import msgspec
import pytest

from memoryos_adapters.llm.openai.request import encode_request
from memoryos_ports.llm import ChatRequest, ContentPart, ImageUrl, Message, ToolCall


def encoded(*messages: Message, stream: bool = False, **params: bytes) -> Any:
    """Return the decoded body of a request."""
    raw = {name: msgspec.Raw(value) for name, value in params.items()}
    return msgspec.json.decode(encode_request(ChatRequest(model="m", messages=messages, params=raw), stream=stream))


def test_messages_that_were_built_here_are_encoded_from_their_fields() -> None:
    body = encoded(
        Message(role="system", content="Be brief.", name="rules"),
        Message(
            role="user",
            content=(
                ContentPart(type="text", text="What is this?"),
                ContentPart(type="image_url", image_url=ImageUrl(url="https://example.org/a.png", detail="low")),
            ),
        ),
        Message(role="assistant", tool_calls=(ToolCall(id="call_1", name="f", arguments="{}"),)),
        Message(role="tool", content="42", tool_call_id="call_1"),
    )

    assert body["messages"] == [
        {"role": "system", "content": "Be brief.", "name": "rules"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "function": {"name": "f", "arguments": "{}"}, "type": "function"}],
        },
        {"role": "tool", "content": "42", "tool_call_id": "call_1"},
    ]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, {"include_usage": True}),
        (b"null", {"include_usage": True}),
        (b"{}", {"include_usage": True}),
        (b'{"include_usage":false,"include_obfuscation":true}', {"include_usage": True, "include_obfuscation": True}),
        (b'"nonsense"', "nonsense"),
    ],
)
def test_a_stream_asks_for_usage(given: bytes | None, sent: object) -> None:
    body = encoded(stream=True, **({} if given is None else {"stream_options": given}))

    assert body["stream_options"] == sent
    assert body["stream"] is True


def test_a_whole_answer_does_not_ask_for_stream_options() -> None:
    assert encoded(temperature=b"0.5") == {"model": "m", "messages": [], "temperature": 0.5, "stream": False}
