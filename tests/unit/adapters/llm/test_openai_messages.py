"""Messages as a server of the OpenAI dialect takes them (wire contract: X3, OA3): only what must change is changed."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_adapters.llm.openai.dialect import OpenAiDialect
from memoryos_adapters.llm.openai.messages import ALL_FIELDS
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.llm import ChatRequest, Message
from tests.support.completion import sse
from tests.support.openai_answers import choice_delta, chunk

OPENAI, EU, OTHER = "https://api.openai.com/v1", "https://eu.api.openai.com/v1", "http://127.0.0.1:8000/v1"
GROQ, MISTRAL = "https://api.groq.com/openai/v1", "https://api.mistral.ai/v1"

_CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


class _Keeping(OpenAiDialect):
    kept_fields = frozenset({"reasoning_details"})


def message(**fields: Any) -> Message:
    """Return a message that came over the wire, an assistant's unless it says otherwise."""
    fields = {"role": "assistant", "content": "Hi.", **fields}
    return Message(role=fields["role"], content=fields["content"], wire=msgspec.Raw(msgspec.json.encode(fields)))


def sent(
    *messages: Message, base_url: str = OTHER, model: str = "m", dialect: type[OpenAiDialect] = OpenAiDialect
) -> list[dict[str, Any]]:
    """Return the messages as they go out."""
    request = ChatRequest(model=model, messages=messages)
    outgoing = dialect("server", LlmProviderSettings(kind="openai", base_url=base_url)).encode(request, stream=False)
    decoded: list[dict[str, Any]] = msgspec.json.decode(outgoing.body)["messages"]
    return decoded


@pytest.mark.parametrize(
    "foreign",
    [
        {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "c2ln"}]},
        {"extra_content": {"google": {"thought_signature": "c2ln"}}},
    ],
)
def test_what_another_provider_wants_back_is_not_sent(foreign: dict[str, Any]) -> None:
    assert sent(message(x_new=1, **foreign)) == [{"role": "assistant", "content": "Hi.", "x_new": 1}]


def test_what_another_provider_wants_back_with_its_calls_is_not_sent() -> None:
    bound = {**_CALL, "extra_content": {"google": {"thought_signature": "c2ln"}}}

    assert sent(message(content=None, tool_calls=[bound, _CALL])) == [
        {"role": "assistant", "content": None, "tool_calls": [_CALL, _CALL]}
    ]


def test_a_relative_keeps_the_fields_that_are_its_own() -> None:
    fields = {"thinking_blocks": [], "reasoning_details": [1]}

    assert sent(message(**fields), dialect=_Keeping) == [
        {"role": "assistant", "content": "Hi.", "reasoning_details": [1]}
    ]


def test_messages_without_such_fields_keep_their_bytes() -> None:
    wires = [
        b'{"role" : "user", "content":"\\"thinking_blocks\\": and \\"extra_content\\"", "x_new":1.50}',
        b'{ "role":"user", "thinking_blocks":[] }',
        b'{ "role":"assistant","content":"\\"thinking_blocks\\"", "tool_calls": null }',
        b'{ "role":"assistant","x_nested":{ "thinking_blocks":[] } }',
        b'{ "role":"assistant","tool_calls":[ {"id":"call_1","function":{"name":"f","arguments":"{}"}} ] }',
    ]
    bound = message(thinking_blocks=[])
    messages = [Message(role=msgspec.json.decode(wire)["role"], wire=msgspec.Raw(wire)) for wire in wires]
    request = ChatRequest(model="m", messages=(*messages, bound))

    body = OpenAiDialect("s", LlmProviderSettings(kind="openai", base_url=OTHER)).encode(request, stream=False).body

    assert b",".join(wires) + b',{"role":"assistant","content":"Hi."}' in body


@pytest.mark.parametrize("base_url", [OPENAI, EU, GROQ, MISTRAL])
def test_thoughts_are_not_sent_to_servers_that_refuse_them(base_url: str) -> None:
    thoughts = {"reasoning": "hm", "reasoning_content": "hm"}

    assert sent(message(**thoughts), base_url=base_url) == [{"role": "assistant", "content": "Hi."}]


@pytest.mark.parametrize(
    ("thoughts", "kept"),
    [
        ({"reasoning": "hm", "reasoning_content": "hm"}, {"reasoning": "hm"}),
        ({"reasoning": None, "reasoning_content": "hm"}, {"reasoning_content": "hm"}),
        ({"reasoning_content": "hm"}, {"reasoning_content": "hm"}),
        ({"reasoning": "hm"}, {"reasoning": "hm"}),
        ({"reasoning": None, "reasoning_content": None}, {}),
    ],
)
def test_thoughts_go_back_under_one_name(thoughts: dict[str, Any], kept: dict[str, Any]) -> None:
    assert sent(message(**thoughts)) == [{"role": "assistant", "content": "Hi.", **kept}]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"reasoning": "hm"}, {"reasoning": "ho"}),
        ({"reasoning_content": "hm"}, {"reasoning_content": "ho"}),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}, {}),
    ],
)
@pytest.mark.parametrize("client", [("reasoning",), ("reasoning_content",), ("reasoning", "reasoning_content")])
def test_thoughts_go_back_under_the_name_that_the_server_itself_uses(
    said: dict[str, Any], kept: dict[str, Any], client: tuple[str, ...], streamed: bool
) -> None:
    dialect = OpenAiDialect("server", LlmProviderSettings(kind="openai", base_url=OTHER))
    _hear(dialect, said, streamed=streamed)
    request = ChatRequest(model="m", messages=(message(**dict.fromkeys(client, "ho")),))

    outgoing = dialect.encode(request, stream=False)

    assert msgspec.json.decode(outgoing.body)["messages"] == [{"role": "assistant", "content": "Hi.", **kept}]


def _hear(dialect: OpenAiDialect, said: dict[str, Any], *, streamed: bool) -> None:
    request = ChatRequest(model="m", messages=())
    if streamed:
        event = chunk(choice_delta({"role": "assistant", **said}))
        dialect.stream_decoder(request).feed(sse(event), into=[])
    else:
        choice = {"index": 0, "message": {"role": "assistant", "content": "4", **said}, "finish_reason": "stop"}
        dialect.read_answer(msgspec.json.encode({"choices": [choice]}), request)


@given(content=st.text(), name=st.sampled_from(sorted(ALL_FIELDS)), value=st.sampled_from([0, "", [], None]))
def test_a_foreign_field_is_found_however_short_it_is(content: str, name: str, value: Any) -> None:
    assert sent(message(content=content, **{name: value}), base_url=OPENAI) == [
        {"role": "assistant", "content": content}
    ]


@pytest.mark.parametrize(
    ("base_url", "model", "role"),
    [
        (OPENAI, "o3", "developer"),
        (OPENAI, "gpt-5.2", "developer"),
        (EU, "gpt-5-mini", "developer"),
        (OPENAI, "gpt-4.1", "system"),
        (OPENAI, "gpt-5-chat-latest", "system"),
        (OTHER, "gpt-5.2", "system"),
        (OTHER, "llama-3.3-70b", "system"),
    ],
)
def test_instructions_have_the_role_that_the_model_knows(base_url: str, model: str, role: str) -> None:
    given = [
        message(role="system", content="a", name="rules"),
        message(role="developer", content="b"),
        Message(role="system", content="c"),
        Message(role="developer", content="d"),
        message(role="user", content="e"),
    ]

    assert sent(*given, base_url=base_url, model=model) == [
        {"role": role, "content": "a", "name": "rules"},
        *({"role": role, "content": text} for text in "bcd"),
        {"role": "user", "content": "e"},
    ]


def test_a_host_that_only_looks_like_openai_is_not() -> None:
    assert sent(message(role="developer"), base_url="https://api.openai.com.evil.example/v1", model="o3") == [
        {"role": "system", "content": "Hi."}
    ]
