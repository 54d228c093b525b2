"""Finding pages by words without an index."""

import pytest

from memoryos_core.memory.word_match import match_words
from tests.support.makers import make_page

CHARS = 100


def texts(question: str, *said: str) -> list[str]:
    """Return the texts that share words with a question, best first."""
    pages = [make_page(text, event=f"e{at}") for at, text in enumerate(said)]
    found = match_words(question, pages, chars=CHARS)
    return [candidate.page.text for candidate in sorted(found, key=lambda candidate: -candidate.bm25)]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Where is my TEA?", "green tea, in the attic"),
        ("where is the tea", "Grüner\u00a0Tee: tea."),
        ("which number is 4471", "the locker: 4471"),
        ("\uff54\uff45\uff41", "tea"),
        ("绿茶在哪里", "我把绿茶放在阁楼"),
        ("tea在哪里", "我的tea很好"),
        ("¿dónde está mi té?", "el té verde"),
        ("what is it", "it is what it is"),
    ],
)
def test_a_page_that_shares_a_word_is_found(question: str, said: str) -> None:
    assert texts(question, said, "snow") == [said]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("where is my tea", "my team is where the steam is"),
        ("where is my art", "in a cart"),
        ("what is the weather", "what the dog is for"),
        ("", "tea"),
        ("?!", "tea"),
        ("tea", ""),
        ("tea", "." * CHARS + " tea"),
    ],
)
def test_a_page_that_shares_none_that_tells_anything_is_not(question: str, said: str) -> None:
    assert texts(question, said) == []


def test_a_word_that_few_pages_have_weighs_more() -> None:
    common = [f"the dentist of number {number}" for number in range(5)]
    assert texts("when is the dentist in Porto", *common, "Porto")[0] == "Porto"
    assert texts("when is the dentist in Porto", *common, "Porto", "dentist in Porto")[0] == "dentist in Porto"


def test_the_speaker_is_one_of_the_words() -> None:
    pages = [make_page("the green one", event=name, name=name) for name in ("Carla", "Diego")]
    (found,) = match_words("what does Diego prefer", pages, chars=CHARS)
    assert found.page.name == "Diego"
