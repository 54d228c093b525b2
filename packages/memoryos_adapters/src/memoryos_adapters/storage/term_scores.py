"""BM25 taken apart, term by term."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence


def term_scores(documents: Mapping[str, Mapping[int, float]], idf: Mapping[int, float]) -> dict[str, dict[int, float]]:
    """Return what each term adds to the BM25 score of each document; `documents` are weights of terms."""
    return {
        id: {term: weights[term] * idf[term] for term in idf if term in weights} for id, weights in documents.items()
    }


def grown_idf(
    terms: Collection[int], idf: Mapping[int, float], *, size: int, joining: Sequence[Collection[int]]
) -> dict[int, float]:
    """Return the IDF of `terms` once more documents, given by their terms, have joined a corpus of `size` documents.

    `idf` is that of before, without the terms that no document had.

    IDF = ln((N + 1) / (n + .5)) for a term that n of N documents have, which is ln(1 + (N - n + .5) / (n + .5)) of
    Robertson and Zaragoza (2009), formula 3.3, never negative; so it also tells the n of a corpus that was not counted.
    """
    counts = Counter(term for document in joining for term in {*document})
    counts_before = {term: (size + 1) / math.exp(value) - 0.5 for term, value in idf.items()}
    grown = size + sum(1 for document in joining if document)
    return {term: math.log((grown + 1) / (counts_before.get(term, 0.0) + counts[term] + 0.5)) for term in terms}
