"""Segments and facts beside pages: ranked by the same features, so that their scores can be compared."""

from datetime import datetime

import msgspec

from memoryos_core.ranking.ranker import Hit, rank
from memoryos_ports.ids import EventId
from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import Candidate, Chunk, Found, KnowledgeCandidate, Page, speaker_of


class KnowledgeHit(msgspec.Struct, frozen=True, kw_only=True):
    """A segment or a fact that answers a question; the figures as of a page."""

    memory: Segment | Fact
    score: float
    features: dict[str, float]
    cosine: float = 0.0
    bm25: float = 0.0


def rank_found(
    question: str, found: Found, *, asked_at: datetime, held_at: datetime, limit: int
) -> tuple[list[Hit], list[KnowledgeHit]]:
    """Return the best `limit`: pages, and segments with the facts that held at `held_at`, each best first."""
    known = {candidate.memory.id: candidate for candidate in found.knowledge if _held(candidate, held_at)}
    stand_ins = [_as_page(candidate) for candidate in known.values()]
    hits = rank(question, [*found.pages, *stand_ins], asked_at=asked_at, limit=limit)
    knowledge = [
        KnowledgeHit(
            memory=known[hit.page.id].memory,
            score=hit.score,
            features=hit.features,
            cosine=hit.cosine,
            bm25=hit.bm25,
        )
        for hit in hits
        if hit.page.id in known
    ]
    return [hit for hit in hits if hit.page.id not in known], knowledge


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
