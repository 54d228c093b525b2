"""Cutting long turns into chunks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.memory.chunks import CHUNK_CHARS, CHUNK_WORDS, MAX_CHUNKS, OVERLAP_WORDS, chunk_spans

WORDS = st.lists(st.text("ab\u8336 \n", min_size=1, max_size=300), max_size=60).map(" ".join)


@given(WORDS)
def test_chunks_cover_the_text_in_order_and_stay_small(text: str) -> None:
    spans = chunk_spans(text)
    covered = bytearray(len(text))
    for start, end in spans:
        assert 0 <= start <= end <= len(text)
        covered[start:end] = b"x" * (end - start)
    assert not any(not mark and not text[at].isspace() for at, mark in enumerate(covered))
    assert spans == sorted(set(spans))
    if len(spans) > 1:
        assert all(end - start <= CHUNK_CHARS and len(text[start:end].split()) <= CHUNK_WORDS for start, end in spans)


@pytest.mark.parametrize("text", ["", "tea", " ", "\u8336" * CHUNK_CHARS, " ".join(["tea"] * CHUNK_WORDS)])
def test_a_short_text_is_one_chunk(text: str) -> None:
    assert chunk_spans(text) == [(0, len(text))]


def test_a_long_blank_is_one_chunk() -> None:
    assert chunk_spans(" " * 5000) == [(0, 5000)]


def test_neighbours_share_words() -> None:
    text = " ".join(f"w{number}" for number in range(200))
    first, second, *_ = [text[start:end].split() for start, end in chunk_spans(text)]
    assert len(first) == CHUNK_WORDS
    assert first[-OVERLAP_WORDS:] == second[:OVERLAP_WORDS]


def test_chinese_without_spaces_is_cut_by_characters() -> None:
    spans = chunk_spans("\u8336" * 2000)
    assert spans == [(0, 800), (700, 1500), (1400, 2000)]


def test_of_a_very_long_text_the_last_chunk_holds_the_rest() -> None:
    text = "tea " * 100_000
    spans = chunk_spans(text)
    assert len(spans) == MAX_CHUNKS
    assert spans[-1][1] == len(text.rstrip())
    assert spans[-1][1] - spans[-1][0] > CHUNK_CHARS
