"""Which slots a question asks for."""

import pytest

from memoryos_core.ranking.asked_slots import asks_for


@pytest.mark.parametrize(
    ("question", "slot"),
    [
        ("Where do I live?", "location"),
        ("Which city am I in now?", "location"),
        ("我住在哪里", "location"),
        ("What is my name?", "name"),
        ("我叫什么名字", "name"),
        ("Where do I work?", "employer"),
        ("我在哪家公司上班", "employer"),
        ("What do I do for a living?", "job"),
        ("我的职业是什么", "job"),
        ("When is my birthday?", "birthday"),
        ("我的生日是哪天", "birthday"),
        ("Am I allergic to anything?", "allergy"),
        ("我对什么过敏", "allergy"),
        ("Who is my wife?", "relation:wife"),
        ("我的妻子叫什么", "relation:妻子"),
        ("What is my favorite color?", "favorite:color"),
        ("Which hobby do I have?", "hobby"),
        ("Which Instrument do I own?", "instrument"),
    ],
)
def test_a_question_asks_for_its_slot(question: str, slot: str) -> None:
    assert asks_for(question, slot)


@pytest.mark.parametrize(
    ("question", "slot"),
    [
        ("Where do I live?", "job"),
        ("Where did we have lunch?", "location"),
        ("What did I name the file?", "name"),
        ("Who is my housewife friend?", "relation:wife"),
        ("What do I like?", "relation:"),
        ("今天天气怎么样", "location"),
        ("Where do I live?", None),
        ("Where do I live?", "unheard-of"),
        ("What does hobbyists' glue cost?", "hobby"),
        ("Who likes me?", "likes"),
    ],
)
def test_a_question_asks_for_no_other_slot(question: str, slot: str | None) -> None:
    assert not asks_for(question, slot)
