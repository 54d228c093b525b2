"""A benchmark file: conversations, and questions with the turns that hold the evidence for their answers.

::

    {"name": "...", "conversations": [{
        "id": "...",
        "turns": [{"id": "...", "speaker": "...", "text": "...", "time": "2026-03-01T12:00:00", "session": "..."}],
        "questions": [{"id": "...", "question": "...", "category": "...", "evidence": ["turn id", ...]}]
    }]}

Other fields are allowed and not read. A speaker who is ``user`` or ``assistant`` has that role, any other is a user.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from memoryos_ports.errors import InvalidInput


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One message; `id` is unique in its conversation."""

    id: str
    speaker: str
    text: str
    session: str
    time: datetime | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question; `evidence` are the ids of the turns that its answer needs."""

    id: str
    question: str
    category: str
    evidence: tuple[str, ...] = ()


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """What one user said and was told, oldest first, and what is asked about it."""

    id: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]

    def sessions(self) -> Iterator[tuple[str, list[Turn]]]:
        """Yield runs of turns of one session, in order."""
        run: list[Turn] = []
        for turn in self.turns:
            if run and run[-1].session != turn.session:
                yield run[-1].session, run
                run = []
            run.append(turn)
        if run:
            yield run[-1].session, run


class Benchmark(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file."""

    name: str
    conversations: tuple[Conversation, ...]


def read_benchmark(path: Path) -> Benchmark:
    """Return the benchmark in a file. Raises InvalidInput, naming the file, when it is none."""
    try:
        benchmark = msgspec.json.decode(path.read_bytes(), type=Benchmark)
    except OSError as exc:
        raise InvalidInput(f"{path}: {exc.strerror or exc}", param="file") from exc
    except msgspec.DecodeError as exc:
        raise InvalidInput(f"{path}: not a benchmark: {exc}", param="file") from exc
    for fault in _faults(benchmark):
        raise InvalidInput(f"{path}: {fault}", param="file")
    return benchmark


def _faults(benchmark: Benchmark) -> Iterator[str]:
    if not any(question.evidence for it in benchmark.conversations for question in it.questions):
        yield "no question has evidence"
    for conversation in benchmark.conversations:
        turns = {turn.id for turn in conversation.turns}
        if len(turns) < len(conversation.turns):
            yield f"conversation {conversation.id}: two turns have one id"
        for question in conversation.questions:
            if strange := set(question.evidence) - turns:
                yield f"question {question.id}: {min(strange)} is no turn of conversation {conversation.id}"
