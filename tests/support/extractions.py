"""Answers of a language model that extracts memory, and what reads pages with it."""

import json
from collections.abc import Iterable, Sequence
from itertools import repeat

from memoryos_adapters.testing import ScriptedLlm, ScriptedTurn, says
from memoryos_core.consolidation.learning import Learner
from memoryos_core.extraction.llm import LlmExtractor
from memoryos_core.routing.sensitive import SensitiveRules


def learner_with(llm: ScriptedLlm, *, local: bool = False, sensitive: Sequence[str] = ()) -> Learner:
    """Return what reads pages with this model."""
    return Learner(LlmExtractor(llm.chat, model="m"), local=local, rules=SensitiveRules(sensitive))


def scripted(*turns: ScriptedTurn) -> ScriptedLlm:
    """Return a model that takes these turns, the last of them for ever."""
    return ScriptedLlm(_with_the_last_repeated(turns))


def finds(*statements: dict[str, object], summary: str = "about tulips") -> ScriptedTurn:
    """Answer with these statements."""
    return says(json.dumps({"summary": summary, "keywords": ["tulips"], "statements": list(statements)}))


def states(turn: int, slot: str, value: str, quote: str) -> dict[str, object]:
    """Return a statement about the user."""
    return {
        "turn": turn,
        "subject": "user",
        "slot": slot,
        "value": value,
        "quote": quote,
        "ended": False,
        "since": None,
    }


def _with_the_last_repeated(turns: tuple[ScriptedTurn, ...]) -> Iterable[ScriptedTurn]:
    yield from turns
    yield from repeat(turns[-1])
