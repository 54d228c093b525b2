"""Reading benchmark files, and what is said of one that is none."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from memoryos_gateway.evaluation.benchmark import Conversation, Turn, read_benchmark
from memoryos_ports.errors import InvalidInput

_TURN = {"id": "t1", "speaker": "user", "text": "I like tea", "session": "1", "time": "2026-03-01T12:00:00"}
_QUESTION = {"id": "q1", "question": "What do I like?", "category": "likes", "evidence": ["t1"], "answer": "tea"}


def _file(directory: Path, *, turns: list[Any] | None = None, questions: list[Any] | None = None) -> Path:
    conversation = {
        "id": "c1",
        "speakers": ["user"],
        "turns": [_TURN] if turns is None else turns,
        "questions": [_QUESTION] if questions is None else questions,
    }
    file = directory / "benchmark.json"
    file.write_bytes(msgspec.json.encode({"name": "small", "conversations": [conversation]}))
    return file


def test_a_file_is_read_and_what_it_says_beyond_is_left(tmp_path: Path) -> None:
    benchmark = read_benchmark(_file(tmp_path))

    (conversation,) = benchmark.conversations
    assert (benchmark.name, conversation.turns[0].text, conversation.questions[0].evidence) == (
        "small",
        "I like tea",
        ("t1",),
    )


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"questions": [{**_QUESTION, "evidence": []}]}, "no question has evidence"),
        ({"questions": [{**_QUESTION, "evidence": ["t1", "t9"]}]}, "question q1: t9 is no turn of conversation c1"),
        ({"turns": [_TURN, _TURN]}, "conversation c1: two turns have one id"),
        ({"turns": [{"id": "t1"}]}, "not a benchmark: Object missing required field"),
    ],
)
def test_a_file_that_is_none_is_named_with_its_fault(tmp_path: Path, parts: dict[str, Any], fault: str) -> None:
    file = _file(tmp_path, **parts)

    with pytest.raises(InvalidInput) as caught:
        read_benchmark(file)

    assert str(caught.value).startswith(f"{file}: {fault}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nowhere\.json: No such file"):
        read_benchmark(tmp_path / "nowhere.json")


def test_turns_come_in_runs_of_one_session() -> None:
    turns = tuple(
        Turn(id=str(number), speaker="user", text="hi", session=session) for number, session in enumerate("aabba")
    )

    runs = Conversation(id="c", turns=turns, questions=()).sessions()

    assert [(session, [turn.id for turn in run]) for session, run in runs] == [
        ("a", ["0", "1"]),
        ("b", ["2", "3"]),
        ("a", ["4"]),
    ]
