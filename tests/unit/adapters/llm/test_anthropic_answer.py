"""Whole answers of Anthropic's dialect (AN9, AN12, AN14, AN15, AN18, X1)."""

from typing import Any

import msgspec
import pytest

from memoryos_ports.errors import QuotaExhausted, UpstreamProtocolError, UpstreamUnavailable
from memoryos_ports.llm import AnswerMessage, ChatAnswer, ToolCall, Usage
from tests.support.anthropic_answers import message, refusal, whole
from tests.support.anthropic_requests import TOOL_MODEL, ask, function, json_schema, make_dialect
from tests.support.completion import Completion


def _read(body: dict[str, Any], **params: Any) -> ChatAnswer:
    return make_dialect().read_answer(msgspec.json.encode(body), ask(**params))


def _tool_use(call_id: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, **fields}


def test_a_text_is_the_content() -> None:
    answer = _read(whole(Completion(pieces=("Hel", "lo"))))

    (choice,) = answer.choices
    assert choice.message == AnswerMessage(content="Hello")
    assert (answer.id, answer.model, answer.wire) == ("msg_fake", "fake-model", None)


def test_calls_alone_have_no_content_and_arguments_as_text() -> None:
    body = message(
        content=[
            _tool_use("toolu_1", "a", input={"x": 1}),
            _tool_use("toolu_2", "b", input={}),
            _tool_use("toolu_3", "c"),
        ],
        stop_reason="tool_use",
    )

    (choice,) = _read(body).choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.tool_calls == (
        ToolCall(id="toolu_1", name="a", arguments='{"x":1}'),
        ToolCall(id="toolu_2", name="b", arguments="{}"),
        ToolCall(id="toolu_3", name="c", arguments="{}"),
    )


def test_thoughts_are_reasoning_and_come_out_unchanged() -> None:
    blocks = (
        b'[{"type":"thinking","thinking":"Hm.","signature":"c2ln","x":1.50},{"type":"redacted_thinking","data":"b3"}]'
    )
    content = msgspec.Raw(blocks[:-1] + b',{"type":"text","text":"42"}]')

    (choice,) = _read(message(content=content)).choices

    assert (choice.message.reasoning, choice.message.content) == ("Hm.", "42")
    assert {name: bytes(raw) for name, raw in choice.message.extra.items()} == {"thinking_blocks": blocks}


def test_blocks_of_the_providers_own_tools_say_nothing() -> None:
    content = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        {"type": "text", "text": "Found."},
        {"type": "x_new", "text": 7},
    ]

    assert _read(message(content=content)).choices[0].message == AnswerMessage(content="Found.")


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
    ],
)
def test_the_end_is_said_in_openais_words_and_kept_in_its_own(native: str, reason: str) -> None:
    (choice,) = _read(whole(Completion(pieces=("a",), finish_reason=native))).choices

    assert (choice.finish_reason, choice.native_finish_reason) == (reason, native)


@pytest.mark.parametrize("native", [None, "", "compaction", "stop"])
def test_an_unknown_or_missing_end_is_never_a_stop(native: str | None) -> None:
    with pytest.raises(UpstreamProtocolError):
        _read(message(content=[{"type": "text", "text": "a"}], stop_reason=native))


def test_a_refusal_says_why() -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "Too dangerous."}

    (choice,) = _read(message(stop_reason="refusal", stop_details=details)).choices

    assert (choice.finish_reason, choice.message.refusal) == ("content_filter", "Too dangerous.")


def test_cached_tokens_are_part_of_the_prompt() -> None:
    usage = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 200,
        "cache_read_input_tokens": 3_000,
        "output_tokens": 50,
        "output_tokens_details": {"thinking_tokens": 20},
        "service_tier": "standard",
    }

    answer = _read(message(usage=usage))

    assert answer.service_tier == "default"
    assert answer.usage == Usage(
        prompt_tokens=3_210, completion_tokens=50, cached_tokens=3_000, cache_write_tokens=200, reasoning_tokens=20
    )


def test_tokens_that_are_not_told_are_not_none_at_all() -> None:
    assert _read(message(usage={"output_tokens": 5})).usage is None
    assert _read(message(usage={"input_tokens": 5})).usage is None


def test_an_answer_by_the_forced_tool_is_content() -> None:
    asked: dict[str, Any] = {"model": TOOL_MODEL, "response_format": json_schema({"type": "object"})}
    by_tool = _tool_use("toolu_1", "json_answer", input={"city": "Bern"})

    (choice,) = _read(message(content=[by_tool], stop_reason="tool_use"), **asked).choices
    assert choice.message == AnswerMessage(content='{"city":"Bern"}')
    assert (choice.finish_reason, choice.native_finish_reason) == ("stop", "tool_use")

    beside = message(content=[_tool_use("toolu_2", "look_up", input={})], stop_reason="tool_use")
    (choice,) = _read(beside, **asked, tools=[function()]).choices
    assert [call.name for call in choice.message.tool_calls] == ["look_up"]
    assert choice.finish_reason == "tool_calls"


def test_a_tool_of_that_name_is_only_a_tool_when_no_schema_was_asked_for() -> None:
    body = message(content=[_tool_use("toolu_1", "json_answer", input={})], stop_reason="tool_use")

    assert _read(body, model=TOOL_MODEL).choices[0].finish_reason == "tool_calls"


def test_an_error_under_a_200_is_an_error() -> None:
    with pytest.raises(UpstreamUnavailable) as caught:
        _read(refusal("overloaded_error", "Overloaded"))
    assert caught.value.status == 529
    with pytest.raises(QuotaExhausted):
        _read(refusal("billing_error", "Pay."))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"content": 7}', b'{"content": ["x"]}', b"\xff"])
def test_what_is_no_answer_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        make_dialect().read_answer(body, ask())
