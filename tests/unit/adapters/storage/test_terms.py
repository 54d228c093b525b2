"""The words of a text as index terms."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from memoryos_adapters.terms import MAX_TERM_LENGTH, extract_terms, hash_term

any_text = st.text(
    st.characters() | st.sampled_from("aA\u00e9\u00df\u0130\u017f\u03a3\u03c2I'\u2019\u0301\u4e2d\u6587あア한 "),
    max_size=200,
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("  \n.,!?…", []),
        ("The Running dogs were running", ["run", "dog", "run"]),
        ("Ann's and Bob\u2019s cats, don't they", ["ann", "bob", "cat", "don"]),
        ("O'Brien at 5 o'clock", ["o", "brien", "5", "o", "clock"]),
        ("vitamin D, plan B", ["vitamin", "d", "plan", "b"]),
        ("3.14 10:30 2026-03-01", ["3", "14", "10", "30", "2026", "03", "01"]),
        ("snake_case foo-bar", ["snake", "case", "foo", "bar"]),
        ("\uff26\uff55\uff4c\uff4c \ufb01ne", ["full", "fine"]),
        ("Straße STRASSE", ["strass", "strass"]),
        ("我喜欢绿茶", ["我喜", "喜欢", "欢绿", "绿茶"]),
        ("茶", ["茶"]),
        ("GPT模型v2", ["gpt", "模型", "v2"]),
        ("東京タワー・へ", ["東京", "京タ", "タワ", "ワー", "へ"]),
        ("안녕 하", ["안녕", "하"]),
        ("हिन्दी", ["हिन्दी"]),
        ("\ud800 lone", ["lone"]),
    ],
)
def test_terms_are_folded_stemmed_words_and_bigrams(text: str, terms: list[str]) -> None:
    assert extract_terms(text) == terms


def test_a_word_of_any_length_is_one_short_term() -> None:
    assert extract_terms("x" * 100_000) == ["x" * MAX_TERM_LENGTH]


@given(any_text)
def test_any_text_has_the_same_terms_each_time(text: str) -> None:
    terms = extract_terms(text)

    assert extract_terms(text) == terms
    assert all(0 < len(term) <= MAX_TERM_LENGTH for term in terms)
    assert all(0 <= hash_term(term) < 2**32 for term in terms)


@given(any_text)
def test_case_makes_no_difference(text: str) -> None:
    for other in (text.lower(), text.upper(), text.title(), text.swapcase(), text.casefold()):
        assume(other.casefold() == text.casefold())
        assert extract_terms(other) == extract_terms(text)


@given(st.lists(any_text))
def test_lines_have_the_terms_of_each_line(lines: list[str]) -> None:
    assert extract_terms("\n".join(lines)) == [term for line in lines for term in extract_terms(line)]


def test_a_term_has_the_same_hash_for_ever() -> None:
    assert [hash_term(term) for term in ("tea", "绿茶", "101")] == [2391201714, 2319494582, 1416650876]
