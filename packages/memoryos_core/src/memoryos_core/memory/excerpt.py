"""Quoting a part of a long turn: the passage that answers, and around it as much as there is room for."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from memoryos_ports.memory import Chunk, Page

MIN_EXCERPT_CHARS = 80
"""Less of a turn than this says nothing."""

_WORD_CHARS = 30

Span: TypeAlias = tuple[int, int]
"""Where a stretch of a text begins and ends."""


class Excerpt(Page, frozen=True, kw_only=True, tag="excerpt"):
    """A page of which `text` is only the stretch `span`, with an ellipsis where it is cut. It is quoted, never stored.

    It has the page's id, so that the same span of the page gives the same excerpt again.
    """

    span: Span


def excerpt(page: Page, span: Span) -> Excerpt:
    """Return the excerpt of a page."""
    start, end = span
    text = "".join(("… " if start > 0 else "", page.text[start:end], " …" if end < len(page.text) else ""))
    return Excerpt(**(msgspec.structs.asdict(page) | {"text": text, "span": span}))


def longest_excerpt(page: Page, chunk: Chunk, *, fits: Callable[[Page], bool], most: int) -> Excerpt | None:
    """Return as much of a page around (or, for want of room, within) a chunk as fits, at most about `most` characters.

    None when that is less than 80 characters.
    """
    middle = (chunk.start + chunk.end) // 2
    low, high = 0, most // 2 + 1  # half of its length; at least `low` fits
    while high - low > 1:
        half = (low + high) // 2
        low, high = (half, high) if fits(excerpt(page, _around(page.text, middle, half))) else (low, half)
    start, end = _between_words(page.text, _around(page.text, middle, low))
    return excerpt(page, (start, end)) if end - start >= MIN_EXCERPT_CHARS else None


def _around(text: str, middle: int, half: int) -> Span:
    """Return a stretch of about twice `half` characters: what one end of the text does not offer, the other does."""
    start = max(0, min(middle - half, len(text) - 2 * half))
    return start, min(len(text), start + 2 * half)


def _between_words(text: str, span: Span) -> Span:
    """Return a span without the parts of words at its ends, where a blank is near."""
    start, end = span
    if start > 0 and (blank := text.find(" ", start, min(start + _WORD_CHARS, end))) >= 0:
        start = blank + 1
    if end < len(text) and (blank := text.rfind(" ", max(end - _WORD_CHARS, start), end)) >= 0:
        end = blank
    return start, end
