"""Extractive summaries and keywords."""

from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.extraction.keywords import extract_keywords
from memoryos_core.extraction.summaries import MAX_WORDS, summarise
from memoryos_core.extraction.words import extract_words
from memoryos_ports.memory import Page
from tests.support.makers import make_page

TALK = [
    make_page("Hi! How are you?", event="1", name="Ruth"),
    make_page("My sailing boat lost its mast in the storm near Bergen.", event="2", name="Ruth"),
    make_page("Oh no. Can the harbour in Bergen repair a mast on a sailing boat?", event="3", name="Joel"),
    make_page("Lovely weather otherwise, honestly.", event="4", name="Ruth"),
    make_page("The harbour repairs the mast of the sailing boat next week.", event="5", name="Ruth"),
]


def test_a_summary_is_the_central_sentences_verbatim_with_who_said_them() -> None:
    assert summarise(TALK, max_words=28) == (
        "Ruth: My sailing boat lost its mast in the storm near Bergen. "
        "Ruth: The harbour repairs the mast of the sailing boat next week."
    )


def test_what_was_said_already_is_not_said_again() -> None:
    again = make_page("Near Bergen my sailing boat lost its mast in the storm!", event="6", name="Ruth")
    assert summarise([*TALK, again]).count("storm") == 1


def test_chinese_is_cut_into_sentences() -> None:
    page = make_page("我的帆船在暴风雨里断了桅杆。天气不错\uff01港口下周修理帆船的桅杆。", role="user")
    assert summarise([page], max_words=14) == "user: 我的帆船在暴风雨里断了桅杆。"


def test_nothing_to_say_is_an_empty_summary() -> None:
    assert summarise([]) == ""
    assert summarise([make_page("...")]) == ""
    assert extract_keywords([make_page("... and the")]) == ()


def pages() -> st.SearchStrategy[list[Page]]:
    """Pages of a few words, Latin and CJK."""
    texts = st.text(alphabet="tea boat mast 帆船桅杆。.?! \n", max_size=200)
    return st.lists(texts, max_size=6).map(
        lambda texts: [make_page(text, event=str(number)) for number, text in enumerate(texts)]
    )


@given(pages())
def test_a_summary_keeps_to_its_length_and_invents_nothing(all_: list[Page]) -> None:
    summary = summarise(all_)
    assert len(extract_words(summary)) <= MAX_WORDS + 2 * len(all_)
    said = " ".join(page.text for page in all_)
    assert set(extract_words(summary)) <= set(extract_words(said)) | {"user"}


def test_keywords_are_what_comes_back_as_it_was_written() -> None:
    assert set(extract_keywords(TALK, limit=5)) == {"Bergen", "boat", "harbour", "mast", "sailing"}


def test_keywords_of_chinese_are_bigrams() -> None:
    found = extract_keywords([make_page("帆船断了\uff0c帆船要修。", event="1"), make_page("港口修帆船。", event="2")])
    assert found[0] == "帆船"


@given(pages())
def test_keywords_occur_in_the_pages(all_: list[Page]) -> None:
    said = " ".join(page.text for page in all_)
    assert all(word in said for word in extract_keywords(all_))
