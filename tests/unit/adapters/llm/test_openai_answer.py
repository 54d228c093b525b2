"""Whole answers of OpenAI-compatible servers: well-formed ones keep their bytes, others are mended or refused.

What is mended keeps every other field of what came: see test_openai_overlay.py.
"""

from typing import Any

import msgspec
import pytest

from memoryos_adapters.llm.openai.answer import read_answer
from memoryos_adapters.llm.refusals import ErrorTable
from memoryos_ports.errors import (
    MemoryOSError,
    RateLimited,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from memoryos_ports.llm import AnswerMessage, ChatAnswer, ToolCall, Usage
from tests.support.completion import Completion
from tests.support.openai_answers import whole
from tests.unit.adapters.llm.agreement import wire_of

_COUNTS = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
_HI = whole(Completion(pieces=("Hi.",)), model="m")


def read(document: Any) -> ChatAnswer:
    """Read an answer with this JSON."""
    return read_answer(
        msgspec.json.encode(document), model="asked-for", errors=ErrorTable(upstream="server", hidden=())
    )


def with_choice(**fields: Any) -> dict[str, Any]:
    """Return an answer whose choice has these fields instead."""
    return {**_HI, "choices": [{**_HI["choices"][0], **fields}]}


def with_message(**fields: Any) -> dict[str, Any]:
    """Return an answer whose message has these fields too."""
    return with_choice(message={"role": "assistant", "content": None, **fields})


def test_every_field_is_read() -> None:
    answer = read(_HI)

    assert answer.wire == msgspec.json.encode(_HI)
    assert (answer.id, answer.created, answer.model) == ("chatcmpl-fake", 1_700_000_000, "m")
    assert answer.usage == Usage(prompt_tokens=7, completion_tokens=3, cached_tokens=2, reasoning_tokens=1)
    assert (answer.system_fingerprint, answer.service_tier) == ("fp_fake", "default")
    assert answer.choices[0].message == AnswerMessage(content="Hi.")


def test_tool_calls_are_read_and_have_no_content() -> None:
    answer = read(whole(Completion(tools=(("call_1", "f", '{"x":1}'),)), model="m"))

    assert answer.wire is not None
    assert answer.choices[0].message == AnswerMessage(
        tool_calls=(ToolCall(id="call_1", name="f", arguments='{"x":1}'),)
    )


def test_empty_lines_before_the_answer_are_skipped() -> None:
    body = b"\n\n\n" + msgspec.json.encode(_HI)

    assert read_answer(body, model="m", errors=ErrorTable(upstream="deepseek", hidden=())).id == "chatcmpl-fake"


@pytest.mark.parametrize("missing", ["id", "created", "model", "object"])
def test_a_missing_head_is_made_up(missing: str) -> None:
    answer = read({name: value for name, value in _HI.items() if name != missing})

    assert wire_of(answer)["object"] == "chat.completion"
    assert answer.id.startswith("chatcmpl-")
    assert answer.created > 0
    assert answer.model in ("m", "asked-for")


def test_thoughts_under_the_other_name_are_mended() -> None:
    answer = read(with_message(content="4", reasoning="2 + 2"))

    assert answer.choices[0].message.reasoning == "2 + 2"
    assert wire_of(answer)["choices"][0]["message"]["reasoning"] == "2 + 2"


def test_thoughts_within_the_content_are_taken_out_of_it() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "2 + "}, {"type": "text", "text": "2"}]}

    answer = read(with_message(content=[thinking, {"type": "text", "text": "4"}]))

    assert answer.choices[0].message == AnswerMessage(content="4", reasoning="2 + 2")
    assert wire_of(answer)["choices"][0]["message"]["content"] == "4"


def test_tool_calls_are_mended() -> None:
    calls = [{"function": {"name": "f", "arguments": {"x": 1}}}, {"id": "", "function": {"name": "g"}}]

    answer = read(with_message(tool_calls=calls))

    first, second = answer.choices[0].message.tool_calls
    assert (first.arguments, second.arguments) == ('{"x":1}', "{}")
    assert len({first.id, second.id, ""}) == 3
    assert wire_of(answer)


def test_content_that_is_empty_beside_tool_calls_is_none() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}

    answer = read(with_message(content="", tool_calls=[call]))

    assert answer.choices[0].message.content is None
    assert wire_of(answer)["choices"][0]["message"]["content"] is None


def test_arguments_are_never_an_empty_text() -> None:
    answer = read(whole(Completion(tools=(("call_1", "f", ""),)), model="m"))

    assert answer.choices[0].message.tool_calls[0].arguments == "{}"
    assert wire_of(answer)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}, Usage(prompt_tokens=5, completion_tokens=2)),
        ({"prompt_tokens": 5, "completion_tokens": 2}, Usage(prompt_tokens=5, completion_tokens=2)),
        ({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 0}, Usage(prompt_tokens=5, completion_tokens=2)),
        ({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 10}, Usage(prompt_tokens=5, completion_tokens=5)),
        (
            {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "prompt_cache_hit_tokens": 4},
            Usage(prompt_tokens=5, completion_tokens=2, cached_tokens=4),
        ),
        (
            {**_COUNTS, "prompt_tokens_details": {"cached_tokens": 50, "cache_write_tokens": 3}},
            Usage(prompt_tokens=5, completion_tokens=2, cached_tokens=5, cache_write_tokens=3),
        ),
        (
            {**_COUNTS, "completion_tokens_details": {"reasoning_tokens": 20}},
            Usage(prompt_tokens=5, completion_tokens=2, reasoning_tokens=2),
        ),
        ({"prompt_tokens": 5, "total_tokens": 5}, Usage(prompt_tokens=5, completion_tokens=0)),
        ({"completion_tokens": 2, "total_tokens": 7}, Usage(prompt_tokens=5, completion_tokens=2)),
    ],
)
def test_usage_adds_up(usage: object, expected: Usage) -> None:
    answer = read({**_HI, "usage": usage})

    assert answer.usage == expected
    assert wire_of(answer)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 5}, {"completion_tokens": 2}, {"total_tokens": 7}])
def test_usage_that_does_not_say_enough_is_not_reported(usage: object) -> None:
    assert read({**_HI, "usage": usage}).usage is None


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {**_HI, "choices": []},
        with_choice(message=None),
        with_choice(finish_reason=None),
        with_choice(finish_reason="because"),
        with_message(tool_calls=[{"id": "call_1", "function": {"arguments": "{}"}}]),
    ],
)
def test_what_is_no_answer_is_a_protocol_error(document: object) -> None:
    with pytest.raises(UpstreamProtocolError):
        read(document)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"error": "out of memory"}, UpstreamUnavailable),
        ({"error": {"message": "slow down", "code": 429}}, RateLimited),
        ({"error": {"message": "bad", "type": "invalid_request_error"}}, UpstreamRejected),
        ({"object": "error", "message": "too long", "type": "BadRequestError", "code": 400}, UpstreamRejected),
        ({**_HI, "error": {"message": "died", "code": 502}}, UpstreamUnavailable),
    ],
)
def test_an_error_under_a_200_is_raised(document: object, expected: type[MemoryOSError]) -> None:
    with pytest.raises(expected):
        read(document)


_FUNCTION = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
_CUSTOM = {"id": "call_2", "type": "custom", "custom": {"name": "code", "input": "print(1)"}}


def test_a_call_of_another_type_passes_on_the_wire_alone() -> None:
    document = with_message(tool_calls=[_CUSTOM])

    answer = read({**document, "choices": [{**document["choices"][0], "finish_reason": "tool_calls"}]})

    assert answer.choices[0].message == AnswerMessage()
    assert msgspec.json.decode(answer.wire or b"")["choices"][0]["message"]["tool_calls"] == [_CUSTOM]


def test_calls_of_functions_are_read_beside_those_of_another_type() -> None:
    answer = read(with_message(reasoning="hm", tool_calls=[_CUSTOM, {**_FUNCTION, "id": ""}, _CUSTOM]))

    (call,) = answer.choices[0].message.tool_calls
    assert (call.name, call.arguments) == ("f", "{}")
    assert msgspec.json.decode(answer.wire or b"")["choices"][0]["message"]["tool_calls"] == [
        _CUSTOM,
        {**_FUNCTION, "id": call.id},
        _CUSTOM,
    ]


@pytest.mark.parametrize("echo", [None, {}])
def test_an_echo_of_another_type_beside_a_function_changes_nothing(echo: object) -> None:
    answer = read(with_message(tool_calls=[{**_FUNCTION, "custom": echo}]))

    assert answer.choices[0].message.tool_calls == (ToolCall(id="call_1", name="f", arguments="{}"),)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": -5, "completion_tokens": -2, "total_tokens": -7}, None),
        ({"prompt_tokens": -5, "completion_tokens": 2, "total_tokens": 7}, Usage(prompt_tokens=5, completion_tokens=2)),
        (
            {
                **_COUNTS,
                "prompt_tokens_details": {"cached_tokens": -1, "cache_write_tokens": -1},
                "completion_tokens_details": {"reasoning_tokens": -1},
            },
            Usage(prompt_tokens=5, completion_tokens=2),
        ),
        ({**_COUNTS, "prompt_cache_hit_tokens": -1}, Usage(prompt_tokens=5, completion_tokens=2)),
    ],
)
def test_a_count_below_nothing_is_not_reported(usage: object, expected: Usage | None) -> None:
    answer = read({**_HI, "usage": usage})

    assert answer.usage == expected
    assert wire_of(answer)
