"""Turns that say when, and questions that ask for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.times import asks_when, has_time_words

TELLING = [
    "I went there yesterday.",
    "We met last week!",
    "two weeks ago, I think",
    "It was in May",
    "since january",
    "On Tuesday",
    "In 2019 we moved",
    "on 2023-05-12",
    "this morning",
    "I have played for ten years",
    "this weekend",
    "昨天我去了公园",
    "上周我们搬家了",
    "他五月结婚",
    "我2019年毕业",
    "gestern Abend",
    "letzte Woche",
    "hace dos semanas",
    "la semana pasada",
]
SILENT = [
    "",
    "I love pottery and painting",
    "You may go now",
    "at last",
    "It cost $2023",
    "version 2.0.2023",
    "2000 people",
    "我喜欢日本菜",
    "他生日快到了",
    "das ist gut",
]
ASKING = [
    "When did Ana move?",
    "Since when do you know?",
    "Tell me when?",
    "Do you remember when did he go?",
    "when's the party",
    "What date was the wedding?",
    "what was the date of the exam",
    "On which day did they meet?",
    "Which year did she graduate?",
    "In what month is it?",
    "How long ago was that?",
    "How long has Ana been married?",
    "How many weeks ago did he call?",
    "小明什么时候搬家的",
    "婚礼是哪天",
    "他是几月出生的",
    "会议何时开始",
    "Wann war das?",
    "In welchem Jahr?",
    "¿Cuándo fue?",
    "¿En qué año nació?",
]
NOT_ASKING = [
    "",
    "What did Ana say when she left?",
    "Who came along?",
    "How long is the river?",
    "How many years of school are there?",
    "What colour is it?",
    "他喜欢什么",
    "¿Dónde vive?",
]


@pytest.mark.parametrize("text", TELLING)
def test_a_turn_says_when(text: str) -> None:
    assert has_time_words(text)


@pytest.mark.parametrize("text", SILENT)
def test_a_turn_does_not_say_when(text: str) -> None:
    assert not has_time_words(text)


@pytest.mark.parametrize("text", ASKING)
def test_a_question_asks_for_a_time(text: str) -> None:
    assert asks_when(text)


@pytest.mark.parametrize("text", NOT_ASKING)
def test_a_question_asks_for_something_else(text: str) -> None:
    assert not asks_when(text)


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert has_time_words(text) in (True, False)
    assert asks_when(text) in (True, False)
