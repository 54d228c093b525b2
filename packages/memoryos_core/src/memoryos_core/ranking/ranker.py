"""The ranker: a pure weighted sum of cheap features over the candidates of one question, no LLM."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from memoryos_core.ranking.dates import holds_any
from memoryos_core.ranking.features import FEATURES
from memoryos_core.ranking.passage import asked_words, best_passage
from memoryos_core.ranking.question import Asked, read_question
from memoryos_core.ranking.turns import Column, Turns, lay_out
from memoryos_core.ranking.weights import MIDPOINT, WEIGHTS
from memoryos_core.times import find_periods
from memoryos_ports.memory import Candidate, Chunk, Page

_SURELY_NOT = 700.0  # exp of more overflows


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A page that answers a question. `score` is 0..1, higher is better, comparable within one answer.

    `features` are the parts whose sum the score stands for: weight times value, by name. `cosine` and `bm25` are those
    of the candidate, 0 where there is none.
    """

    page: Page
    chunk: Chunk
    score: float
    features: dict[str, float]
    cosine: float = 0.0
    bm25: float = 0.0

    @property
    def excerpt(self) -> str:
        """The text of the best chunk."""
        return self.page.text[self.chunk.start : self.chunk.end]


def rank(question: str, candidates: Sequence[Candidate], *, asked_at: datetime, limit: int | None = None) -> list[Hit]:
    """Return the best `limit` candidates as hits, best first, all of them for None; ties go to the newer page.

    Input order does not matter. Takes about 3 ms for 400 candidates, 5 ms when the question is "when".
    """
    columns = feature_columns(question, candidates, asked_at=asked_at)
    weighted = [[WEIGHTS[name] * value for value in column] for name, column in columns.items()]
    sums = [sum(row) for row in zip(*weighted, strict=True)]
    best = sorted(range(len(candidates)), key=lambda at: (sums[at], *_order(candidates[at].page)), reverse=True)
    words = asked_words(question)
    return [
        _hit(candidates[at], words, {name: part[at] for name, part in zip(columns, weighted, strict=True)})
        for at in best[:limit]
    ]


def score_of(features: Mapping[str, float]) -> float:
    """Return the score that parts add up to."""
    return 1 / (1 + math.exp(min(MIDPOINT - sum(features.values()), _SURELY_NOT)))


def feature_columns(question: str, candidates: Sequence[Candidate], *, asked_at: datetime) -> dict[str, Column]:
    """Return the values of every feature by name, in the order of the candidates, before they are weighted."""
    turns = lay_out(candidates)
    asked = _read(question, turns, asked_at)
    return {feature.__name__: feature(asked, turns) for feature in FEATURES}


def _read(question: str, turns: Turns, asked_at: datetime) -> Asked:
    """Read a question; "in May" is the last May that memory knows of when that of this year is not among the turns."""
    asked = read_question(question, asked_at=asked_at)
    if not asked.periods or not turns.candidates or holds_any(asked.periods, turns):
        return asked
    newest = max(candidate.page.timestamp for candidate in turns.candidates)
    return msgspec.structs.replace(asked, periods=tuple(find_periods(question, asked_at=newest)))


def _hit(candidate: Candidate, words: frozenset[str], parts: dict[str, float]) -> Hit:
    return Hit(
        page=candidate.page,
        chunk=best_passage(words, candidate),
        score=score_of(parts),
        features=parts,
        cosine=candidate.cosine or 0.0,
        bm25=candidate.bm25,
    )


def _order(page: Page) -> tuple[datetime, datetime, int, str]:
    return (page.timestamp, page.accepted_at, page.index, page.id)
