"""Running a benchmark: everything is remembered, then every question is asked."""

import time
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from memoryos_gateway.evaluation.benchmark import Benchmark, Conversation, Question, Turn
from memoryos_gateway.evaluation.memory import GatewayMemory
from memoryos_gateway.evaluation.metrics import Answered, count_tokens, score
from memoryos_gateway.progress import showing_progress

ASKED_FOR = 50
"""How many turns a question asks for."""

TURNS_AT_ONCE = 64
"""How many turns are added in one call."""

_SHOWN = 10


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What a run over one file gave. `add_s` is the time it took to remember all turns until they could be found."""

    name: str
    answers: tuple[Answered, ...]
    turns: int
    add_s: float


class _Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation in the memory of `user_id`; `turn_of` names the turns by the ids of their memories."""

    conversation: Conversation
    user_id: str
    turn_of: dict[str, str] = {}


async def evaluate(memory: GatewayMemory, benchmark: Benchmark, *, run: str, one_user: bool = False) -> Measured:
    """Return the figures of a benchmark; its users are new ones, whose names begin with `run`.

    Each conversation is a user's of its own, or with `one_user` all of them are one user's. Raises what the memory
    raises.
    """
    remembered = [
        _Remembered(conversation=conversation, user_id=f"{run}-{0 if one_user else number}")
        for number, conversation in enumerate(benchmark.conversations)
    ]
    start = time.perf_counter()
    lengths = await _remember(memory, remembered, label=benchmark.name)
    add_s = time.perf_counter() - start
    return Measured(
        name=benchmark.name,
        answers=tuple(await _ask(memory, remembered, lengths, label=benchmark.name)),
        turns=sum(len(it.turns) for it in benchmark.conversations),
        add_s=add_s,
    )


async def _remember(memory: GatewayMemory, remembered: Sequence[_Remembered], *, label: str) -> dict[str, int]:
    """Add every turn; return how many tokens each memory has."""
    lengths: dict[str, int] = {}
    total = sum(len(it.conversation.turns) for it in remembered)
    with showing_progress(label, total=total, unit="turns") as progress:
        for number, one in enumerate(remembered):
            for session, turns in _batches(one.conversation):
                ids = await memory.add(one.user_id, f"{number}.{session}", turns)
                one.turn_of.update(zip(ids, (turn.id for turn in turns), strict=True))
                lengths.update(zip(ids, (count_tokens(turn.text) for turn in turns), strict=True))
                progress.update(len(turns))
    return lengths


async def _ask(
    memory: GatewayMemory, remembered: Sequence[_Remembered], lengths: Mapping[str, int], *, label: str
) -> list[Answered]:
    answers: list[Answered] = []
    asked = [(one, question) for one in remembered for question in one.conversation.questions if question.evidence]
    with showing_progress(label, total=len(asked), unit="questions") as progress:
        for one, question in asked:
            answers.append(await _answer(memory, one, question, lengths))
            progress.update(1)
    return answers


async def _answer(memory: GatewayMemory, one: _Remembered, question: Question, lengths: Mapping[str, int]) -> Answered:
    start = time.perf_counter()
    found = await memory.search(one.user_id, question.question, limit=ASKED_FOR)
    ms = 1000 * (time.perf_counter() - start)
    needed = set(question.evidence)
    return Answered(
        id=question.id,
        category=question.category,
        figures=score(found, [id_ for id_, turn in one.turn_of.items() if turn in needed], lengths),
        foreign=sum(id_ not in one.turn_of for id_ in found),
        ms=ms,
        turns=tuple(one.turn_of.get(id_, id_) for id_ in found[:_SHOWN]),
    )


def _batches(conversation: Conversation) -> Iterator[tuple[str, list[Turn]]]:
    """Yield turns to be added together, with a name of their session that every gateway takes."""
    names: dict[str, str] = {}
    for session, turns in conversation.sessions():
        name = names.setdefault(session, f"s{len(names)}")
        for start in range(0, len(turns), TURNS_AT_ONCE):
            yield name, turns[start : start + TURNS_AT_ONCE]
