"""The passage of a long turn that a question asks for."""

import msgspec
import pytest

from memoryos_core.ranking.passage import PASSAGE_CHARS, asked_words, best_passage
from memoryos_ports.memory import Chunk
from tests.support.makers import make_candidate, make_page

WORDS = asked_words("Which gate does the ferry to Crete leave from?")
ANSWER = "The ferry to Crete left gate seven."


@pytest.mark.parametrize(
    "decoy", ["A gate was open. ", "The ferry was late. ", "\u0130stanbul was far. ", "Discrete investigate. "]
)
@pytest.mark.parametrize("cosine", [None, 0.5])
def test_the_passage_that_holds_most_of_the_words_is_taken(decoy: str, cosine: float | None) -> None:
    text = decoy * 3000 + ANSWER + " " + decoy * 3000
    passage = best_passage(WORDS, make_candidate(make_page(text), cosine=cosine))
    assert ANSWER in text[passage.start : passage.end]
    assert passage.end - passage.start <= PASSAGE_CHARS


def test_chinese_words_are_found_as_well() -> None:
    text = "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002" * 500 + "\u6211\u7684\u94a5\u5319\u5728\u82b1\u76c6\u4e0b\u3002"
    passage = best_passage(asked_words("\u94a5\u5319\u5728\u54ea"), make_candidate(make_page(text)))
    assert "\u94a5\u5319" in text[passage.start : passage.end]


def test_the_best_chunk_by_vector_stays() -> None:
    text = "It was blue. " * 200 + ANSWER
    chosen = Chunk(number=2, start=100, end=700)
    candidate = msgspec.structs.replace(make_candidate(make_page(text), cosine=0.5), chunk=chosen)
    assert best_passage(WORDS, candidate) == chosen


def test_without_any_of_the_words_the_beginning_of_the_chunk_is_taken() -> None:
    passage = best_passage(WORDS, make_candidate(make_page("blue " * 1000)))
    assert (passage.start, passage.end) == (0, PASSAGE_CHARS)
