"""Statements by rules: measured on labelled turns, and the guards one by one."""

import pytest

from benchmarks.quality.facts import LabelledTurn, differences, found_in, read_turns, score
from memoryos_core.extraction.extract import MAX_CHARS, extract_all, extract_statements
from memoryos_core.extraction.rules.registry import LANGUAGES
from memoryos_core.extraction.rules.rule import Language
from memoryos_core.extraction.slots import is_slot
from memoryos_core.extraction.statement import Statement
from tests.support.makers import NOON, make_page

TURNS = read_turns()


def extracted(text: str) -> list[tuple[str, str | None, str]]:
    """Return subject, slot and value of what a turn states."""
    return [(s.subject, s.slot, s.value) for s in extract_statements(make_page(text))]


def test_there_are_enough_labelled_turns_and_half_of_them_state_nothing() -> None:
    languages = [turn.language for turn in TURNS]
    assert len(TURNS) >= 160
    assert min(languages.count("en"), languages.count("zh")) >= 70
    assert sum(not turn.facts for turn in TURNS) * 2 >= len(TURNS)
    assert all(is_slot(fact.slot) for turn in TURNS for fact in turn.facts)


def test_no_turn_is_there_twice() -> None:
    assert len({turn.id for turn in TURNS}) == len({turn.text for turn in TURNS}) == len(TURNS)


@pytest.mark.parametrize("language", ["en", "zh", "es", "de"])
def test_nine_of_ten_statements_are_right_and_most_are_found(language: str) -> None:
    turns = [turn for turn in TURNS if turn.language == language]
    scores = score(turns, by=lambda _, __: "all")["all"]
    assert scores.precision >= 0.9, differences(turns)
    assert scores.recall >= 0.8, differences(turns)


@pytest.mark.parametrize("turn", [turn for turn in TURNS if not turn.facts], ids=lambda turn: turn.id)
def test_a_turn_without_a_fact_gives_none(turn: LabelledTurn) -> None:
    assert found_in(turn) == set()


def test_nothing_is_learnt_from_the_assistant() -> None:
    assert extracted("I live in Oslo.")
    for role in ("assistant", "system", "tool"):
        assert extract_statements(make_page("I live in Oslo.", role=role)) == []


def test_a_pasted_document_is_left_alone() -> None:
    assert extracted("I live in Oslo. " + "x" * (MAX_CHARS - 16)) == [("user", "location", "Oslo")]
    assert extracted("I live in Oslo. " + "x" * MAX_CHARS) == []


def test_a_statement_tells_where_it_comes_from() -> None:
    page = make_page("Hello there. I work at Fjord, and I live in Oslo!", name="Wendy")
    work, home = extract_statements(page)
    assert work.text == "I work at Fjord"
    assert home == Statement(
        text="and I live in Oslo",
        value="Oslo",
        valid_from=NOON,
        said_at=NOON,
        source=page.id,
        speaker="Wendy",
        slot="location",
        confidence=home.confidence,
    )


def test_a_clause_without_a_subject_goes_on_about_the_speaker_and_is_quoted_with_the_one_before() -> None:
    page = make_page("我叫陈晨\uff0c住在厦门。我妹妹叫陈雪\uff0c住在福州。")
    assert [(s.slot, s.value, s.text) for s in extract_statements(page)] == [
        ("name", "陈晨", "我叫陈晨"),
        ("location", "厦门", "我叫陈晨\uff0c住在厦门"),
        ("relation:sister", "陈雪", "我妹妹叫陈雪"),
    ]


def test_a_sentence_without_a_subject_is_about_nobody() -> None:
    assert extracted("I live in Oslo. Like rain.") == [("user", "location", "Oslo")]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("I've lived in Oslo since 2015.", "2015-01-01"),
        ("I moved to Oslo last month!", "2026-02-01"),
        ("我上个月搬到了厦门。", "2026-02-01"),
        ("I live in May Pen.", "2026-03-01"),
        ("I used to live in Oslo in 2015.", "2026-03-01"),
        ("I'm a nurse since 2015 and I live in Oslo.", "2026-03-01"),
    ],
)
def test_a_clause_tells_since_when_it_is_so(text: str, date: str) -> None:
    last = extract_statements(make_page(text))[-1]
    assert f"{last.valid_from:%Y-%m-%d}" == date
    assert last.said_at == NOON


def test_full_width_forms_and_traditional_characters_are_read_and_kept_as_they_are() -> None:
    assert extracted("\uff29 live in Oslo\uff01") == [("user", "location", "Oslo")]
    assert extracted("我對花生過敏\uff01") == [("user", "allergy", "花生")]
    assert extracted("我喜歡寫詩。") == [("user", "likes", "寫詩")]


def test_what_is_said_twice_is_one_statement() -> None:
    assert extracted("I live in Oslo. Yes, I live in oslo.") == [("user", "location", "Oslo")]


GUARDED = [
    "Do you know, I live in Oslo?",
    "I live in Oslo, right?",
    "If all goes well, I live in Oslo.",
    'The sign says "I live in Oslo".',
    "Translate this. I live in Oslo.",
    "I live in Oslo. Just kidding!",
    "`I live in Oslo`",
    "```\nI live in Oslo\n```",
    "> I live in Oslo",
    "Wendy: I live in Oslo",
    "*I live in Oslo*",
    "I live in maybe Oslo",
    "I live in Oslo?",
    "Wendy: well, I live in Oslo",
    "他说\uff0c我住在厦门。",
    "如果顺利\uff0c我住在厦门。",
    "「我住在厦门」",
    "我住在厦门\uff0c对吗\uff1f",
]


@pytest.mark.parametrize("text", GUARDED)
def test_words_that_are_not_a_statement_of_the_speaker_are_passed_over(text: str) -> None:
    assert extracted(text) == []


def test_a_question_leaves_what_was_said_before_it() -> None:
    assert extracted("I live in Oslo, where can I ski?") == [("user", "location", "Oslo")]
    assert extracted("我住在厦门\uff0c哪里好玩\uff1f") == [("user", "location", "厦门")]


def test_pages_keep_their_order() -> None:
    pages = [make_page(f"I live in {city}.", event=city) for city in ("Oslo", "Bergen")]
    assert [statement.value for statement in extract_all(pages)] == ["Oslo", "Bergen"]


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_rules_of_a_language_have_names_of_their_own_and_slots_that_exist(language: Language) -> None:
    assert len({rule.name for rule in language.rules}) == len(language.rules)
    assert all(is_slot(rule.slot + "x" * rule.slot.endswith(":")) for rule in language.rules)


@pytest.mark.parametrize("word", ["刚刚", "常常", "还是", "一直", "都也", "从小就"])
def test_a_word_said_over_and_over_is_read_in_time(word: str) -> None:
    """Tried in every combination, sixty of them would never end."""
    assert extract_statements(make_page(f"我{word * 60}喜欢")) == []


@pytest.mark.parametrize("tail", [" since a", " now", " for 3 years now", " since a b c d"])
def test_a_time_said_over_and_over_is_read_in_time(tail: str) -> None:
    """Tried in every way to part it, forty of them would never end."""
    assert extract_statements(make_page(f"I live in Paris{tail * 40} #")) is not None
