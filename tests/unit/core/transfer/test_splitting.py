"""Lines out of bytes, however they are cut, with their numbers and within their bound."""

import itertools
from collections.abc import AsyncIterator, Iterable

from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.transfer.splitting import split_lines


async def chunks(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def split(*pieces: bytes, max_bytes: int = 100) -> list[tuple[int, bytes | None]]:
    return [line async for line in split_lines(chunks(pieces), max_bytes=max_bytes)]


async def test_lines_are_counted_and_blank_ones_left_out() -> None:
    assert await split(b"a\n\n b\r\n", b"c") == [(1, b"a"), (3, b" b\r"), (4, b"c")]


async def test_a_line_that_is_too_long_is_told_and_the_next_one_is_read() -> None:
    assert await split(b"aaaa", b"a\nbb\n", b"c" * 5, max_bytes=4) == [(1, None), (2, b"bb"), (3, None)]


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5))
async def test_any_cut_gives_the_same_lines(data: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:end] for start, end in itertools.pairwise(places)]
    assert await split(*pieces, max_bytes=10) == await split(data, max_bytes=10)
