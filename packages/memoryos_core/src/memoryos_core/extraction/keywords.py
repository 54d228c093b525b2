"""Keywords of pages: the terms that stand out among them, as they were written."""

import math
import re
from collections import Counter
from collections.abc import Sequence

from memoryos_core.extraction.words import content_words
from memoryos_ports.memory import Page

MAX_KEYWORDS = 10
READ_CHARS = 4000
"""How much of a page is read: a turn of a megabyte must not hold everybody up."""


def extract_keywords(pages: Sequence[Page], *, limit: int = MAX_KEYWORDS) -> tuple[str, ...]:
    """Return up to `limit` terms, the weightiest first, in their most frequent spelling; CJK as character bigrams.

    A term weighs (1 + log count) * log(1 + n / pages it occurs in), more for a capital within a sentence, as names
    have; one of a page's own is worth less than one that comes back, unless there is one page only.
    """
    texts = [page.text[:READ_CHARS] for page in pages]
    counts, spread, names = Counter[str](), Counter[str](), _names(texts)
    for text in texts:
        terms = content_words(text)
        counts.update(terms)
        spread.update(set(terms))
    weights = {term: _weight(counts[term], spread[term], len(texts), term in names) for term in counts}
    best = sorted(weights, key=lambda term: (-weights[term], term))[:limit]
    return tuple(_surface(term, texts) for term in best)


def _weight(count: int, pages: int, total: int, is_name: bool) -> float:
    rarity = math.log(1 + total / pages)
    return (1 + math.log(count)) * rarity * min(count, 2) * (1.5 if is_name else 1.0)


def _names(texts: Sequence[str]) -> set[str]:
    return {match[0].casefold() for text in texts for match in re.finditer(r"(?<=[a-z,] )[A-Z][\w'-]+", text)}


def _surface(term: str, texts: Sequence[str]) -> str:
    pattern = re.compile(re.escape(term), re.IGNORECASE)
    spellings = Counter(match[0] for text in texts for match in pattern.finditer(text))
    return max(sorted(spellings), key=lambda spelling: spellings[spelling], default=term)
