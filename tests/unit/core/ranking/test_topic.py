"""What is searched for: the question without the words that speak about the conversation."""

import pytest

from memoryos_core.ranking.topic import topic


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("Can you remind me of my plans for the garden?", "my plans for the garden?"),
        ("Could you walk me through the order in which I mentioned my trips, in order?", "my trips?"),
        ("Tell me about the roof, based on our chats.", "the roof."),
        ("Please give me a short summary of the budget across our conversations.", "the budget."),
        ("Which three pets did I tell you about? Mention only three names.", "Which three pets?"),
        ("When did I say the lease ends?", "When the lease ends?"),
    ],
)
def test_words_about_the_conversation_are_left_out(question: str, about: str) -> None:
    assert topic(question) == about


@pytest.mark.parametrize("question", ["Where does Ana live?", "我上次说喜欢喝什么茶\uff1f", "", "Tea?"])
def test_any_other_question_stays_as_it_is(question: str) -> None:
    assert topic(question) == question


def test_a_question_about_nothing_else_stays_as_it_is() -> None:
    assert topic("Can you summarize everything?") == "Can you summarize everything?"
