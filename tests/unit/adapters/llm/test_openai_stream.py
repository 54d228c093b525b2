"""Streams of OpenAI-compatible servers: quirks are mended, and nothing but a whole answer ends normally."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_ports.errors import (
    MemoryOSError,
    RateLimited,
    StreamCut,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamUnavailable,
)
from memoryos_ports.llm import Usage
from tests.contract.llm.requests import deltas_of, text_of
from tests.support.completion import Completion, sse
from tests.support.openai_answers import choice_delta, chunk, chunks
from tests.unit.adapters.llm.agreement import wire_of
from tests.unit.adapters.llm.streams import DONE, decode, decode_events, first, more

_USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def test_a_stream_of_the_dialect_keeps_its_bytes() -> None:
    events = chunks(
        Completion(pieces=("a", "b"), tools=(("call_1", "f", '{"x":1}'), ("call_2", "g", "{}"))),
        model="m",
        include_usage=True,
    )

    assert [out.wire for out in decode_events(*events)] == [msgspec.json.encode(event) for event in events]


@given(data=st.data())
def test_any_split_gives_the_same_chunks(data: st.DataObject) -> None:
    stream = b"".join(map(sse, chunks(Completion(pieces=("Hé", "🍵")), model="m", include_usage=True))) + DONE
    cut = data.draw(st.integers(min_value=0, max_value=len(stream)))

    assert decode(stream[:cut], stream[cut:]) == decode(stream)


def test_a_stream_cut_at_any_byte_before_its_end_never_ends_normally() -> None:
    events = [sse(event) for event in chunks(Completion(pieces=("a", "b")), model="m", include_usage=True)]
    stream = b"".join(events)
    finished_at = len(b"".join(events[:-1]))  # the last event is usage, the one before says `stop`

    for cut in range(finished_at):
        with pytest.raises((StreamCut, UpstreamProtocolError)):
            decode(stream[:cut])
    assert deltas_of(decode(stream[:finished_at]))[-1].finish_reason == "stop"


def test_an_end_before_the_first_event_is_not_a_cut_answer() -> None:
    for stream in (b"", b": queued\n\n", DONE, sse(chunk())):
        with pytest.raises(UpstreamProtocolError):
            decode(stream)


def test_done_without_a_finish_reason_is_a_cut() -> None:
    with pytest.raises(StreamCut):
        decode_events(first(content="Hi"), done=True)


def test_a_missing_done_is_forgiven_when_every_choice_has_ended() -> None:
    events = [first(content="a"), chunk(choice_delta({"role": "assistant", "content": "b"}, index=1)), more("stop")]

    with pytest.raises(StreamCut):
        decode_events(*events, done=False)
    ended = decode_events(*events, chunk(choice_delta({}, "stop", index=1)), done=False)
    assert (text_of(ended, index=0), text_of(ended, index=1)) == ("a", "b")


def test_nothing_after_done_is_read() -> None:
    assert text_of(decode(sse(first(content="Hi")) + sse(more("stop")) + DONE + b"data: {broken\n\n")) == "Hi"


def test_first_chunks_without_choices_are_not_passed_on() -> None:
    azure = chunk(id="", model="", created=0, prompt_filter_results=[{"prompt_index": 0}])

    out = decode_events(azure, first(content="Hi"), more("stop"))

    assert [delta.content for delta in deltas_of(out)] == ["Hi", None]
    assert {item.id for item in out} == {"chatcmpl-fake"}
    assert out[0].wire is not None


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_thoughts_come_under_either_name(name: str) -> None:
    out = decode_events(first(), more(**{name: "hm"}), more("stop"))

    assert deltas_of(out)[1].reasoning == "hm"
    assert wire_of(out[1])["choices"][0]["delta"] == {name: "hm", "reasoning_content": "hm"}


def test_thoughts_within_the_content_are_taken_out_of_it() -> None:
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]

    out = decode_events(
        first(content=""), more(content=thinking), more(content=[{"type": "text", "text": "4"}]), more("stop")
    )

    assert [(delta.reasoning, delta.content) for delta in deltas_of(out)] == [
        (None, ""),
        ("hm", ""),
        (None, "4"),
        (None, None),
    ]
    assert all(map(wire_of, out))


def test_a_repeated_role_is_said_once() -> None:
    out = decode_events(first(content="a"), first(content="b"), more("stop"))

    assert [delta.role for delta in deltas_of(out)] == ["assistant", None, None]
    assert [wire_of(item)["choices"][0]["delta"].get("role") for item in out] == ["assistant", None, None]


def test_a_missing_role_is_added() -> None:
    out = decode_events(more(content="a"), more("stop"))

    assert deltas_of(out)[0].role == "assistant"
    assert wire_of(out[0])["choices"][0]["delta"] == {"role": "assistant", "content": "a"}


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("eos", "stop"),
        ("eos_token", "stop"),
        ("tool_call", "tool_calls"),
        ("max_tokens", "length"),
        ("model_length", "length"),
    ],
)
def test_other_spellings_of_an_end_are_understood(native: str, expected: str) -> None:
    out = decode_events(first(content="a"), more(native))

    assert (deltas_of(out)[-1].finish_reason, deltas_of(out)[-1].native_finish_reason) == (expected, native)
    assert wire_of(out[-1])


def test_an_empty_finish_reason_is_none_yet() -> None:
    assert [delta.finish_reason for delta in deltas_of(decode_events(first(), more(""), more("stop")))] == [
        None,
        None,
        "stop",
    ]


def test_an_unknown_end_is_never_a_stop() -> None:
    with pytest.raises(UpstreamProtocolError):
        decode_events(first(content="a"), more("because"))


@pytest.mark.parametrize("native", ["error", "abort", "insufficient_system_resource"])
def test_an_end_by_failure_is_a_failure(native: str) -> None:
    with pytest.raises(UpstreamUnavailable):
        decode_events(first(content="a"), more(native))


def test_a_repeated_end_is_left_out() -> None:
    out = decode_events(first(content="a"), more("stop"), more("stop", content=""), more("stop"))

    assert [delta.finish_reason for delta in deltas_of(out)] == [None, "stop"]


def test_what_comes_after_an_end_has_no_end() -> None:
    out = decode_events(first(content="a"), more("eos"), more("eos", content="b"))

    assert [(d.finish_reason, d.native_finish_reason) for d in deltas_of(out)] == [
        (None, None),
        ("stop", "eos"),
        (None, None),
    ]
    assert text_of(out) == "ab"
    assert all(map(wire_of, out))


def test_only_the_last_usage_is_kept_and_comes_last() -> None:
    early = {**_USAGE, "completion_tokens": 1, "total_tokens": 6}
    out = decode_events(
        {**first(content="a"), "usage": early}, {**more("stop"), "usage": _USAGE}, chunk(choice_delta({}), usage=None)
    )

    assert [item.usage for item in out] == [None, None, Usage(prompt_tokens=5, completion_tokens=2)]
    assert [item.deltas == () for item in out] == [False, False, True]
    assert [wire_of(item)["usage"] for item in out] == [None, None, _USAGE]


def test_a_chunk_of_usage_alone_keeps_its_bytes() -> None:
    event = chunk(usage=_USAGE)

    out = decode_events(first(content="a"), event, more("stop"))

    assert out[-1].usage == Usage(prompt_tokens=5, completion_tokens=2)
    assert out[-1].wire == msgspec.json.encode(event)


def test_a_missing_head_is_made_up_once() -> None:
    out = decode(
        b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n', b'data: {"choices":[{"finish_reason":"stop"}]}\n\n'
    )

    heads = {(item.id, item.created, item.model) for item in out}
    ((answer_id, created, model),) = heads
    assert answer_id.startswith("chatcmpl-")
    assert created > 0
    assert model == "asked-for"
    assert all(map(wire_of, out))


def test_a_head_that_changes_is_kept_as_it_began() -> None:
    out = decode_events(first(content="a"), {**more("stop"), "id": "other"})

    assert [wire_of(item)["id"] for item in out] == ["chatcmpl-fake", "chatcmpl-fake"]


def test_choices_that_come_in_turns_are_told_apart_by_their_index() -> None:
    def both(finish_reason: str | None = None, **delta: str) -> dict[str, Any]:
        return chunk(*(choice_delta(delta, finish_reason, index=index) for index in (1, 0)))

    out = decode_events(both(role="assistant", content="a"), first(content="b"), both("stop"), both("stop"))

    assert [[delta.index for delta in item.deltas] for item in out] == [[1, 0], [0], [1, 0]]
    assert (text_of(out, index=0), text_of(out, index=1)) == ("ab", "a")
    assert all(map(wire_of, out))


def test_a_choice_that_adds_nothing_is_left_out_of_a_chunk_of_two() -> None:
    out = decode_events(
        first(content="a"),
        chunk(choice_delta({"role": "assistant", "content": "b"}, index=1)),
        more("stop"),
        chunk(choice_delta({}, "stop", index=0), {**choice_delta({"content": "c"}, "length", index=1), "x_choice": 1}),
    )

    assert [delta.index for delta in out[-1].deltas] == [1]
    assert [(choice["index"], choice["x_choice"]) for choice in wire_of(out[-1])["choices"]] == [(1, 1)]


def test_an_event_of_several_lines_is_passed_on_as_one() -> None:
    lines = msgspec.json.format(msgspec.json.encode(first(content="a")), indent=1).split(b"\n")
    out = decode(b"".join(b"data: " + line + b"\n" for line in lines) + b"\n", sse(more("stop")))

    assert out[0].wire is not None
    assert b"\n" not in out[0].wire
    assert msgspec.json.decode(out[0].wire) == first(content="a")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("it broke", UpstreamUnavailable),
        ({"message": "slow down", "code": 429}, RateLimited),
        ({"message": "slow down", "type": "rate_limit_error"}, RateLimited),
        ({"message": "?", "code": None}, UpstreamUnavailable),
    ],
)
def test_an_error_in_a_stream_is_raised(error: object, expected: type[MemoryOSError]) -> None:
    with pytest.raises(expected):
        decode_events(first(content="a"), {"error": error})


@pytest.mark.parametrize("error", [None, "", {}, False])
def test_a_falsy_error_is_none(error: object) -> None:
    assert text_of(decode_events({**first(content="a"), "error": error}, more("stop"))) == "a"


@pytest.mark.parametrize(
    "event",
    [b"{broken", b"[]", b'"text"', b'{"x":"\xff"}', b'{"choices":[{"delta":{"content":1}}]}', b'{"x":' + b"[" * 9999],
)
def test_garbage_is_a_protocol_error_with_its_cause(event: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        decode(b"data: " + event + b"\n\n")

    assert type(caught.value) is UpstreamProtocolError
    assert caught.value.__cause__ is not None


def test_usage_beside_no_list_of_choices_has_one_for_the_client() -> None:
    out = decode_events(first(content="a"), more("stop"), {**chunk(usage=_USAGE), "choices": None})

    assert wire_of(out[-1]) == chunk(usage=_USAGE)


def test_usage_below_nothing_is_not_reported() -> None:
    negative = {"prompt_tokens": -1, "completion_tokens": -1, "total_tokens": -2}

    out = decode_events(first(content="a"), {**more("stop"), "usage": negative}, chunk(usage=negative))

    assert [item.usage for item in out] == [None, None]
    assert wire_of(out[-1])["usage"] is None
