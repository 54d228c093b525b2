"""What a question is taken to ask for."""

import pytest

from memoryos_core.ranking.question import Asked, read_question
from tests.support.makers import NOON


def read(text: str) -> Asked:
    return read_question(text, asked_at=NOON)


@pytest.mark.parametrize(
    ("text", "of_assistant"),
    [
        ("What did you recommend for the roof?", True),
        ("Was your advice to wait?", True),
        ("你之前推荐了哪家餐厅\uff1f", True),
        ("What did Ana recommend?", False),
    ],
)
def test_questions_to_the_assistant_are_told(text: str, of_assistant: bool) -> None:
    assert read(text).to_assistant is of_assistant


@pytest.mark.parametrize(
    ("text", "is_request"),
    [
        ("Can you help me write a letter?", True),
        ("How should I store tea?", True),
        ("I'm planning a dinner, what would you suggest?", True),
        ("推荐一本书", True),
        ("How many days did I plan for the trip?", False),
        ("Can you summarize my week?", False),
        ("Where does Ana live?", False),
        ("我之前说过要去哪里\uff1f请告诉我", False),
    ],
)
def test_requests_are_told_from_questions_about_the_past(text: str, is_request: bool) -> None:
    assert read(text).request is is_request


@pytest.mark.parametrize(
    ("text", "wanted"), [("Give me an overview of my plans", True), ("总结一下", True), ("Tea?", False)]
)
def test_an_overview_is_asked_for(text: str, wanted: bool) -> None:
    assert read(text).for_overview is wanted


@pytest.mark.parametrize(
    ("text", "speaker", "named"),
    [
        ("Where does Ana live?", "Ana", True),
        ("Where does ANA's sister live?", "Ana Maria", True),
        ("李雷住在哪里\uff1f", "李雷", True),
        ("Where does Anabel live?", "Ana", False),
        ("Where?", None, False),
        ("Where?", "", False),
    ],
)
def test_a_speaker_is_named_by_any_word_of_the_name(text: str, speaker: str | None, named: bool) -> None:
    assert read(text).names(speaker) is named
