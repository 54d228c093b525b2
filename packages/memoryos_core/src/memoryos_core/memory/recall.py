"""Finding memories again: candidates from the index and the newest turns, ranked; no LLM in it."""

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec
from loguru import logger

from memoryos_core.memory.ingest import spoken
from memoryos_core.memory.rank import Hit, rank_candidates
from memoryos_ports.embedding import Embedder, Vector
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.ids import AgentId, Scope, SessionId
from memoryos_ports.memory import Candidate, Chunk, MemoryQuery, MemoryStorage, Page
from memoryos_ports.short_term import ShortTermStore

CANDIDATES = 200
OVERLAY = 50
OVERLAY_EMBEDDED = 8

_WORD = re.compile(r"\w+")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of one scope's memory. `until` keeps what was said up to that moment."""

    scope: Scope
    text: str
    session_id: SessionId | None = None
    agent_id: AgentId | None = None
    until: datetime | None = None


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """What memory found, best first. `degraded` says that a part of memory did not answer."""

    hits: list[Hit]
    degraded: bool = False


class Recall:
    """Answers questions from the memory of one scope: the index, overlaid with turns that it does not hold yet."""

    def __init__(self, *, storage: MemoryStorage, short_term: ShortTermStore, embedder: Embedder) -> None:
        self._storage = storage
        self._short_term = short_term
        self._embedder = embedder

    async def search(self, question: Question) -> list[Hit]:
        """Return what answers the question, best first, each page once. Raises when a store does not answer."""
        unindexed = await self._unindexed(question)
        vector, overlay = await self._embed(question, unindexed)
        candidates = await self._storage.search(_query(question, vector))
        return rank_candidates(question.text, _union(candidates, overlay))

    async def search_or_degrade(self, question: Question) -> Recalled:
        """Return what can be found even when the index or the embedder does not answer: never raises for them."""
        try:
            return Recalled(hits=await self.search(question))
        except MemoryOSError as exc:
            logger.bind(error=type(exc).__name__).debug("recall without the index")
        try:
            pages = await self._unindexed(question)
        except MemoryOSError:
            return Recalled(hits=[], degraded=True)
        candidates = [_candidate(page, None, _word_overlap(question.text, page)) for page in pages]
        return Recalled(hits=rank_candidates(question.text, candidates), degraded=True)

    async def _unindexed(self, question: Question) -> list[Page]:
        pages = await self._short_term.unindexed(question.scope, limit=OVERLAY)
        return [page for page in pages if _admits(question, page)]

    async def _embed(self, question: Question, unindexed: Sequence[Page]) -> tuple[Vector, list[Candidate]]:
        newest = unindexed[-OVERLAY_EMBEDDED:]
        texts = [question.text, *(spoken(page, page.text) for page in newest)]
        vector, *vectors = await self._embedder.embed(texts)
        known = {page.id: _dot(vector, own) for page, own in zip(newest, vectors, strict=True)}
        overlay = [_candidate(page, known.get(page.id), _word_overlap(question.text, page)) for page in unindexed]
        return vector, overlay


def _query(question: Question, vector: Vector) -> MemoryQuery:
    return MemoryQuery(
        scope=question.scope,
        terms=question.text,
        vector=vector,
        limit=CANDIDATES,
        session_id=question.session_id,
        agent_id=question.agent_id,
        until=question.until,
    )


def _admits(question: Question, page: Page) -> bool:
    return (
        (question.session_id is None or page.session_id == question.session_id)
        and (question.agent_id is None or page.agent_id == question.agent_id)
        and (question.until is None or page.timestamp <= question.until)
    )


def _candidate(page: Page, cosine: float | None, bm25: float | None) -> Candidate:
    chunk = Chunk(number=0, start=0, end=len(page.text))
    return Candidate(page=page, chunk=chunk, cosine=cosine, bm25=bm25)


def _union(indexed: Sequence[Candidate], overlay: Sequence[Candidate]) -> list[Candidate]:
    merged = {candidate.page.id: candidate for candidate in overlay}
    merged.update((candidate.page.id, candidate) for candidate in indexed)
    return list(merged.values())


def _word_overlap(text: str, page: Page) -> float | None:
    """Return how many words of the question a page shares: stands in for BM25 until the page is indexed."""
    shared = len(set(_WORD.findall(text.casefold())) & set(_WORD.findall(page.text.casefold())))
    return float(shared) or None


def _dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
