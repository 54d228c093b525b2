"""Segments and facts beside pages: ranked by the same features, so that their scores can be compared."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from memoryos_core.ranking.asked_slots import asks_for
from memoryos_core.ranking.ranker import Hit, rank, score_of
from memoryos_core.ranking.succession import outdated_sources
from memoryos_ports.ids import EventId, MemoryId
from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import Candidate, Chunk, Found, KnowledgeCandidate, Page, speaker_of

ASKED_SLOT = 5.0
"""What it is worth that a fact fills the slot that the question asks for: about as much as all likeness.

Not fitted: the questions of the benchmarks are about what was said, not about facts.
"""


class KnowledgeHit(msgspec.Struct, frozen=True, kw_only=True):
    """A segment or a fact that answers a question; the figures as of a page.

    `slot` says that the question asks for what the fact tells, `outdated` names the pages that tell what it replaced.
    """

    memory: Segment | Fact
    score: float
    features: dict[str, float]
    cosine: float = 0.0
    bm25: float = 0.0
    slot: bool = False
    outdated: frozenset[MemoryId] = frozenset()


def rank_found(
    question: str, found: Found, *, asked_at: datetime, held_at: datetime, limit: int
) -> tuple[list[Hit], list[KnowledgeHit]]:
    """Return pages, and segments with the facts that held at `held_at`, each best first: `limit` of every kind."""
    known = {candidate.memory.id: candidate.memory for candidate in found.knowledge if _held(candidate, held_at)}
    stand_ins = [_as_page(candidate) for candidate in found.knowledge if candidate.memory.id in known]
    hits = rank(question, [*found.pages, *stand_ins], asked_at=asked_at)
    facts = [candidate.memory for candidate in found.knowledge if isinstance(candidate.memory, Fact)]
    outdated = outdated_sources(facts, held_at=held_at)
    knowledge = [_known_hit(question, hit, known[hit.page.id], outdated) for hit in hits if hit.page.id in known]
    pages = [hit for hit in hits if hit.page.id not in known]
    return pages[:limit], best_of_kinds(knowledge, limit)


def best_of_kinds(knowledge: Iterable[KnowledgeHit], limit: int) -> list[KnowledgeHit]:
    """Return the best `limit` segments and the best `limit` facts together, best first."""
    best = sorted(knowledge, key=lambda hit: -hit.score)
    facts = [hit for hit in best if isinstance(hit.memory, Fact)][:limit]
    segments = [hit for hit in best if isinstance(hit.memory, Segment)][:limit]
    return sorted([*segments, *facts], key=lambda hit: -hit.score)


def _known_hit(
    question: str, hit: Hit, memory: Segment | Fact, outdated: Mapping[MemoryId, frozenset[MemoryId]]
) -> KnowledgeHit:
    is_asked = isinstance(memory, Fact) and asks_for(question, memory.slot)
    features = hit.features | {"slot": ASKED_SLOT} if is_asked else hit.features
    return KnowledgeHit(
        memory=memory,
        score=score_of(features),
        features=features,
        cosine=hit.cosine,
        bm25=hit.bm25,
        slot=is_asked,
        outdated=outdated.get(memory.id, frozenset()),
    )


def _held(candidate: KnowledgeCandidate, moment: datetime) -> bool:
    return not isinstance(candidate.memory, Fact) or candidate.memory.holds_at(moment)


def _as_page(candidate: KnowledgeCandidate) -> Candidate:
    """Return a candidate as if the user had said it alone at the time from which it holds."""
    memory = candidate.memory
    page = Page(
        id=memory.id,
        scope=memory.scope,
        event_id=EventId(memory.id),
        index=0,
        role="user",
        text=memory.text,
        name=speaker_of(memory) or None,
        timestamp=memory.timestamp,
        accepted_at=memory.accepted_at,
        content_hash="",
    )
    whole = Chunk(number=0, start=0, end=len(memory.text))
    return Candidate(page=page, chunk=whole, cosine=candidate.cosine, words=candidate.words)
