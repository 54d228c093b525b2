"""Term weights of documents and queries."""

import pytest

from memoryos_adapters.storage.bm25 import AVERAGE_LENGTH, K1, MAX_QUERY_TERMS, weigh_document, weigh_query
from memoryos_adapters.terms import hash_term

TEA, CUP = hash_term("tea"), hash_term("cup")


def test_a_word_in_a_text_of_average_length_weighs_one() -> None:
    text = "tea " + "cup " * (int(AVERAGE_LENGTH) - 1)

    assert weigh_document(text)[TEA] == pytest.approx(1)


def test_a_repeated_word_weighs_more_and_never_much_more() -> None:
    once, twice, often = (weigh_document("tea " * n + "cup " * (1000 - n))[TEA] for n in (1, 2, 999))

    assert once < twice < often < K1 + 1


def test_a_word_weighs_less_in_a_longer_text() -> None:
    assert weigh_document("tea")[TEA] > weigh_document("tea cup")[TEA] > weigh_document("tea" + " cup" * 50)[TEA]


def test_a_query_weighs_each_of_its_words_once() -> None:
    assert weigh_query("Tea, tea and cups") == {TEA: 1.0, CUP: 1.0}


@pytest.mark.parametrize("text", ["", "the of and", "?!"])
def test_a_text_without_words_weighs_nothing(text: str) -> None:
    assert weigh_document(text) == {}
    assert weigh_query(text) == {}


def test_terms_come_in_the_order_of_their_hashes() -> None:
    text = "one two three four five six seven eight nine ten"

    assert list(weigh_document(text)) == sorted(weigh_document(text))
    assert list(weigh_query(text)) == sorted(weigh_query(text))


def test_of_a_pasted_text_its_beginning_and_its_end_are_asked_for() -> None:
    words = [f"word{n}" for n in range(MAX_QUERY_TERMS + 10)]
    asked = weigh_query(" ".join(words))

    half = MAX_QUERY_TERMS // 2
    assert asked.keys() == {*map(hash_term, (*words[:half], *words[-half:]))}
