"""The light tokeniser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.extraction.words import content_words, extract_words, normalise, split_sentences


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Tea, don\u2019t you think?", ["tea", "don't", "you", "think"]),
        ("我喜欢茶 and Tee", ["我喜", "喜欢", "欢茶", "and", "tee"]),
        ("茶", ["茶"]),
        ("\uff21\uff22\uff23 well-known", ["abc", "well-known"]),
        ("", []),
    ],
)
def test_words_are_folded_and_cjk_comes_as_bigrams(text: str, words: list[str]) -> None:
    assert extract_words(text) == words


def test_function_words_and_numbers_carry_no_meaning() -> None:
    assert content_words("I have 3 dogs and the cat is 我们 的 a b") == ["dogs", "cat"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Version 3.14 is out. Yes", ["Version 3.14 is out.", "Yes"]),
        ("我住在厦门。你呢\uff1f好吧", ["我住在厦门。", "你呢\uff1f", "好吧"]),
        ("他说\uff1a「好。」我走了。", ["他说\uff1a「好。」", "我走了。"]),
        ("first line\nsecond line", ["first line", "second line"]),
        ("", []),
    ],
)
def test_sentences_are_verbatim(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@given(st.text(alphabet="ab .!?;。\uff01\uff1f…\n\"'」", max_size=60))
def test_no_letter_is_lost_between_sentences(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("one", "other"), [("the Beatles", "Beatles"), ("New  York.", "new york"), ("\uff21\uff22", "ab"), ("“tea”", "tea")]
)
def test_spellings_of_one_value_are_equal(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_signs_that_belong_to_a_name_tell_values_apart() -> None:
    assert len({normalise("C"), normalise("C++"), normalise("C#")}) == 3
