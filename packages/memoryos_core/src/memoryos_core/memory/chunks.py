"""Cutting a long turn into overlapping stretches that an embedder can hold."""

import re
from itertools import islice

CHUNK_WORDS = 80
OVERLAP_WORDS = 15
CHUNK_CHARS = 800
OVERLAP_CHARS = 100
MAX_CHUNKS = 256

_MOST_WORDS = MAX_CHUNKS * (CHUNK_WORDS - OVERLAP_WORDS) + CHUNK_WORDS
"""What the words after these are is of no account: they are of the last chunk."""

_WORD = re.compile(r"\S+")


def chunk_spans(text: str) -> list[tuple[int, int]]:
    """Return (start, end) offsets of the chunks, in order; at least one, and together they cover the text.

    A chunk holds about 80 words with 15 of overlap (fitted on the open half of LoCoMo and BEAM), or 800 characters
    where words are long or, as in Chinese, not separated. A text of more than 256 chunks keeps the first 255 and one
    that holds the rest: its words stay findable, its meaning only as far as the embedder reads.
    """
    words = [match.span() for match in islice(_WORD.finditer(text), _MOST_WORDS)]
    if len(words) <= CHUNK_WORDS and len(text) <= CHUNK_CHARS:
        return [(0, len(text))]
    spans: list[tuple[int, int]] = []
    first = 0
    while first < len(words):
        last = min(first + CHUNK_WORDS, len(words)) - 1
        spans.extend(_slices(words[first][0], words[last][1]))
        if last == len(words) - 1:
            break
        first = last + 1 - OVERLAP_WORDS
    if len(spans) > MAX_CHUNKS:
        spans = [*spans[: MAX_CHUNKS - 1], (spans[MAX_CHUNKS - 1][0], len(text.rstrip()))]
    return spans or [(0, len(text))]


def _slices(start: int, end: int) -> list[tuple[int, int]]:
    step = CHUNK_CHARS - OVERLAP_CHARS
    if end - start <= CHUNK_CHARS:
        return [(start, end)]
    return [(at, min(at + CHUNK_CHARS, end)) for at in range(start, max(end - OVERLAP_CHARS, start + 1), step)]
