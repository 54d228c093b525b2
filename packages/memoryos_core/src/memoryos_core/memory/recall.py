"""Finding memories again: candidates from the index and the newest turns, ranked; no LLM in it."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from loguru import logger

from memoryos_core.memory.ingest import spoken
from memoryos_core.memory.rank import Hit, rank_candidates
from memoryos_ports.embedding import Embedder, Vector
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.ids import AgentId, MemoryId, Scope, SessionId
from memoryos_ports.memory import Candidate, Chunk, MemoryQuery, MemoryStorage, Page
from memoryos_ports.short_term import ShortTermStore

CANDIDATES = 200
OVERLAY = 50
OVERLAY_EMBEDDED = 4

QUESTION_CHARS = 4096
"""How much of a question, and of a fresh turn, is compared word by word."""

_EMBEDDED_CHARS = 1024  # what an embedder reads of a text, about
_FRESH_VECTORS_KEPT = 512
_INDEX_SHARE = 0.8  # of the time that a recall may take; the rest is for what to do without the index

_WORD = re.compile(r"\w+")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of one scope's memory. `until` keeps what was said up to that moment."""

    scope: Scope
    text: str
    session_id: SessionId | None = None
    agent_id: AgentId | None = None
    until: datetime | None = None

    def admits(self, page: Page) -> bool:
        """Return whether a page of the scope may answer."""
        return (
            (self.session_id is None or page.session_id == self.session_id)
            and (self.agent_id is None or page.agent_id == self.agent_id)
            and (self.until is None or page.timestamp <= self.until)
        )


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
        self._fresh_vectors: dict[MemoryId, Vector] = {}

    async def search(self, question: Question) -> list[Hit]:
        """Return what answers the question, best first, each page once. Raises when a store does not answer."""
        question = _bounded(question)
        pages = await self._unindexed(question)
        vector, known = await self._embed(question, pages[-OVERLAY_EMBEDDED:])
        candidates = await self._storage.search(_query(question, vector))
        return rank_candidates(question.text, _union(candidates, _overlay(question, pages, known)))

    async def search_or_degrade(self, question: Question, *, timeout_s: float) -> Recalled:
        """Return within `timeout_s` what can be found, never raising for a store or an embedder.

        When the index or the embedder does not answer in time, it is the fresh turns that share words.
        """
        try:
            async with asyncio.timeout(timeout_s * _INDEX_SHARE):
                return Recalled(hits=await self.search(question))
        except (MemoryOSError, TimeoutError) as exc:
            logger.bind(error=type(exc).__name__).debug("recall without the index")
        question = _bounded(question)
        try:
            async with asyncio.timeout(timeout_s * (1 - _INDEX_SHARE)):
                pages = await self._unindexed(question)
        except (MemoryOSError, TimeoutError):
            return Recalled(hits=[], degraded=True)
        return Recalled(hits=rank_candidates(question.text, _overlay(question, pages, {})), degraded=True)

    async def pages(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Page]:
        """Return those of the pages that exist, indexed or waiting, in the order asked for."""
        found = {page.id: page for page in await self._short_term.get(scope, ids)}  # first: one may be indexed now
        found |= {page.id: page for page in await self._storage.get(scope, ids)}
        return [found[id_] for id_ in ids if id_ in found]

    async def _unindexed(self, question: Question) -> list[Page]:
        pages = await self._short_term.unindexed(question.scope, limit=OVERLAY)
        return [page for page in pages if question.admits(page)]

    async def _embed(self, question: Question, fresh: Sequence[Page]) -> tuple[Vector, dict[MemoryId, float]]:
        """Return the question's vector, and its cosine to fresh turns by id.

        Texts are given one by one: an embedder serves them before the batches that are being ingested.
        """
        vector, *own = await asyncio.gather(self._vector(question.text), *(self._fresh_vector(page) for page in fresh))
        return vector, {page.id: _dot(vector, mine) for page, mine in zip(fresh, own, strict=True)}

    async def _vector(self, text: str) -> Vector:
        (vector,) = await self._embedder.embed([text])
        return vector

    async def _fresh_vector(self, page: Page) -> Vector:
        """Return the vector of a turn that is not indexed yet; many questions may be asked until it is."""
        if (known := self._fresh_vectors.get(page.id)) is not None:
            return known
        vector = await self._vector(spoken(page, page.text[:_EMBEDDED_CHARS]))
        self._fresh_vectors[page.id] = vector
        while len(self._fresh_vectors) > _FRESH_VECTORS_KEPT:
            del self._fresh_vectors[next(iter(self._fresh_vectors))]
        return vector


def _bounded(question: Question) -> Question:
    return msgspec.structs.replace(question, text=question.text[:QUESTION_CHARS])


def _overlay(question: Question, pages: Sequence[Page], cosines: Mapping[MemoryId, float]) -> list[Candidate]:
    asked = _words(question.text)
    return [_candidate(page, cosines.get(page.id), len(asked & _words(page.text[:QUESTION_CHARS]))) for page in pages]


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


def _candidate(page: Page, cosine: float | None, shared_words: int) -> Candidate:
    """Return a candidate that is not indexed yet: the words it shares with the question stand in for BM25."""
    chunk = Chunk(number=0, start=0, end=len(page.text))
    return Candidate(page=page, chunk=chunk, cosine=cosine, bm25=float(shared_words) or None)


def _union(indexed: Sequence[Candidate], overlay: Sequence[Candidate]) -> list[Candidate]:
    merged = {candidate.page.id: candidate for candidate in overlay}
    merged.update((candidate.page.id, candidate) for candidate in indexed)
    return list(merged.values())


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


def _dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
