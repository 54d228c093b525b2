"""However the bytes of a stream are cut, the same lines come out, and none can grow without bound."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_adapters.ndjson import NdjsonParser
from memoryos_ports.errors import UpstreamProtocolError

_STREAMS = st.lists(st.sampled_from([b'{"a":1}', b"{}", b"", b" ", b"\n", b"\r\n", b"x" * 9]), max_size=20).map(
    b"".join
)


@given(stream=_STREAMS, cuts=st.sets(st.integers(min_value=0, max_value=100)))
def test_any_split_of_a_stream_gives_the_same_lines(stream: bytes, cuts: set[int]) -> None:
    parser = NdjsonParser(upstream="any")
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]

    lines = [line for start, end in itertools.pairwise(places) for line in parser.feed(stream[start:end])]

    *ended, rest = stream.split(b"\n")
    assert lines == [line for line in ended if line.strip()]
    assert parser.end() == rest.strip()


def test_a_line_without_end_cannot_eat_memory() -> None:
    parser = NdjsonParser(upstream="rude", max_line_bytes=100)

    with pytest.raises(UpstreamProtocolError):
        list(map(parser.feed, [b"x" * 10] * 11))


def test_the_bound_is_for_one_line_and_not_for_the_stream() -> None:
    parser = NdjsonParser(upstream="any", max_line_bytes=100)

    assert [parser.feed(b"\n" + b"x" * 90) for _ in range(50)] == [[]] + [[b"x" * 90]] * 49
