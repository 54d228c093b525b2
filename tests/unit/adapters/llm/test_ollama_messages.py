"""Messages as Ollama takes them: four roles, texts, bare images, arguments as objects, results by name."""

from typing import Any

import msgspec
import pytest

from memoryos_adapters.llm.ollama.messages import encode_messages
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ContentPart, ImageUrl, Message, ToolCall


def encoded(*messages: Message) -> Any:
    """Return messages as they go out."""
    return msgspec.json.decode(msgspec.json.encode(encode_messages(messages)))


def text(words: str) -> ContentPart:
    """Return a part that is a text."""
    return ContentPart(type="text", text=words)


def image(url: str) -> ContentPart:
    """Return a part that is an image."""
    return ContentPart(type="image_url", image_url=ImageUrl(url=url))


def refusal_of(*messages: Message) -> InvalidInput:
    """Return why messages cannot be said."""
    with pytest.raises(InvalidInput) as caught:
        encode_messages(messages)
    return caught.value


def test_system_messages_stay_where_they_are() -> None:
    assert encoded(
        Message(role="developer", content="a"),
        Message(role="user", content="b"),
        Message(role="system", content="c"),
        Message(role="assistant", content=None),
    ) == [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "system", "content": "c"},
        {"role": "assistant", "content": ""},
    ]


def test_texts_are_joined_and_images_are_bare_base64() -> None:
    parts = (text("What is"), image("data:image/png;base64,AAAA"), text("this?"), image("data:image/webp;base64,BBBB"))

    assert encoded(Message(role="user", content=parts)) == [
        {"role": "user", "content": "What is\nthis?", "images": ["AAAA", "BBBB"]}
    ]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (image("https://example.org/a.png"), "messages[0].content[1].image_url.url"),
        (image("data:application/pdf;base64,AAAA"), "messages[0].content[1].image_url.url"),
        (ContentPart(type="input_audio", input_audio=msgspec.Raw(b"{}")), "messages[0].content[1].type"),
        (ContentPart(type="file", file=msgspec.Raw(b"{}")), "messages[0].content[1].type"),
    ],
)
def test_what_ollama_cannot_take_is_refused_by_its_path(part: ContentPart, param: str) -> None:
    error = refusal_of(Message(role="user", content=(text("?"), part)))

    assert (error.param, error.code) == (param, "unsupported_value")


def test_an_image_without_a_url_is_refused() -> None:
    error = refusal_of(Message(role="user", content=(ContentPart(type="image_url"),)))

    assert error.param == "messages[0].content[0].image_url"


def test_an_unknown_role_is_refused() -> None:
    error = refusal_of(Message(role="critic", content="no"))

    assert (error.param, error.code) == ("messages[0].role", "unsupported_value")


def test_arguments_are_objects_and_results_are_named_after_their_call() -> None:
    calls = (
        ToolCall(id="call_1", name="f", arguments='{ "x" : 1.50 }'),
        ToolCall(id="call_2", name="g", arguments=" "),
    )

    assert encoded(
        Message(role="assistant", content="Let me see.", tool_calls=calls),
        Message(role="tool", content=(text("o"), text("ne")), tool_call_id="call_1"),
        Message(role="tool", content="two", tool_call_id="call_2"),
        Message(role="function", content="old", name="h"),
    ) == [
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                {"id": "call_1", "function": {"name": "f", "arguments": {"x": 1.5}}},
                {"id": "call_2", "function": {"name": "g", "arguments": {}}},
            ],
        },
        {"role": "tool", "content": "o\nne", "tool_name": "f", "tool_call_id": "call_1"},
        {"role": "tool", "content": "two", "tool_name": "g", "tool_call_id": "call_2"},
        {"role": "tool", "content": "old", "tool_name": "h"},
    ]


def test_results_come_in_the_order_of_their_calls_since_older_servers_match_by_it() -> None:
    messages = [
        message
        for question in ("first", "second")  # some clients use an id again
        for message in (
            Message(role="user", content=question),
            Message(role="assistant", tool_calls=tuple(ToolCall(id=id_, name="f", arguments="{}") for id_ in "abc")),
            *(Message(role="tool", content=f"{question} {id_}", tool_call_id=id_) for id_ in "cab"),
        )
    ]

    results = [sent["content"] for sent in encoded(*messages) if sent["role"] == "tool"]

    assert results == ["first a", "first b", "first c", "second a", "second b", "second c"]


def test_a_result_out_of_order_is_refused_by_its_own_path() -> None:
    call = ToolCall(id="call_1", name="f", arguments="{}")

    error = refusal_of(
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", content="?", tool_call_id="call_9"),
        Message(role="tool", content="42", tool_call_id="call_1"),
    )

    assert error.param == "messages[1].tool_call_id"


def test_the_older_form_of_a_call_is_understood() -> None:
    wire = msgspec.Raw(b'{"role":"assistant","function_call":{"name":"h","arguments":"{\\"x\\":1}"}}')

    assert encoded(
        Message(role="assistant", wire=wire),
        Message(role="function", content="old", name="h"),
    ) == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"function": {"name": "h", "arguments": {"x": 1}}}],
        },
        {"role": "tool", "content": "old", "tool_name": "h"},
    ]


@pytest.mark.parametrize(
    ("function_call", "param"),
    [
        (b'{"arguments":"{}"}', "messages[0].function_call"),
        (b'"h"', "messages[0].function_call"),
        (b'{"name":"h","arguments":"["}', "messages[0].function_call.arguments"),
    ],
)
def test_an_older_call_that_cannot_be_read_is_refused(function_call: bytes, param: str) -> None:
    wire = msgspec.Raw(b'{"role":"assistant","function_call":' + function_call + b"}")

    assert refusal_of(Message(role="assistant", wire=wire)).param == param


@pytest.mark.parametrize("arguments", ["{", "[1]", '"x"', "null", "\ud800", "[" * 5000])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    call = ToolCall(id="call_1", name="f", arguments=arguments)

    error = refusal_of(Message(role="user", content="?"), Message(role="assistant", tool_calls=(call,)))

    assert error.param == "messages[1].tool_calls[0].function.arguments"


def test_orphan_tool_results_are_refused() -> None:
    error = refusal_of(Message(role="tool", content="42", tool_call_id="call_9"))

    assert error.param == "messages[0].tool_call_id"


@pytest.mark.parametrize(
    ("wire", "thinking"),
    [
        (b'{"role":"assistant","reasoning_content":"Hm."}', "Hm."),
        (b'{"role":"assistant","reasoning":"Hm."}', "Hm."),
        (b'{"role":"assistant","reasoning_content":""}', None),
        (b'{"role":"assistant","reasoning":{"effort":"low"}}', None),
    ],
)
def test_thoughts_that_a_client_sends_back_are_thoughts(wire: bytes, thinking: str | None) -> None:
    (message,) = encoded(Message(role="assistant", content="42", wire=msgspec.Raw(wire)))

    assert message.get("thinking") == thinking


def test_a_refusal_is_said_as_text() -> None:
    refused = Message(role="assistant", content=(ContentPart(type="refusal", refusal="I will not."),))

    assert encoded(refused) == [{"role": "assistant", "content": "I will not."}]
