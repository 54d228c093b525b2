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
MAX_QUERY_TERMS = 64


def weigh_document(text: str) -> dict[int, float]:
    """Return how much each term (by hash) stands for in a document: 0..K1+1, saturating, less in a long text."""
    terms = extract_terms(text)
    damping = K1 * (1 - B + B * len(terms) / AVERAGE_LENGTH)
    counts = Counter(map(hash_term, terms))
    return {term: count * (K1 + 1) / (count + damping) for term, count in sorted(counts.items())}


def weigh_query(text: str) -> dict[int, float]:
    """Return weight 1 for each distinct term (by hash) of a query, for the first and last 32 of a text with more."""
    terms = [*dict.fromkeys(map(hash_term, extract_terms(text)))]
    if len(terms) > MAX_QUERY_TERMS:  # a text that was pasted: what is asked about it stands before or after it
        terms = terms[: MAX_QUERY_TERMS // 2] + terms[-MAX_QUERY_TERMS // 2 :]
    return dict.fromkeys(sorted(terms), 1.0)
