"""The passage of a turn that answers: its best chunk, or, without a vector, where the words of the question meet."""

import math
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from memoryos_core.extraction.words import content_words
from memoryos_ports.memory import Candidate, Chunk

PASSAGE_CHARS = 800
"""How much text a passage holds: as much as a chunk."""

_COVERED_CHARS = 65_000  # of a longer text some chunks may have no vector of their own
_OCCURRENCES = 500  # of one word that are looked at: what is everywhere tells no place

Match: TypeAlias = tuple[int, int, str]
"""Where a word begins and ends in a text, and which it is."""


def asked_words(question: str) -> frozenset[str]:
    """Return the words of a question that a passage is looked for by: folded, CJK as character bigrams."""
    return frozenset(content_words(question))


def best_passage(words: frozenset[str], candidate: Candidate) -> Chunk:
    """Return the best chunk, unless it was not chosen by a vector of its own: then the passage that holds most words.

    That is so for what has no vector, for what is not indexed yet, and for a text too long to have one everywhere.
    """
    text, chunk = candidate.page.text, candidate.chunk
    is_short = chunk.end - chunk.start <= PASSAGE_CHARS
    if is_short and (len(text) <= PASSAGE_CHARS or (candidate.cosine is not None and len(text) <= _COVERED_CHARS)):
        return chunk
    matches = _matches(text, words)
    start, end = _densest(matches)
    chosen = [match for match in matches if chunk.start <= match[0] and match[1] <= chunk.end]
    if is_short and candidate.cosine is not None and _worth(chosen, matches) >= _worth(matches[start:end], matches):
        return chunk
    if start == end:
        return msgspec.structs.replace(chunk, end=min(chunk.end, chunk.start + PASSAGE_CHARS), vector=None)
    first, last = _widened(text, matches[start][0], matches[end - 1][1])
    return Chunk(number=chunk.number, start=first, end=last)


def _matches(text: str, words: frozenset[str]) -> list[Match]:
    """Return where the words, or longer ones that begin with them, stand in a text, in order."""
    folded = text.lower()
    if len(folded) != len(text):  # a few letters have no lower case of one character
        folded = text
    return sorted(match for word in words for match in _occurrences(folded, word))


def _occurrences(text: str, word: str) -> list[Match]:
    found: list[Match] = []
    at = text.find(word)
    while at >= 0 and len(found) < _OCCURRENCES:
        if at == 0 or not word[0].isascii() or not text[at - 1].isalnum():
            found.append((at, at + len(word), word))
        at = text.find(word, at + len(word))
    return found


def _densest(matches: Sequence[Match]) -> tuple[int, int]:
    """Return which of the matches, first and past the last, lie within one passage and are worth most; (0, 0): none."""
    weights = _weights(matches)
    held: dict[str, int] = {}
    best, span, start, worth = 0.0, (0, 0), 0, 0.0
    for at, (_, end, word) in enumerate(matches):
        held[word] = held.get(word, 0) + 1
        worth += weights[word] if held[word] == 1 else 0.0
        while end - matches[start][0] > PASSAGE_CHARS:
            gone = matches[start][2]
            held[gone] -= 1
            worth -= weights[gone] if held[gone] == 0 else 0.0
            start += 1
        if worth > best + 1e-9:
            best, span = worth, (start, at + 1)
    return span


def _worth(chosen: Sequence[Match], matches: Sequence[Match]) -> float:
    weights = _weights(matches)
    return sum(weights[word] for word in {match[2] for match in chosen})


def _weights(matches: Sequence[Match]) -> dict[str, float]:
    """Return what each word is worth: less the more often the text has it."""
    counts: dict[str, int] = {}
    for _, _, word in matches:
        counts[word] = counts.get(word, 0) + 1
    return {word: 1 / (1 + math.log(count)) for word, count in counts.items()}


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a span that is as long as a passage, around a shorter one, between words where that is near."""
    room = max(0, PASSAGE_CHARS - (end - start)) // 2
    first, last = max(0, start - room), min(len(text), end + room)
    blank = text.find(" ", first, start) if first else -1
    first = blank + 1 if blank >= 0 else first
    blank = text.rfind(" ", end, last) if last < len(text) else -1
    return first, blank if blank >= 0 else last
