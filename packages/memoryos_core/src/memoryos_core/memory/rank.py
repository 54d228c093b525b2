"""The ranker: a pure weighted sum of cheap features over the candidates of one query, no LLM, no training data."""

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import Candidate, Chunk, KnowledgeCandidate, Page

WEIGHTS = {"cosine": 4.57, "bm25": 1.66, "speaker": 2.55}
"""Fitted on the open halves of LoCoMo and BEAM-100K: cosine of the best chunk, BM25 of the turn divided by the query's
best, and whether the question names the speaker."""

_TOTAL = sum(WEIGHTS.values())
_NAME_WORD = re.compile(r"\w+")


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A page that answers a query. `score` is 0..1, higher is better, comparable within one answer.

    `features` are the parts of the score before squashing: weight times value, by name.
    """

    page: Page
    chunk: Chunk
    score: float
    features: dict[str, float]

    @property
    def excerpt(self) -> str:
        """The text of the best chunk."""
        return self.page.text[self.chunk.start : self.chunk.end]


class KnowledgeHit(msgspec.Struct, frozen=True, kw_only=True):
    """A segment or a fact that answers a query; `score` and `features` as of a page."""

    memory: Segment | Fact
    score: float
    features: dict[str, float]


def rank_knowledge(candidates: Sequence[KnowledgeCandidate], *, held_at: datetime) -> list[KnowledgeHit]:
    """Return segments and the facts that held at that moment, best first; ties go to the newer one."""
    best_bm25 = max((c.bm25 for c in candidates), default=0.0) or 1.0
    hits = [
        _knowledge_hit(candidate, best_bm25)
        for candidate in candidates
        if not isinstance(candidate.memory, Fact) or candidate.memory.holds_at(held_at)
    ]
    return sorted(hits, key=lambda hit: (-hit.score, -hit.memory.timestamp.timestamp(), hit.memory.id))


def _knowledge_hit(candidate: KnowledgeCandidate, best_bm25: float) -> KnowledgeHit:
    features = {
        "cosine": WEIGHTS["cosine"] * (candidate.cosine or 0.0),
        "bm25": WEIGHTS["bm25"] * candidate.bm25 / best_bm25,
    }
    score = sum(features.values()) / (WEIGHTS["cosine"] + WEIGHTS["bm25"])
    return KnowledgeHit(memory=candidate.memory, score=min(1.0, max(0.0, score)), features=features)


def rank_candidates(question: str, candidates: Sequence[Candidate]) -> list[Hit]:
    """Return one hit per candidate, best first; ties go to the newer page, then by id. Input order does not matter.

    A cosine that was not among the nearest counts as the lowest one seen, a missing BM25 as 0.
    """
    if not candidates:
        return []
    cosines = [c.cosine for c in candidates if c.cosine is not None]
    floor = min(cosines, default=0.0)
    best_bm25 = max((c.bm25 for c in candidates), default=0.0) or 1.0
    words = frozenset(_NAME_WORD.findall(question.casefold()))
    hits = [_hit(candidate, floor, best_bm25, words) for candidate in candidates]
    return sorted(hits, key=_order)


def _hit(candidate: Candidate, floor: float, best_bm25: float, words: frozenset[str]) -> Hit:
    cosine = floor if candidate.cosine is None else candidate.cosine
    features = {
        "cosine": WEIGHTS["cosine"] * cosine,
        "bm25": WEIGHTS["bm25"] * candidate.bm25 / best_bm25,
        "speaker": WEIGHTS["speaker"] * _is_named(candidate.page.name, words),
    }
    score = min(1.0, max(0.0, sum(features.values()) / _TOTAL))
    return Hit(page=candidate.page, chunk=candidate.chunk, score=score, features=features)


def _is_named(name: str | None, words: frozenset[str]) -> bool:
    return name is not None and not words.isdisjoint(_NAME_WORD.findall(name.casefold()))


def _order(hit: Hit) -> tuple[float, float, float, int, str]:
    page = hit.page
    return (-hit.score, -page.timestamp.timestamp(), -page.accepted_at.timestamp(), -page.index, page.id)
