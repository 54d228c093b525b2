"""Summaries without a language model: the most central sentences, verbatim, with who said them."""

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from memoryos_core.extraction.words import content_words, extract_words, split_sentences
from memoryos_ports.memory import Page

MAX_WORDS = 60
MIN_SENTENCE_WORDS = 4
MAX_SENTENCE_WORDS = 40


class _Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence, `place` counting from 0 over all pages."""

    speaker: str
    text: str
    place: int
    words: int
    terms: frozenset[str]


def summarise(pages: Sequence[Page], *, max_words: int = MAX_WORDS) -> str:
    """Return the most central sentences of the pages, in their order, each as ``Speaker: sentence``; "" for none.

    Central is what shares its terms with many other sentences, the opening ones slightly before the rest; a sentence
    that says what a chosen one says is passed over. Together they have at most `max_words` words (a CJK character
    pair counts as one).
    """
    sentences = _sentences(pages, max_words)
    weights = Counter(term for sentence in sentences for term in sentence.terms)
    chosen: list[_Sentence] = []
    left = max_words
    for sentence in sorted(sentences, key=lambda s: (-_centrality(s, weights), s.place)):
        if sentence.words <= left and not any(_overlap(sentence, other) > 0.6 for other in chosen):
            chosen.append(sentence)
            left -= sentence.words
    return " ".join(f"{s.speaker}: {s.text}" for s in sorted(chosen, key=lambda s: s.place))


def _sentences(pages: Sequence[Page], max_words: int) -> list[_Sentence]:
    said = [(page.name or page.role, text) for page in pages for text in split_sentences(page.text)]
    sentences = [
        _Sentence(
            speaker=speaker,
            text=text,
            place=place,
            words=len(extract_words(text)) + len(extract_words(speaker)),
            terms=frozenset(content_words(text)),
        )
        for place, (speaker, text) in enumerate(said)
    ]
    bound = min(MAX_SENTENCE_WORDS, max_words)
    fitting = [s for s in sentences if s.terms and s.words <= bound]
    return [s for s in fitting if s.words >= MIN_SENTENCE_WORDS] or fitting


def _centrality(sentence: _Sentence, weights: Counter[str]) -> float:
    """Return the mean share of a sentence's terms in the others, damped for length, with a prior for its place."""
    shared = sum(weights[term] - 1 for term in sentence.terms)
    asks = 0.5 if sentence.text.endswith(("?", "\uff1f")) else 1.0
    return (1 + shared) / math.sqrt(len(sentence.terms) + 4) * asks * (1 + 0.5 / (1 + sentence.place))


def _overlap(one: _Sentence, other: _Sentence) -> float:
    return len(one.terms & other.terms) / min(len(one.terms), len(other.terms))
