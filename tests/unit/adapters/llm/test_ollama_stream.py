"""Streams of Ollama: lines in, chunks out, and nothing but the last line ends normally."""

from typing import Any

import pytest

from memoryos_adapters.llm.ollama.errors import OllamaErrors
from memoryos_adapters.llm.ollama.stream import OllamaStreamDecoder
from memoryos_ports.errors import MemoryOSError, ModelNotFound, StreamCut, UpstreamProtocolError, UpstreamUnavailable
from memoryos_ports.llm import ChatChunk, Usage
from tests.contract.llm.requests import deltas_of, make_request, text_of
from tests.support.ollama_answers import last_line, line, ndjson


def new_decoder() -> OllamaStreamDecoder:
    """Return a decoder."""
    return OllamaStreamDecoder(make_request(model="asked-for"), errors=OllamaErrors(upstream="server", hidden=()))


def decode(*documents: dict[str, Any] | bytes, into: list[ChatChunk] | None = None) -> list[ChatChunk]:
    """Decode a whole stream of these lines."""
    decoder, out = new_decoder(), [] if into is None else into
    for piece in (*map(_bytes, documents), b""):
        if not decoder.complete:
            decoder.feed(piece, out)
    assert decoder.complete
    return out


def fails(*documents: dict[str, Any] | bytes) -> tuple[list[ChatChunk], MemoryOSError]:
    """Return the chunks of a stream that breaks, and its error."""
    out: list[ChatChunk] = []
    with pytest.raises(MemoryOSError) as caught:
        decode(*documents, into=out)
    return out, caught.value


def test_a_line_that_adds_nothing_commits_nothing() -> None:
    chunks = decode(line({"content": ""}), line({"content": "", "thinking": "Hm."}), last_line({"content": ""}))

    assert [delta.reasoning for delta in deltas_of(chunks)] == ["Hm.", None]
    assert deltas_of(chunks)[0].role == "assistant"


def test_an_empty_answer_is_an_end_and_its_usage() -> None:
    first, usage = decode(last_line({"content": ""}))

    (delta,) = first.deltas
    assert (delta.role, delta.content, delta.finish_reason) == ("assistant", None, "stop")
    assert usage.usage == Usage(prompt_tokens=7, completion_tokens=3)


def test_the_last_line_may_hold_text_and_need_not_be_ended() -> None:
    chunks = decode(ndjson(line({"content": "Hel"})) + ndjson(last_line({"content": "lo"})).rstrip())

    assert text_of(chunks) == "Hello"
    assert [delta.finish_reason for delta in deltas_of(chunks)] == [None, "stop"]


def test_calls_of_many_lines_are_counted_through() -> None:
    calls = [{"function": {"name": name, "arguments": {"x": 1}}} for name in "fgh"]
    chunks = decode(
        line({"content": "", "tool_calls": calls[:1]}),
        line({"content": "", "tool_calls": calls[1:]}),
        last_line({"content": ""}),
    )

    pieces = [piece for delta in deltas_of(chunks) for piece in delta.tool_calls]
    assert [(piece.index, piece.name, piece.arguments) for piece in pieces] == [
        (0, "f", '{"x":1}'),
        (1, "g", '{"x":1}'),
        (2, "h", '{"x":1}'),
    ]
    assert len({piece.id for piece in pieces}) == 3
    assert deltas_of(chunks)[-1].finish_reason == "tool_calls"


def test_an_id_that_an_earlier_line_used_is_not_used_again() -> None:
    call = {"id": "call_1", "function": {"name": "f", "arguments": {}}}
    once = line({"content": "", "tool_calls": [call]})

    ids = [piece.id for delta in deltas_of(decode(once, once, last_line({}))) for piece in delta.tool_calls]

    assert ids[0] == "call_1"
    assert len(set(ids)) == 2


def test_nothing_is_read_after_the_end() -> None:
    chunks = decode(ndjson(last_line({"content": "a"})) + b"{broken\n")

    assert text_of(chunks) == "a"


def test_a_stream_without_counts_ends_without_usage() -> None:
    last = last_line({"content": "a"})
    del last["eval_count"]

    assert [chunk.usage for chunk in decode(last)] == [None]


def test_a_stream_that_is_not_done_is_cut_after_what_came() -> None:
    chunks, error = fails(line({"content": "Hel"}), b'{"model":"m","mess')

    assert text_of(chunks) == "Hel"
    assert type(error) is StreamCut


@pytest.mark.parametrize("nothing", [b"", b"\n\n", b'{"model"', ndjson(line({"content": ""}))])
def test_an_end_before_the_first_text_is_not_a_cut_answer(nothing: bytes) -> None:
    chunks, error = fails(nothing)

    assert chunks == []
    assert type(error) is UpstreamProtocolError


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ({"error": "an error was encountered while running the model"}, UpstreamUnavailable),
        ({"error": "model 'm' not found, try pulling it first"}, ModelNotFound),
        ({"error": "down", "status": 503}, UpstreamUnavailable),
        (last_line({"content": ""}, done_reason=""), UpstreamProtocolError),
        (last_line({"content": ""}, done_reason="unload"), UpstreamUnavailable),
        (b"<html>\n", UpstreamProtocolError),
    ],
)
def test_a_stream_that_ends_badly_never_ends_with_stop(
    last: dict[str, Any] | bytes, expected: type[MemoryOSError]
) -> None:
    chunks, error = fails(line({"content": "Hel"}), last)

    assert text_of(chunks) == "Hel"
    assert [delta.finish_reason for delta in deltas_of(chunks)] == [None]
    assert type(error) is expected


def _bytes(document: dict[str, Any] | bytes) -> bytes:
    return document if isinstance(document, bytes) else ndjson(document)
