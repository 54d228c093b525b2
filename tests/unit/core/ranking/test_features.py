"""Each feature: what raises it, on two or three candidates."""

from typing import Any

import pytest

from memoryos_core.ranking.ranker import feature_columns
from memoryos_ports.ids import SessionId
from memoryos_ports.memory import Candidate, Chunk, Page
from tests.support.makers import NOON, after, make_page

DAY_S = 86_400
ONE, TWO = SessionId("one"), SessionId("two")


def turn(page: Page, *, cosine: float | None = 0.5, words: dict[int, float] | None = None) -> Candidate:
    return Candidate(page=page, chunk=Chunk(number=0, start=0, end=len(page.text)), cosine=cosine, words=words or {})


def page(event: str, text: str = "tea", **fields: Any) -> Page:
    return make_page(text, event=event, **fields)


def column(name: str, question: str, *candidates: Candidate) -> list[float]:
    return feature_columns(question, candidates, asked_at=NOON)[name]


def conversation(*texts: str, role: str = "user", **each: Any) -> list[Page]:
    """Return turns of one session, each after the one before."""
    pages: list[Page] = []
    for number, text in enumerate(texts):
        follows = pages[-1].id if pages else None
        pages.append(page(f"c{number}", text, follows=follows, session_id=ONE, role=role, **each))
    return pages


def test_cosines_that_differ_by_a_hair_are_not_spread_over_the_whole_scale() -> None:
    found = [turn(page("a"), cosine=0.60), turn(page("b"), cosine=0.61)]
    assert column("cosine", "tea", *found) == pytest.approx([0, 0.04])


def test_cosines_are_spread_between_the_least_and_the_best() -> None:
    found = [turn(page("a"), cosine=0.2), turn(page("b"), cosine=None), turn(page("c"), cosine=0.6)]
    assert column("cosine", "tea", *found) == [0, 0, 1]


def test_words_are_shares_of_the_best() -> None:
    found = [turn(page("a"), words={1: 1.0, 2: 2.0}), turn(page("b"), words={1: 1.5}), turn(page("c"))]
    assert column("words", "tea", *found) == [1, 0.5, 0]


def test_a_turn_between_two_that_hold_the_words_has_them_in_its_window() -> None:
    first, middle, last = conversation("a", "b", "c")
    found = [turn(last, words={2: 3.0}), turn(first, words={1: 1.0}), turn(middle)]
    assert column("window", "tea", *found) == [0.75, 0.25, 1]


def test_a_word_that_both_neighbours_hold_counts_once_as_where_it_weighs_most() -> None:
    first, last = conversation("a", "b")
    found = [turn(first, words={1: 2.0}), turn(last, words={1: 1.0}), turn(page("x"), words={1: 4.0})]
    assert column("window", "tea", *found) == [0.5, 0.5, 1]


def test_the_next_turn_lends_its_likeness() -> None:
    first, last = conversation("a", "b")
    assert column("next_cosine", "tea", turn(first, cosine=0.1), turn(last, cosine=0.9)) == [1, 0]


@pytest.mark.parametrize(("before", "share"), [("Which tea?", 1), ("哪种茶\uff1f", 1), ("Nice tea.", 0)])
def test_an_answer_has_the_words_of_its_question(before: str, share: float) -> None:
    first, last = conversation(before, "Green")
    assert column("answer_words", "tea", turn(first, words={1: 2.0}), turn(last)) == [0, share]


def test_a_short_turn_leans_on_the_one_before_it() -> None:
    first, short, long = conversation("a", "Green", "word " * 100)
    found = [turn(first, cosine=0.9), turn(short, cosine=0.9), turn(long, cosine=0.1)]
    assert column("short_after", "tea", *found) == [0, pytest.approx(0.975), 0]


def test_an_episode_is_a_session_of_one_day() -> None:
    same, other_day, other_session = (
        page("b", session_id=ONE),
        page("c", session_id=ONE, timestamp=after(DAY_S)),
        page("d", session_id=TWO),
    )
    best = turn(page("a", session_id=ONE), cosine=0.9, words={1: 2.0})
    rest = [turn(other, cosine=0.1, words={2: 1.0}) for other in (same, other_day, other_session)]
    assert column("episode_cosine", "tea", best, *rest) == [1, 1, 0, 0]
    assert column("episode_words", "tea", best, *rest) == [1, 1, pytest.approx(1 / 3), pytest.approx(1 / 3)]


def test_the_named_speaker_counts() -> None:
    found = [turn(page("a", name="Ana")), turn(page("b", name="Bob")), turn(page("c", name=None))]
    assert column("speaker", "What does Ana drink?", *found) == [1, 0, 0]


@pytest.mark.parametrize(
    ("feature", "question", "of_user", "of_assistant"),
    [
        ("user", "What do I drink?", 1, 0),
        ("told", "What did you recommend?", 0, 1),
        ("told", "What do I drink?", 0, 0),
        ("overview", "Give me an overview of my teas", 0, 1),
        ("overview", "What do I drink?", 0, 0),
    ],
)
def test_who_spoke_counts_by_what_is_asked(feature: str, question: str, of_user: float, of_assistant: float) -> None:
    found = [turn(page("a", role="user")), turn(page("b", role="assistant"))]
    assert column(feature, question, *found) == [of_user, of_assistant]


@pytest.mark.parametrize(
    ("feature", "text", "value"),
    [
        ("instruction", "From now on, answer in rhymes.", 1),
        ("instruction", "以后请用中文回答", 1),
        ("instruction", "I had tea.", 0),
        ("preference", "I prefer green tea.", 1),
        ("preference", "我更喜欢绿茶", 1),
        ("preference", "I had tea.", 0),
    ],
)
def test_what_a_user_wants_counts_for_a_request(feature: str, text: str, value: float) -> None:
    found = [turn(page("a", text)), turn(page("b", text, role="assistant"))]
    assert column(feature, "Can you suggest a drink?", *found) == [value, 0]
    assert column(feature, "What did I drink?", *found) == [0, 0]


def test_a_question_about_last_week_favours_its_turns() -> None:
    days = (-8, -3, -20, -40)
    found = [turn(page(f"d{day}", timestamp=after(day * DAY_S))) for day in days]
    then, *others = column("date", "What did I drink last week?", *found)
    assert then == 1
    assert others == sorted(others, reverse=True)
    assert all(0 <= closeness < 1 for closeness in others)


def test_a_month_that_memory_knows_of_an_earlier_year_only_is_that_one() -> None:
    in_2024 = turn(page("a", timestamp=after(-640 * DAY_S)))  # 30 May 2024
    newest = turn(page("b", timestamp=after(-600 * DAY_S)))  # 9 July 2024
    assert column("date", "What did I drink in May?", in_2024, newest)[0] == 1


def test_a_question_without_a_time_favours_none() -> None:
    assert column("date", "What do I drink?", turn(page("a"))) == [0]


@pytest.mark.parametrize(("question", "value"), [("When did I move?", 1), ("Why did I move?", 0)])
def test_when_favours_a_turn_that_says_when(question: str, value: float) -> None:
    found = [turn(page("a", "I moved two weeks ago.")), turn(page("b", "I moved."))]
    assert column("when", question, *found) == [value, 0]


def test_a_long_turn_says_more_up_to_a_point_in_any_script() -> None:
    found = [turn(page(n, text)) for n, text in [("a", "x" * 50), ("b", "茶" * 50), ("c", "x" * 200), ("d", "x" * 900)]]
    assert column("length", "tea", *found) == [0.25, 0.75, 1, 1]


def test_names_inside_a_sentence_count() -> None:
    found = [turn(page("a", "We met Bob and Eve, Carl in Rome near Bonn")), turn(page("b", "So we met. Then we left"))]
    assert column("names", "tea", *found) == [1, 0]


def test_the_first_turn_of_a_session_opens_it() -> None:
    assert column("opening", "tea", *map(turn, conversation("a", "b"))) == [1, 0]


@pytest.mark.parametrize(("text", "value"), [("Thanks, that helps", 1), ("谢谢你", 1), ("I gave thanks", 0)])
def test_a_reaction_is_known_by_its_beginning(text: str, value: float) -> None:
    assert column("reaction", "tea", turn(page("a", text))) == [value]


@pytest.mark.parametrize(
    ("question", "values"),
    [
        ("Green tea in the morning", [1, 0]),
        ("早上的绿茶", [0, 1]),
        ("tea", [0, 0]),
    ],
)
def test_a_turn_that_is_quoted_word_for_word_is_known(question: str, values: list[float]) -> None:
    found = [turn(page("a", "I drink green tea in the morning")), turn(page("b", "我喝早上的绿茶"))]
    assert column("verbatim", question, *found) == values
