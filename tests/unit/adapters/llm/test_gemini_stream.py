"""Streams of Gemini: nothing but a whole answer ends normally, and nothing is said before there is something to say."""

from typing import Any

import msgspec
import pytest

from memoryos_ports.errors import (
    MemoryOSError,
    RateLimited,
    StreamCut,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from memoryos_ports.llm import ChatChunk, ToolCallDelta, Usage
from tests.contract.llm.requests import deltas_of, text_of
from tests.support.gemini_answers import (
    ANSWER_ID,
    SIGNATURE,
    answer,
    call,
    candidate,
    failure,
    indented,
    retry_info,
    sse,
)
from tests.support.gemini_requests import asking, make_dialect

STOP = answer(candidate(end="STOP"))


def decode(*pieces: bytes) -> list[ChatChunk]:
    """Decode a whole stream whose bytes came in these pieces."""
    chunks: list[ChatChunk] = []
    decoder = make_dialect().stream_decoder(asking())
    for piece in (*pieces, b""):
        decoder.feed(piece, chunks)
    assert decoder.complete
    return chunks


def decode_events(*events: Any) -> list[ChatChunk]:
    """Decode a stream of these events."""
    return decode(*map(sse, events))


def broken(*pieces: bytes) -> tuple[list[ChatChunk], MemoryOSError]:
    """Return the chunks of a stream that fails, and its error."""
    chunks: list[ChatChunk] = []
    decoder = make_dialect().stream_decoder(asking())
    try:
        for piece in (*pieces, b""):
            decoder.feed(piece, chunks)
    except MemoryOSError as error:
        assert not decoder.complete
        return chunks, error
    pytest.fail("the stream ended as if it were complete")


def texts(*values: str, **fields: Any) -> dict[str, Any]:
    """Return an event with these texts."""
    return answer(candidate(*({"text": value} for value in values), **fields))


def test_a_stream_says_role_text_end_and_usage_in_this_order() -> None:
    chunks = decode_events(texts("a", "b"), texts("c"), STOP)

    deltas = deltas_of(chunks)
    assert [delta.role for delta in deltas] == ["assistant", None, None]
    assert [delta.content for delta in deltas] == ["ab", "c", None]
    assert [delta.finish_reason for delta in deltas] == [None, None, "stop"]
    assert {chunk.id for chunk in chunks} == {ANSWER_ID}
    assert [chunk.usage is not None for chunk in chunks] == [False, False, False, True]


def test_events_that_say_nothing_begin_no_answer() -> None:
    chunks: list[ChatChunk] = []
    decoder = make_dialect().stream_decoder(asking())

    for event in ({"usageMetadata": {"promptTokenCount": 1}}, texts(""), answer(candidate()), STOP):
        decoder.feed(sse(event), chunks)

    assert chunks == []
    decoder.feed(b"", chunks)
    assert [delta.role for delta in deltas_of(chunks)] == ["assistant"]


def test_ge5_a_signature_alone_comes_with_the_end() -> None:
    signed = answer(candidate({"text": "", "thoughtSignature": SIGNATURE}, end="STOP"))

    deltas = deltas_of(decode_events(texts("42"), signed))

    assert [delta.extra.keys() for delta in deltas] == [set(), {"extra_content"}]
    assert msgspec.json.decode(deltas[-1].extra["extra_content"]) == {"google": {"thought_signature": SIGNATURE}}


def test_ge5_calls_are_numbered_over_all_events_and_signed_once() -> None:
    first = answer(candidate(call("f", {"a": 1}, call_id="x", signature=SIGNATURE), call("g", call_id="y")))
    second = answer(candidate(call("h", call_id="z"), end="STOP"))

    deltas = deltas_of(decode_events(texts("Let me see."), first, second))

    pieces = [piece for delta in deltas for piece in delta.tool_calls]
    assert [msgspec.structs.replace(piece, extra_content=None) for piece in pieces] == [
        ToolCallDelta(index=0, id="x", name="f", arguments='{"a":1}'),
        ToolCallDelta(index=1, id="y", name="g", arguments="{}"),
        ToolCallDelta(index=2, id="z", name="h", arguments="{}"),
    ]
    assert [piece.extra_content is not None for piece in pieces] == [True, False, False]
    assert (deltas[-1].finish_reason, deltas[-1].native_finish_reason) == ("tool_calls", "STOP")


def test_ge6_thoughts_are_reasoning() -> None:
    deltas = deltas_of(decode_events(answer(candidate({"text": "Hm.", "thought": True})), texts("42"), STOP))

    assert [(delta.reasoning, delta.content) for delta in deltas] == [("Hm.", None), (None, "42"), (None, None)]


def test_ge7_a_stop_in_every_event_is_told_once_and_at_the_end() -> None:
    deltas = deltas_of(
        decode_events(answer(candidate(end="STOP")), texts("a", end="STOP"), texts("b", end="MAX_TOKENS"))
    )

    assert [delta.content for delta in deltas] == ["a", "b", None]
    assert [delta.finish_reason for delta in deltas] == [None, None, "length"]


@pytest.mark.parametrize(
    ("native", "expected"), [("MALFORMED_FUNCTION_CALL", UpstreamUnavailable), ("NEW", UpstreamProtocolError)]
)
def test_ge7_a_failure_ends_the_stream_as_an_error(native: str, expected: type[MemoryOSError]) -> None:
    chunks, error = broken(sse(texts("a")), sse(answer(candidate(end=native))))

    assert text_of(chunks) == "a"
    assert type(error) is expected


def test_ge8_a_blocked_prompt_answers_nothing() -> None:
    chunks, error = broken(sse({"promptFeedback": {"blockReason": "SAFETY"}}))

    assert chunks == []
    assert isinstance(error, UpstreamRejected)
    assert error.code == "content_filter"


def test_ge9_usage_is_cumulative_and_its_last_figure_counts() -> None:
    counts: list[dict[str, Any]] = [
        {"promptTokenCount": 5, "candidatesTokenCount": 1},
        {"promptTokenCount": 5, "candidatesTokenCount": 3, "thoughtsTokenCount": 2},
        {},
    ]

    chunks = decode_events(*({**texts("a"), "usageMetadata": each} for each in counts), {**STOP, "usageMetadata": None})

    assert chunks[-1].usage == Usage(prompt_tokens=5, completion_tokens=5, reasoning_tokens=2)
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)


def test_a_stream_without_counts_has_no_usage() -> None:
    chunks = decode_events({"candidates": [candidate({"text": "a"}, end="STOP")]})

    assert [chunk.usage for chunk in chunks] == [None, None]


@pytest.mark.parametrize("late", [failure(429, "RESOURCE_EXHAUSTED", "Slow.", retry_info("1.5s")), None])
def test_ge10_an_error_is_found_however_it_is_written(late: Any) -> None:
    error = late or failure(0, "RESOURCE_EXHAUSTED", "Slow.", retry_info("1.5s"))
    event = sse(texts("a"))
    for pieces in (
        (event, sse(error)),
        (event, sse([error])),
        (event, indented(error)),
        (event + indented([error]),),
        (event, *(indented(error)[at : at + 1] for at in range(len(indented(error))))),
    ):
        chunks, raised = broken(*pieces)

        assert text_of(chunks) == "a"
        assert isinstance(raised, RateLimited)
        assert raised.retry_after_s == 1.5


@pytest.mark.parametrize("after", [b"", b": wait\r\n\r\n"])
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
def test_ge10_a_late_error_is_found_wherever_the_bytes_are_cut(line_end: bytes, after: bytes) -> None:
    error = msgspec.json.format(indented(failure(503, "UNAVAILABLE")), indent=2)
    body = (sse(texts("a", end="STOP")) + after + error + b"\r\n\r\n").replace(b"\r\n", b"\n").replace(b"\n", line_end)
    error_at = len(body) - len(body.partition(b'"error"')[2])

    for first in range(1, error_at):
        for pieces in ((body[:first], body[first:]), (body[:first], body[first : first + 1], body[first + 1 :])):
            chunks, raised = broken(*pieces)

            assert text_of(chunks) == "a"
            assert not any(delta.finish_reason for delta in deltas_of(chunks))
            assert isinstance(raised, UpstreamUnavailable)
            assert raised.status == 503


def test_a_late_error_is_found_after_an_event_that_is_larger_than_what_is_looked_at() -> None:
    large = sse(texts("a" * 200_000, end="STOP"))
    reads = [large[at : at + 1000] for at in range(0, len(large), 1000)]

    chunks, raised = broken(*reads, indented(failure(503, "UNAVAILABLE")))

    assert len(text_of(chunks)) == 200_000
    assert isinstance(raised, UpstreamUnavailable)


def test_json_in_the_data_of_an_event_is_no_bare_error_wherever_the_bytes_are_cut() -> None:
    body = sse(texts("a", end="STOP"))

    for first in range(1, len(body)):
        assert text_of(decode(body[:first], body[first:])) == "a"


def test_an_end_before_anything_was_said_is_no_cut_answer() -> None:
    for pieces in ((), (b": wait\n\n",), (sse(answer(candidate())),), (b"<html></html>",)):
        chunks, error = broken(*pieces)

        assert chunks == []
        assert type(error) is UpstreamProtocolError


def test_each_candidate_has_to_end() -> None:
    both = sse(answer(candidate({"text": "a"}), candidate({"text": "b"}, index=1)))

    chunks, error = broken(both, sse(STOP))
    whole = decode(both, sse(STOP), sse(answer(candidate(end="MAX_TOKENS", index=1))))

    assert type(error) is StreamCut
    assert not any(delta.finish_reason for chunk in chunks for delta in chunk.deltas)
    assert [text_of(whole, index=index) for index in (0, 1)] == ["a", "b"]
    assert [deltas_of(whole, index=index)[-1].finish_reason for index in (0, 1)] == ["stop", "length"]
    assert [deltas_of(whole, index=index)[0].role for index in (0, 1)] == ["assistant", "assistant"]


def test_garbage_after_what_came_is_an_error() -> None:
    chunks, error = broken(sse(texts("a")) + b"data: {broken\n\n")

    assert text_of(chunks) == "a"
    assert type(error) is UpstreamProtocolError


def test_sources_come_once_and_whole_with_the_end() -> None:
    found = [{"groundingMetadata": {"webSearchQueries": [word]}} for word in ("tea", "green tea")]

    deltas = deltas_of(decode_events(texts("a", **found[0]), texts("b", **found[1]), STOP))

    assert [dict(delta.extra) for delta in deltas[:-1]] == [{}, {}]
    assert msgspec.json.decode(deltas[-1].extra["grounding_metadata"]) == {"webSearchQueries": ["green tea"]}
