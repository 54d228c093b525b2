"""Streams of Anthropic's dialect (AN12, AN14-AN20, X1)."""

import tracemalloc
from typing import Any

import msgspec
import pytest

from memoryos_ports.errors import MemoryOSError, RateLimited, StreamCut, UpstreamProtocolError, UpstreamUnavailable
from memoryos_ports.llm import ChatChunk, ChatRequest, ChoiceDelta, ToolCallDelta, Usage
from tests.contract.llm.decoders import decoded
from tests.contract.llm.requests import deltas_of, text_of
from tests.support.anthropic_answers import SIGNATURE, block, ended, events, message, named, refusal, stream_of_events
from tests.support.anthropic_requests import (
    NEWEST_MODEL,
    TOOL_MODEL,
    ask,
    calling,
    function,
    json_schema,
    make_dialect,
    result,
    user,
)
from tests.support.completion import Completion

_START = {"type": "message_start", "message": message(stop_reason=None)}
_STOP = {"type": "message_stop"}
_TEXT = {"type": "text", "text": ""}


def _decode(*items: dict[str, Any], request: ChatRequest | None = None) -> list[ChatChunk]:
    return decoded(make_dialect().stream_decoder(request or ask()), stream_of_events(*items))


def _broken(*items: dict[str, Any]) -> tuple[list[ChatChunk], MemoryOSError]:
    decoder, chunks = make_dialect().stream_decoder(ask()), list[ChatChunk]()
    try:
        decoder.feed(stream_of_events(*items), chunks)
        decoder.feed(b"", chunks)
    except MemoryOSError as error:
        assert not decoder.complete
        return chunks, error
    pytest.fail("the stream ended as if it were complete")


def _says(text: str) -> dict[str, str]:
    return {"type": "text_delta", "text": text}


def _calls(chunks: list[ChatChunk]) -> list[ToolCallDelta]:
    return [call for delta in deltas_of(chunks) for call in delta.tool_calls]


def test_a_text_is_a_role_its_pieces_its_end_and_its_usage() -> None:
    chunks = _decode(*events(Completion(pieces=("Hel", "lo"))))

    assert deltas_of(chunks) == [
        ChoiceDelta(index=0, role="assistant", content="Hel"),
        ChoiceDelta(index=0, content="lo"),
        ChoiceDelta(index=0, finish_reason="stop", native_finish_reason="end_turn"),
    ]
    assert chunks[-1].deltas == ()
    assert chunks[-1].usage == Usage(prompt_tokens=7, completion_tokens=3, cached_tokens=2, reasoning_tokens=1)


def test_nothing_is_said_before_the_first_piece_of_content() -> None:
    decoder, chunks = make_dialect().stream_decoder(ask()), list[ChatChunk]()
    opening: list[dict[str, Any]] = [
        _START,
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": _TEXT},
    ]

    decoder.feed(stream_of_events(*opening), chunks)
    assert chunks == []
    decoder.feed(named({"type": "content_block_delta", "index": 0, "delta": _says("Hi.")}), chunks)
    assert text_of(chunks) == "Hi."


def test_an_answer_of_nothing_is_an_end_with_a_role() -> None:
    assert deltas_of(_decode(_START, ended("end_turn"), _STOP)) == [
        ChoiceDelta(index=0, role="assistant", finish_reason="stop", native_finish_reason="end_turn")
    ]


def test_usage_is_the_last_that_was_said_of_each_count() -> None:
    started = {"type": "message_start", "message": message(usage={"input_tokens": 10, "output_tokens": 1})}
    chunks = _decode(
        started,
        *block(0, _TEXT, _says("a")),
        ended(None, output_tokens=5),
        ended("end_turn", output_tokens=9, cache_read_input_tokens=4, input_tokens=None),
        _STOP,
    )

    assert chunks[-1].usage == Usage(prompt_tokens=14, completion_tokens=9, cached_tokens=4)


def test_usage_that_is_not_told_is_not_made_up() -> None:
    started = {"type": "message_start", "message": message(usage={})}

    chunks = _decode(started, *block(0, _TEXT, _says("a")), ended("end_turn"), _STOP)

    assert [chunk.usage for chunk in chunks] == [None, None]


def test_parallel_calls_have_numbers_of_their_own() -> None:
    completion = Completion(
        reasoning="Hm.",
        pieces=("I look.",),
        tools=(("toolu_1", "a", '{"x":1}'), ("toolu_2", "b", '{"y":2}')),
        finish_reason="tool_calls",
    )

    chunks = _decode(*events(completion))

    assert _calls(chunks) == [
        ToolCallDelta(index=0, id="toolu_1", name="a"),
        ToolCallDelta(index=0, arguments='{"x'),
        ToolCallDelta(index=0, arguments='":1}'),
        ToolCallDelta(index=1, id="toolu_2", name="b"),
        ToolCallDelta(index=1, arguments='{"y'),
        ToolCallDelta(index=1, arguments='":2}'),
    ]
    assert deltas_of(chunks)[-1].finish_reason == "tool_calls"


@pytest.mark.parametrize(("start", "arguments"), [({"input": {}}, "{}"), ({}, "{}"), ({"input": {"x": 1}}, '{"x":1}')])
def test_a_call_without_pieces_has_the_arguments_it_began_with(start: dict[str, Any], arguments: str) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "a", **start}

    for stopped in (block(0, call), block(0, call)[:-1]):
        assert [delta.arguments for delta in _calls(_decode(_START, *stopped, ended("tool_use"), _STOP))] == [
            "",
            arguments,
        ]


def test_thoughts_come_as_they_are_and_once_whole_with_the_end() -> None:
    redacted = {"type": "redacted_thinking", "data": "b3BhcXVl"}
    thinking = {"type": "thinking", "thinking": "", "signature": "", "x_new": [1.5]}
    deltas = [
        {"type": "thinking_delta", "thinking": "Hm"},
        {"type": "thinking_delta", "thinking": "."},
        {"type": "signature_delta", "signature": SIGNATURE},
    ]

    chunks = deltas_of(
        _decode(
            _START,
            *block(0, thinking, *deltas),
            *block(1, redacted),
            *block(2, _TEXT, _says("42")),
            ended("end_turn"),
            _STOP,
        )
    )

    assert [delta.reasoning for delta in chunks] == ["Hm", ".", None, None]
    assert [list(delta.extra) for delta in chunks] == [[], [], [], ["thinking_blocks"]]
    assert msgspec.json.decode(chunks[-1].extra["thinking_blocks"]) == [
        {"type": "thinking", "thinking": "Hm.", "signature": SIGNATURE, "x_new": [1.5]},
        redacted,
    ]


def test_a_piece_of_a_long_thought_does_not_copy_what_came_before() -> None:
    decoder, chunks = make_dialect().stream_decoder(ask()), list[ChatChunk]()
    megabyte = {"type": "thinking_delta", "thinking": "x" * 1_000_000}
    begun = block(0, {"type": "thinking", "thinking": "", "signature": ""}, megabyte)[:-1]
    decoder.feed(stream_of_events(_START, *begun), chunks)
    small = {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "word"}}

    tracemalloc.start()
    try:
        decoder.feed(named(small), chunks)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < 100_000


def test_thoughts_of_a_stream_are_found_again_by_the_call_they_led_to() -> None:
    dialect = make_dialect()
    calls = (("toolu_1", "a", '{"x":1}'), ("toolu_2", "b", "{}"))
    completion = Completion(reasoning="Hm.", tools=calls, finish_reason="tool_calls")
    request = ask(model=NEWEST_MODEL, owner="alice")
    decoded(dialect.stream_decoder(request), stream_of_events(*events(completion)))

    firsts = []
    for second in (calls[1], ("toolu_2", "b", '{"y":2}')):
        loop = (user("Look."), calling(calls[0], second), result("toolu_1", "42"), result("toolu_2", "43"))
        body = msgspec.json.decode(dialect.encode(ask(*loop, model=NEWEST_MODEL, owner="alice"), stream=True).body)
        firsts.append(body["messages"][1]["content"][0])

    assert firsts[0] == {"type": "thinking", "thinking": "Hm.", "signature": SIGNATURE}
    assert firsts[1]["type"] == "tool_use"


def test_an_answer_by_the_forced_tool_is_content() -> None:
    asked = ask(model=TOOL_MODEL, response_format=json_schema({"type": "object"}), tools=[function()])
    by_tool = Completion(tools=(("toolu_1", "json_answer", '{"city":"Bern"}'),), finish_reason="tool_calls")

    chunks = _decode(*events(by_tool), request=asked)
    assert text_of(chunks) == '{"city":"Bern"}'
    assert deltas_of(chunks)[-1] == ChoiceDelta(index=0, finish_reason="stop", native_finish_reason="tool_use")
    empty = Completion(tools=(("toolu_1", "json_answer", "{}"),), finish_reason="tool_calls")
    assert text_of(_decode(*events(empty), request=asked)) == "{}"


def test_a_tool_of_that_name_is_only_a_tool_when_no_schema_was_asked_for() -> None:
    called = Completion(tools=(("toolu_1", "json_answer", "{}"),), finish_reason="tool_calls")

    assert [call.name for call in _calls(_decode(*events(called))) if call.name] == ["json_answer"]


def test_unknown_events_blocks_and_deltas_are_skipped() -> None:
    chunks = _decode(
        {"type": "x_new_event", "index": "zero"},
        _START,
        *block(
            0,
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
            {"type": "input_json_delta", "partial_json": "{}"},
        ),
        *block(1, {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}),
        *block(2, _TEXT, _says("Found."), {"type": "citations_delta", "citation": {}}, {"type": "x_new_delta"}),
        ended("end_turn"),
        _STOP,
    )

    assert text_of(chunks) == "Found."
    assert _calls(chunks) == []


def test_a_paused_turn_is_a_stop_that_says_so() -> None:
    (*_, end) = deltas_of(_decode(_START, *block(0, _TEXT, _says("a")), ended("pause_turn"), _STOP))

    assert (end.finish_reason, end.native_finish_reason) == ("stop", "pause_turn")


def test_a_refusal_says_why_with_the_end() -> None:
    event = ended("refusal")
    event["delta"]["stop_details"] = {"type": "refusal", "category": "bio", "explanation": "Too dangerous."}

    (*_, end) = deltas_of(_decode(_START, *block(0, _TEXT, _says("a")), event, _STOP))

    assert (end.finish_reason, end.refusal) == ("content_filter", "Too dangerous.")


def test_without_message_stop_the_answer_is_cut_whatever_was_said() -> None:
    chunks, error = _broken(_START, *block(0, _TEXT, _says("a")), ended("end_turn"))

    assert type(error) is StreamCut
    assert [delta.finish_reason for delta in deltas_of(chunks)] == [None]


def test_without_a_reason_the_answer_is_cut() -> None:
    assert type(_broken(_START, *block(0, _TEXT, _says("a")), _STOP)[1]) is StreamCut


def test_an_unknown_reason_is_never_a_stop() -> None:
    chunks, error = _broken(_START, *block(0, _TEXT, _says("a")), ended("compaction"), _STOP)

    assert type(error) is UpstreamProtocolError
    assert [delta.finish_reason for delta in deltas_of(chunks)] == [None]


def test_an_end_before_any_content_is_not_a_cut_answer() -> None:
    for items in ((_START,), (_START, {"type": "ping"}), (_START, _STOP)):
        chunks, error = _broken(*items)
        assert chunks == []
        assert type(error) is UpstreamProtocolError


@pytest.mark.parametrize(
    ("kind", "expected"), [("overloaded_error", UpstreamUnavailable), ("rate_limit_error", RateLimited)]
)
def test_an_error_event_is_the_mapped_error_after_what_came(kind: str, expected: type[MemoryOSError]) -> None:
    before, error = _broken(_START, refusal(kind, "No."))
    assert before == []
    assert type(error) is expected

    after, error = _broken(_START, *block(0, _TEXT, _says("Hel")), refusal(kind, "No."))
    assert text_of(after) == "Hel"
    assert type(error) is expected


@pytest.mark.parametrize("data", [b"data: {broken\n\n", b"data: [1]\n\n", b'data: {"type": 7}\n\n', b"data: \xff\n\n"])
def test_what_is_not_the_dialect_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        make_dialect().stream_decoder(ask()).feed(data, [])
