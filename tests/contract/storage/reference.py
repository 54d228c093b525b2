"""BM25 written down once more, from its formula, to compare an index with."""

import math

from memoryos_adapters.storage.bm25 import AVERAGE_LENGTH, K1, B
from memoryos_adapters.terms import extract_terms


def bm25(question: str, texts: list[str]) -> list[dict[str, float]]:
    """Return for each text what each term of the question adds to its score; other terms are left out.

    Robertson and Zaragoza (2009), formulas 3.3 (never negative, by the 1 under the logarithm) and 3.15. A text
    without any term is no document.
    """
    documents = [extract_terms(text) for text in texts]
    total = sum(1 for terms in documents if terms)
    asked = set(extract_terms(question))
    containing = {term: sum(1 for terms in documents if term in terms) for term in asked}

    def part(term: str, terms: list[str]) -> float:
        count, n = terms.count(term), containing[term]
        idf = math.log(1 + (total - n + 0.5) / (n + 0.5))
        return idf * count * (K1 + 1) / (count + K1 * (1 - B + B * len(terms) / AVERAGE_LENGTH))

    return [{term: part(term, terms) for term in asked.intersection(terms)} for terms in documents]
