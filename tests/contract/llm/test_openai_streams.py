"""The decoder of OpenAI's dialect, split and cut at every byte of well-behaved streams and of odd ones (S2, S7-S16)."""

from typing import Any

import pytest

from memoryos_adapters.llm.dialect import StreamDecoder
from memoryos_adapters.llm.openai.stream import OpenAiStreamDecoder
from memoryos_adapters.llm.refusals import ErrorTable
from memoryos_ports.errors import StreamCut
from memoryos_ports.llm import ChatChunk, ToolCallDelta, Usage
from tests.contract.llm.decoders import MakeDecoder, StreamDecoderContract, Streams, decoded
from tests.contract.llm.requests import deltas_of, text_of
from tests.support.completion import Completion, sse
from tests.support.openai_answers import choice_delta, chunk, chunks

_DONE = b"data: [DONE]\n\n"
_TOOLS = (("call_1", "weather", '{"city":"Rome"}'), ("call_2", "time", "{}"))
_COUNTS = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
_USAGE = Usage(prompt_tokens=7, completion_tokens=3)


def said(completion: Completion, *, usage: bool = True, done: bytes = _DONE) -> tuple[bytes, bytes]:
    """Return a completion as OpenAI streams it, in two parts at its end."""
    events = list(map(sse, chunks(completion, model="m", include_usage=usage)))
    ends = len(events) - usage
    return b"".join(events[:ends]), b"".join(events[ends:]) + done


def odd(*choices: dict[str, Any] | None, rest: bytes = b"") -> tuple[bytes, bytes]:
    """Return a stream of these choices, the last of which says the end; None is a chunk without any."""
    events = [chunk() if choice is None else chunk(choice, model="m") for choice in choices]
    return b"".join(map(sse, events)), rest


def _call(index: int | None, name: str | None, arguments: Any, **fields: Any) -> dict[str, Any]:
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    return choice_delta({"role": "assistant", "tool_calls": [{"index": index, "function": function, **fields}]})


_FIRST = choice_delta({"role": "assistant", "content": "Hé"})
_LAST = choice_delta({}, "stop")
_STREAMS: Streams = {
    "text": said(Completion(pieces=("Hé", " 🍵", ""))),
    "parallel tools": said(Completion(tools=_TOOLS, finish_reason="tool_calls")),
    "reasoning": said(Completion(reasoning="2 + 2 …", pieces=("4",))),
    "no usage": said(Completion(pieces=("Hi",)), usage=False),
    "no [DONE]": said(Completion(pieces=("Hi",)), done=b""),
    "carriage returns and comments": (
        b": queued\r\n\r\n" + said(Completion(pieces=("Hi",)))[0].replace(b"\n", b"\r\n").removesuffix(b"\n"),
        b"\n: still here\r\rdata: [DONE]\r\r",  # a line has ended with the first byte of its CRLF
    ),
    "usage with the end": (sse(chunk(_FIRST)) + sse(chunk(_LAST, usage=_COUNTS)), _DONE),
    "usage with each chunk": (
        b"".join(sse(chunk(choice, usage=_COUNTS)) for choice in (_FIRST, _LAST)),
        sse(chunk(usage=_COUNTS)) + _DONE,
    ),
    "usage before the end": (sse(chunk(_FIRST)) + sse(chunk(usage=_COUNTS)) + sse(chunk(_LAST)), _DONE),
    "the role in each chunk": odd(_FIRST, _FIRST, _LAST, rest=_DONE),
    "the role in none": odd(choice_delta({"content": "a"}), _LAST),
    "no choices at first": odd(None, _FIRST, _LAST, rest=_DONE),
    "other words": odd(
        choice_delta({"role": "assistant", "reasoning": "hm"}), choice_delta({"content": "a"}, "eos"), rest=_DONE
    ),
    "thoughts in the content": odd(
        choice_delta({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}), _LAST
    ),
    "null indices": odd(
        _call(None, "f", '{"x"', id="call_1"),
        _call(None, None, ":1}"),
        choice_delta({}, "tool_call", index=None),
        rest=_DONE,
    ),
    "index 0 for all calls": odd(
        _call(0, "f", {"x": 1}, id="call_1"), _call(0, "g", "", id="call_2"), choice_delta({}, "tool_calls"), rest=_DONE
    ),
    "repeated heads of calls": odd(
        _call(1, "f", '{"x"', id="call_1", type="function"),
        _call(1, "f", ":1}", id="call_1", type="function"),
        choice_delta({}, "tool_calls"),
        rest=_DONE,
    ),
    "two choices": (
        sse(chunk(choice_delta({"role": "assistant", "content": "a"}), choice_delta({"content": "b"}, index=1)))
        + sse(chunk(choice_delta({}, "stop", index=1), choice_delta({"content": "c"})))
        + sse(chunk(_LAST)),
        _DONE,
    ),
}


@pytest.fixture
def new_decoder() -> MakeDecoder:
    """Makes decoders."""

    def new_decoder() -> StreamDecoder:
        return OpenAiStreamDecoder(model="asked-for", errors=ErrorTable(upstream="server", hidden=()))

    return new_decoder


def read(name: str, new_decoder: MakeDecoder) -> list[ChatChunk]:
    """Return the chunks of one of the streams."""
    return decoded(new_decoder(), b"".join(_STREAMS[name]))


class TestOpenAiStreamDecoder(StreamDecoderContract):
    """`OpenAiStreamDecoder` on streams of every kind."""

    @pytest.fixture
    def streams(self) -> Streams:
        """All of them but one of two choices, whose first may end before its second is cut."""
        return {name: stream for name, stream in _STREAMS.items() if name != "two choices"}


@pytest.mark.parametrize("name", _STREAMS)
def test_the_wire_does_not_depend_on_the_pieces_either(name: str, new_decoder: MakeDecoder) -> None:
    body = b"".join(_STREAMS[name])
    whole, split = read(name, new_decoder), decoded(new_decoder(), *(body[i : i + 7] for i in range(0, len(body), 7)))

    assert [part.wire for part in split] == [part.wire for part in whole]
    assert all(part.wire for part in whole)


@pytest.mark.parametrize("name", _STREAMS)
def test_each_choice_has_one_role_and_one_end(name: str, new_decoder: MakeDecoder) -> None:
    out = read(name, new_decoder)

    for index in {delta.index for part in out for delta in part.deltas}:
        deltas = deltas_of(out, index=index)
        assert [delta.role for delta in deltas] == ["assistant"] + [None] * (len(deltas) - 1)
        assert [bool(delta.finish_reason) for delta in deltas] == [False] * (len(deltas) - 1) + [True]
    assert len({(part.id, part.created, part.model) for part in out}) == 1


@pytest.mark.parametrize("name", ["usage with the end", "usage with each chunk", "usage before the end"])
def test_usage_comes_once_last_and_alone_wherever_it_was(name: str, new_decoder: MakeDecoder) -> None:
    out = read(name, new_decoder)

    assert [part.usage for part in out] == [None] * (len(out) - 1) + [_USAGE]
    assert out[-1].deltas == ()


def test_parallel_calls_keep_their_own_index(new_decoder: MakeDecoder) -> None:
    pieces = [piece for delta in deltas_of(read("parallel tools", new_decoder)) for piece in delta.tool_calls]

    assert [(piece.index, piece.id, piece.name) for piece in pieces if piece.id] == [
        (0, "call_1", "weather"),
        (1, "call_2", "time"),
    ]
    for index, (_, _, arguments) in enumerate(_TOOLS):
        assert "".join(piece.arguments for piece in pieces if piece.index == index) == arguments


def test_calls_that_share_an_index_are_two(new_decoder: MakeDecoder) -> None:
    pieces = [p for delta in deltas_of(read("index 0 for all calls", new_decoder)) for p in delta.tool_calls]

    assert pieces == [
        ToolCallDelta(index=0, id="call_1", name="f", arguments='{"x":1}'),
        ToolCallDelta(index=1, id="call_2", name="g"),
        ToolCallDelta(index=1, arguments="{}"),
    ]


@pytest.mark.parametrize("name", ["reasoning", "other words", "thoughts in the content"])
def test_thoughts_are_never_in_the_content(name: str, new_decoder: MakeDecoder) -> None:
    out = read(name, new_decoder)

    assert any(delta.reasoning for delta in deltas_of(out))
    assert text_of(out) in ("4", "a", "")


def test_two_choices_come_in_turns(new_decoder: MakeDecoder) -> None:
    out = read("two choices", new_decoder)

    assert (text_of(out, index=0), text_of(out, index=1)) == ("ac", "b")


def test_a_second_choice_without_its_end_is_a_cut(new_decoder: MakeDecoder) -> None:
    head, _ = _STREAMS["two choices"]

    with pytest.raises(StreamCut):
        decoded(new_decoder(), head.removesuffix(sse(chunk(_LAST))))


def test_chunks_without_choices_are_left_out(new_decoder: MakeDecoder) -> None:
    assert all(part.deltas for part in read("no choices at first", new_decoder))
