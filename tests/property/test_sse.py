"""However the bytes of a stream are cut, the same events come out; the rules are those of the WHATWG standard."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_adapters.sse import SseParser
from memoryos_ports.errors import UpstreamProtocolError

_LINES = st.sampled_from(
    [
        b"data: one",
        b"data:two",
        b"data",
        b"data:",
        b"data:  spaced",
        b": comment",
        b"event: x",
        b"id: 1",
        b"",
        b"",
        b"datum: no",
    ]
) | st.binary(max_size=8).map(lambda text: b"data: " + text)
_LINE_ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
_STREAMS = st.tuples(
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(st.tuples(_LINES, _LINE_ENDS).map(b"".join), max_size=12).map(b"".join),
).map(b"".join)


def reference(stream: bytes) -> list[bytes]:
    """The standard's algorithm, line by line, on the whole stream."""
    events: list[bytes] = []
    data: list[bytes] = []
    for line in re.split(rb"\r\n|\r|\n", stream.removeprefix(b"\xef\xbb\xbf"))[:-1]:
        field, _, value = line.partition(b":")
        if not line and data:
            events.append(b"\n".join(data))
            data = []
        elif field == b"data":
            data.append(value.removeprefix(b" "))
    return events


@given(stream=_STREAMS, cuts=st.sets(st.integers(min_value=0, max_value=200)))
def test_any_split_of_a_stream_gives_the_same_events(stream: bytes, cuts: set[int]) -> None:
    parser = SseParser(upstream="any")
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(places)]

    events = [event for piece in pieces for event in parser.feed(piece)]

    assert events == reference(stream)


@given(stream=_STREAMS)
def test_byte_by_byte_gives_the_same_events(stream: bytes) -> None:
    parser = SseParser(upstream="any")

    assert [event for byte in stream for event in parser.feed(bytes([byte]))] == reference(stream)


@pytest.mark.parametrize("piece", [b"x" * 10, b"data: xxxx\n", b": comment without end"])
def test_an_event_without_end_cannot_eat_memory(piece: bytes) -> None:
    parser = SseParser(upstream="rude", max_event_bytes=100)

    with pytest.raises(UpstreamProtocolError):
        list(map(parser.feed, [piece] * 100))


def test_the_bound_is_for_one_event_and_not_for_the_stream() -> None:
    parser = SseParser(upstream="any", max_event_bytes=100)

    assert [parser.feed(b"data: " + b"x" * 50 + b"\n\n") for _ in range(50)] == [[b"x" * 50]] * 50


def test_a_line_that_came_in_pieces_counts_once() -> None:
    parser = SseParser(upstream="any", max_event_bytes=100)

    events = [parser.feed(piece) for piece in [b"data: " + b"x" * 30, b"x" * 10 + b"\n"] * 2 + [b"\n"]]

    assert events[-1] == [b"\n".join([b"x" * 40] * 2)]


def test_an_event_that_its_empty_line_did_not_end_was_not_received() -> None:
    parser = SseParser(upstream="any")

    assert parser.feed(b"data: [DONE]\n") == []
    assert parser.feed(b"\n") == [b"[DONE]"]
