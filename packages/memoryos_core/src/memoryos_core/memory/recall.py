"""Finding memories again: candidates from the index and the newest turns, ranked; no LLM in it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec
from loguru import logger

from memoryos_core.memory.embedding_policy import GuardedEmbedder
from memoryos_core.memory.indexing import spoken
from memoryos_core.memory.successors import with_successors
from memoryos_core.memory.word_match import match_words
from memoryos_core.ranking.knowledge import KnowledgeHit, rank_found
from memoryos_core.ranking.ranker import Hit, rank
from memoryos_core.ranking.topic import topic
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.safety.redaction import Redactor
from memoryos_ports.embedding import Embedder, Vector
from memoryos_ports.errors import MemoryOSError, UpstreamError
from memoryos_ports.filters import Filter, matches
from memoryos_ports.ids import AgentId, MemoryId, Scope, SessionId
from memoryos_ports.knowledge import Fact
from memoryos_ports.memory import Chunk, Found, IndexEntry, Memory, MemoryKind, MemoryQuery, MemoryStorage, Page
from memoryos_ports.short_term import ShortTermStore

CANDIDATES = 200
KNOWLEDGE = 50
NEIGHBOURS = 50
OVERLAY = 50
OVERLAY_EMBEDDED = 4
LATEST = 200
"""How many of the newest turns stand in for an index that is down."""

QUESTION_CHARS = 4096
"""How much of a question, and of a fresh turn, is compared word by word."""

_EMBEDDED_CHARS = 1024  # what an embedder reads of a text, about
_FRESH_VECTORS_KEPT = 512
_EMBED_SHARE = 0.5  # of the time that a recall may take; the rest is for the index
_INDEX_SHARE = 0.8  # of the time that a recall may take; the rest is for what to do without the index


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of one scope's memory, at the moment `asked_at`.

    `until` keeps pages that were said up to that moment, and facts that held at it. The best `limit` of every kind are
    returned. A sensitive question is seen by local embedders only.
    """

    scope: Scope
    text: str
    asked_at: datetime
    kinds: frozenset[MemoryKind] = frozenset({"page"})
    session_id: SessionId | None = None
    agent_id: AgentId | None = None
    until: datetime | None = None
    filters: Filter | None = None
    limit: int = CANDIDATES
    sensitive: bool = False

    @property
    def held_at(self) -> datetime:
        """The moment at which a fact must hold to answer."""
        return self.until or self.asked_at

    def admits(self, page: Page) -> bool:
        """Return whether a page of the scope may answer."""
        return (
            not page.is_hidden
            and (self.session_id is None or page.session_id == self.session_id)
            and (self.agent_id is None or page.agent_id == self.agent_id)
            and (self.until is None or page.timestamp <= self.until)
            and (self.filters is None or matches(self.filters, page))
        )

    def admits_fact(self, fact: Fact) -> bool:
        """Return whether a fact of the scope may answer, whenever it held."""
        return (
            self.filters is None
            and (self.session_id is None or fact.session_id == self.session_id)
            and (self.agent_id is None or fact.agent_id in (None, self.agent_id))
        )


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """What memory found, best first. `degraded` says that a part of memory did not answer."""

    hits: list[Hit] = []
    knowledge: list[KnowledgeHit] = []
    degraded: bool = False


class Recall:
    """Answers questions from the memory of one scope: the index, overlaid with turns that it does not hold yet."""

    def __init__(
        self,
        *,
        storage: MemoryStorage,
        short_term: ShortTermStore,
        embedder: Embedder,
        rules: SensitiveRules | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self._storage = storage
        self._short_term = short_term
        self._embedder = GuardedEmbedder(embedder, rules)
        self._rules = rules or SensitiveRules()
        self._redactor = redactor or Redactor()
        self._fresh_vectors: dict[MemoryId, Vector] = {}

    @property
    def embeds_locally(self) -> bool:
        """Whether a question stays on our own machines."""
        return self._embedder.is_local

    def forget(self) -> None:
        """Drop the vectors of fresh turns that are kept: somebody's memory was erased."""
        self._fresh_vectors.clear()

    async def search(self, question: Question, *, embed_timeout_s: float | None = None) -> Recalled:
        """Return what answers the question, best first, each memory once.

        Degraded by an embedder that does not answer (in time): the index is then asked by words only; and by an index
        that cannot be reached: short-term memory is then. Raises when that does not answer either, or has none of the
        kinds that are asked for.
        """
        question = self._taken(question)
        pages = await self._unindexed(question)
        try:
            async with asyncio.timeout(embed_timeout_s):
                vector, waiting = await self._embed(question, pages)
        except (UpstreamError, TimeoutError) as exc:
            logger.bind(error=type(exc).__name__).debug("recall without vectors")
            vector, waiting, degraded = None, [_as_indexed(page, None) for page in pages], True
        else:
            degraded = False
        try:
            found = await self._find(question, _query(question, vector, waiting))
        except UpstreamError as exc:
            if "page" not in question.kinds:
                raise
            logger.bind(error=type(exc).__name__).debug("recall without the index")
            return await self._search_short_term(question)
        hits, knowledge = rank_found(
            question.text, found, asked_at=question.asked_at, held_at=question.held_at, limit=question.limit
        )
        return Recalled(hits=hits, knowledge=knowledge, degraded=degraded)

    async def search_or_degrade(self, question: Question, *, timeout_s: float) -> Recalled:
        """Return within `timeout_s` what can be found, never raising for a store or an embedder.

        When the embedder does not answer in time, it is what the index finds by words; when the index does not, the
        newest turns that share words.
        """
        try:
            async with asyncio.timeout(timeout_s * _INDEX_SHARE):
                return await self.search(question, embed_timeout_s=timeout_s * _EMBED_SHARE)
        except (MemoryOSError, TimeoutError) as exc:
            logger.bind(error=type(exc).__name__).debug("recall not in time")
        try:
            async with asyncio.timeout(timeout_s * (1 - _INDEX_SHARE)):
                return await self._search_short_term(self._taken(question))
        except (MemoryOSError, TimeoutError):
            return Recalled(degraded=True)

    async def memories(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Memory]:
        """Return those of the memories that exist, indexed or waiting, in the order asked for."""
        # Short-term memory is asked first: a turn may be indexed at this moment.
        found: dict[MemoryId, Memory] = {page.id: page for page in await self._short_term.get(scope, ids)}
        found |= {memory.id: memory for memory in await self._storage.get(scope, ids)}
        return [found[id_] for id_ in ids if id_ in found]

    def _taken(self, question: Question) -> Question:
        """Return a question in the words that memory has: redacted as its texts are, and not too long."""
        if self._redactor:
            sensitive = question.sensitive or self._rules.match(question.text)
            text = self._redactor.redact(question.text)
            question = msgspec.structs.replace(question, text=text, sensitive=sensitive)
        return msgspec.structs.replace(question, text=question.text[:QUESTION_CHARS])

    async def _find(self, question: Question, query: MemoryQuery) -> Found:
        found = await self._storage.search(query)
        return await with_successors(
            self._storage, question.scope, found, held_at=question.held_at, admits=question.admits_fact
        )

    async def _search_short_term(self, question: Question) -> Recalled:
        """Return those of the newest turns, and of what is not indexed yet, that share words with the question."""
        if "page" not in question.kinds:
            return Recalled(degraded=True)
        asked = self._short_term.latest(question.scope, limit=LATEST)
        latest, fresh = await asyncio.gather(asked, self._unindexed(question))
        pages = {page.id: page for page in (*latest, *fresh) if question.admits(page)}
        candidates = match_words(question.text, [*pages.values()], chars=QUESTION_CHARS)
        hits = rank(question.text, candidates, asked_at=question.asked_at, limit=question.limit)
        return Recalled(hits=hits, degraded=True)

    async def _unindexed(self, question: Question) -> list[Page]:
        if "page" not in question.kinds:
            return []
        pages = await self._short_term.unindexed(question.scope, limit=OVERLAY)
        return [page for page in pages if question.admits(page)]

    async def _embed(self, question: Question, fresh: Sequence[Page]) -> tuple[Vector | None, list[IndexEntry]]:
        """Return the question's vector, and the fresh turns as they would be indexed, the newest with vectors.

        Texts are given one by one: an embedder serves them before the batches that are being ingested.
        """
        newest = fresh[-OVERLAY_EMBEDDED:]
        asked = self._embedder.vector(topic(question.text), sensitive=question.sensitive)
        vector, *own = await asyncio.gather(asked, *map(self._fresh_vector, newest))
        vectors = {page.id: mine for page, mine in zip(newest, own, strict=True)}
        return vector, [_as_indexed(page, vectors.get(page.id)) for page in fresh]

    async def _fresh_vector(self, page: Page) -> Vector | None:
        """Return the vector of a turn that is not indexed yet; many questions may be asked until it is."""
        if (known := self._fresh_vectors.get(page.id)) is not None:
            return known
        text = spoken(page, page.text[:_EMBEDDED_CHARS])
        vector = await self._embedder.vector(text, sensitive=page.sensitive)
        if vector is not None:
            self._fresh_vectors[page.id] = vector
        while len(self._fresh_vectors) > _FRESH_VECTORS_KEPT:
            del self._fresh_vectors[next(iter(self._fresh_vectors))]
        return vector


def _query(question: Question, vector: Vector | None, waiting: Sequence[IndexEntry]) -> MemoryQuery:
    return MemoryQuery(
        scope=question.scope,
        terms=topic(question.text),
        vector=vector,
        limit=CANDIDATES,
        kinds=question.kinds,
        knowledge_limit=KNOWLEDGE,
        neighbours=NEIGHBOURS,
        session_id=question.session_id,
        agent_id=question.agent_id,
        until=question.until,
        filters=question.filters,
        waiting=tuple(waiting),
    )


def _as_indexed(page: Page, vector: Vector | None) -> IndexEntry:
    whole = Chunk(number=0, start=0, end=len(page.text), vector=vector)
    return IndexEntry(memory=page, chunks=(whole,), terms=spoken(page, page.text[:QUESTION_CHARS]))
