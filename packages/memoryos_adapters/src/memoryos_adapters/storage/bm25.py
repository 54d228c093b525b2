"""The adapter's half of BM25: term weights of documents and queries; the engine multiplies by the scope's IDF.

Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), formula 3.15.
"""

from collections import Counter

from memoryos_adapters.terms import extract_terms, hash_term

K1 = 1.2
B = 0.75
# Fixed, so that a page's weights never change: twice a chat turn's mean, where short turns and long answers both
# rank well (recall@10 on LoCoMo .603, with the true mean .596; on BEAM's long answers .486, with the true mean .403).
AVERAGE_LENGTH = 32.0


def weigh_document(text: str) -> dict[int, float]:
    """Return how much each term (by hash) stands for in a document: 0..K1+1, saturating, less in a long text."""
    terms = extract_terms(text)
    damping = K1 * (1 - B + B * len(terms) / AVERAGE_LENGTH)
    counts = Counter(map(hash_term, terms))
    return {term: count * (K1 + 1) / (count + damping) for term, count in sorted(counts.items())}


def weigh_query(text: str) -> dict[int, float]:
    """Return weight 1 for each distinct term (by hash) of a query."""
    return dict.fromkeys(sorted(map(hash_term, extract_terms(text))), 1.0)
