"""BM25 taken apart: what a term adds, and what a corpus that grows makes of its IDF."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_adapters.storage.term_scores import grown_idf, term_scores

TEA, MILK, BREAD = 1, 2, 3

corpora = st.lists(st.frozensets(st.integers(0, 9), min_size=1, max_size=5), max_size=30)


def idf_of(corpus: list[frozenset[int]]) -> dict[int, float]:
    """Return the IDF of every term of a corpus, counted."""
    terms = {term for document in corpus for term in document}
    counts = {term: sum(term in document for document in corpus) for term in terms}
    return {term: math.log(1 + (len(corpus) - n + 0.5) / (n + 0.5)) for term, n in counts.items()}


def test_a_term_adds_its_weight_times_its_idf() -> None:
    documents = {"a": {TEA: 2.0, BREAD: 1.0}, "b": {MILK: 1.0}, "c": {}}

    assert term_scores(documents, {TEA: 0.5, MILK: 3.0}) == {"a": {TEA: 1.0}, "b": {MILK: 3.0}, "c": {}}


@given(corpora, corpora)
def test_the_idf_of_a_grown_corpus_is_that_of_all_its_documents(
    before: list[frozenset[int]], joining: list[frozenset[int]]
) -> None:
    expected = idf_of([*before, *joining])

    assert grown_idf(expected, idf_of(before), size=len(before), joining=joining) == pytest.approx(expected)


def test_a_document_without_terms_does_not_make_a_corpus_grow() -> None:
    assert grown_idf([TEA], {}, size=0, joining=[{TEA}, set()]) == pytest.approx(idf_of([frozenset({TEA})]))
