"""Searching an index: nearest memories, best by words, their neighbours, their union; on whichever Qdrant engine."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from memoryos_adapters.storage.bm25 import weigh_document, weigh_query
from memoryos_adapters.storage.conditions import (
    Clause,
    HasId,
    HasVector,
    PointCondition,
    during,
    equals,
    is_empty,
    is_one_of,
)
from memoryos_adapters.storage.filter_bounds import at_least
from memoryos_adapters.storage.idf import Holder, read_idf
from memoryos_adapters.storage.known import Known, Near, best_chunks
from memoryos_adapters.storage.payload import kind_key
from memoryos_adapters.storage.requests import (
    SPARSE,
    Count,
    Learn,
    Lookup,
    Plan,
    Rank,
    SparseVector,
    ask,
    together,
)
from memoryos_adapters.storage.term_scores import grown_idf, term_scores
from memoryos_adapters.storage.vectors import cosine_of
from memoryos_ports.embedding import Vector
from memoryos_ports.filters import matches
from memoryos_ports.ids import AgentId
from memoryos_ports.memory import (
    Candidate,
    Chunk,
    Found,
    IndexEntry,
    KnowledgeCandidate,
    Memory,
    MemoryKind,
    MemoryQuery,
    Page,
)

_WIDEN_BY = 4


class _Hit(NamedTuple):
    memory: Memory
    chunk: Chunk
    cosine: float | None
    words: dict[int, float]


def search(points: Mapping[str, Known], query: MemoryQuery) -> Plan[Found]:
    """Return the candidates of a query; see `MemoryStorage.search`.

    `points` is what is known of the index; the requests of this plan add to it, and nothing is taken away meanwhile.
    """
    pages: list[Candidate] = []
    knowledge: list[KnowledgeCandidate] = []
    found = yield from together(*(_KindSearch(points, query, kind).run() for kind in sorted(query.kinds)))
    for memory, chunk, cosine, words in (hit for hits in found for hit in hits):
        if isinstance(memory, Page):
            pages.append(Candidate(page=memory, chunk=chunk, cosine=cosine, words=words))
        else:
            knowledge.append(KnowledgeCandidate(memory=memory, cosine=cosine, words=words))
    return Found(pages=pages, knowledge=knowledge)


class _KindSearch:
    """One search among the memories of one kind."""

    def __init__(self, points: Mapping[str, Known], query: MemoryQuery, kind: MemoryKind) -> None:
        self._query = query
        self._kind = kind
        self._limit = query.limit if kind == "page" else query.knowledge_limit
        self._neighbours = query.neighbours if kind == "page" else 0
        self._entries = {entry.memory.id: entry for entry in query.waiting} if kind == "page" else {}
        self._points = points
        self._key = kind_key(query.scope, kind)
        self._corpus = Clause(must=(equals("search_scope", self._key),))
        self._conditions = self._wanted()

    def run(self) -> Plan[list[_Hit]]:
        asked = weigh_query(self._query.terms)
        scores, near, _ = yield from together(self._by_words(asked), self._nearest(), self._learn(self._entries))
        others, _ = yield from together(self._beside([*near], [*scores]), self._learn([*near, *scores]))
        arrived, waiting = self._arrived()
        found = {id: self._memory(id) for id in (*near, *scores, *others, *arrived)}
        memories = {id: memory for id, memory in found.items() if memory is not None}
        cosines, words = yield from together(
            self._nearest_of([id for id in memories if id not in near]), self._words(asked, memories, waiting)
        )
        near |= cosines
        hits = [self._hit(id, memory, near.get(id), words[id]) for id, memory in memories.items()]
        hits += [_waiting_hit(entry, self._query.vector, words[entry.memory.id]) for entry in waiting]
        return [hit for hit in hits if self._query.filters is None or matches(self._query.filters, hit.memory)]

    def _by_words(self, asked: dict[int, float]) -> Plan[dict[str, float]]:
        """Return BM25 scores, best first; the corpus of the IDF is the kind's whole scope, whatever else is wanted."""
        if not asked:
            return {}
        words = SparseVector([*asked], [*asked.values()])
        wanted = Clause(must=self._conditions)
        return (yield from ask(Rank(vector=words, wanted=wanted, limit=self._limit, corpus=self._corpus)))

    def _nearest(self) -> Plan[dict[str, Near]]:
        """Return the nearest memories; looks further when the chunks of a few of them fill the list of points."""
        if self._query.vector is None:
            return {}
        limit = self._limit
        while True:
            wanted = Clause(must=self._conditions)
            near = yield from ask(Rank(vector=self._query.vector, wanted=wanted, limit=limit))
            memories = best_chunks(self._points, near)
            if len(memories) >= self._limit or len(near) < limit:
                return dict(islice(memories.items(), self._limit))
            limit *= _WIDEN_BY

    def _beside(self, near: Sequence[str], by_words: Sequence[str]) -> Plan[list[str]]:
        """Return the pages said right before and right after the best of both lists."""
        best = {*near[: self._neighbours], *by_words[: self._neighbours]}
        if not best:
            return []
        yield from self._learn(best)
        pages = map(self._memory, best)
        before = {page.follows for page in pages if isinstance(page, Page) and page.follows}
        beside: list[PointCondition] = [is_one_of("follows", best)]
        if before:
            beside.append(HasId((*before,)))
        wanted = Clause(must=self._conditions, should=(*beside,))
        return (yield from ask(Lookup(wanted=wanted, limit=4 * len(best))))

    def _learn(self, ids: Iterable[str]) -> Plan[None]:
        if unknown := [id for id in ids if id not in self._points]:
            yield from ask(Learn(ids=unknown))

    def _memory(self, id: str) -> Memory | None:
        """Return the memory that a point stands for: none where a chunk has outlived its own, by a delete cut short."""
        known = self._points.get(id)
        return None if known is None else known.memory

    def _arrived(self) -> tuple[list[str], list[IndexEntry]]:
        """Return those of the waiting that the index holds by now, if they may be found, and those it does not know."""
        known = {id: self._points[id] for id in self._entries if id in self._points}
        arrived = [id for id, point in known.items() if point.memory is not None and point.key == self._key]
        return [*arrived], [entry for id, entry in self._entries.items() if id not in known]

    def _nearest_of(self, memories: Iterable[str]) -> Plan[dict[str, Near]]:
        """Return the best chunks of memories that are known."""
        owners = {point: id for id in memories for point in self._points[id].points}
        if self._query.vector is None or not owners:
            return {}
        wanted = Clause(must=(HasId((*owners,)),))
        rank = Rank(vector=self._query.vector, wanted=wanted, limit=len(owners), learn="chunk", exact=True)
        scores = yield from ask(rank)
        best: dict[str, Near] = {}
        for point, cosine in scores.items():
            best.setdefault(owners[point], Near(cosine, point))
        yield from self._learn(near.point for near in best.values())
        return best

    def _words(
        self, asked: Collection[int], ids: Iterable[str], waiting: Sequence[IndexEntry]
    ) -> Plan[dict[str, dict[int, float]]]:
        """Return what each term adds to the scores of memories that are known, and of those that wait."""
        indexed = {id: self._points[id].words for id in ids}
        joining: dict[str, dict[int, float]] = {entry.memory.id: weigh_document(entry.terms) for entry in waiting}
        holders: dict[int, Holder | None] = dict.fromkeys(
            term for term in asked if any(term in words for words in joining.values())
        )
        holders |= _holders(asked, indexed)
        if not holders:
            return term_scores(indexed | joining, {})
        if not joining:
            return term_scores(indexed, (yield from read_idf(self._points, self._corpus, holders)))
        counted = Clause(must=(*self._corpus.must, HasVector(SPARSE)))
        idf, size = yield from together(read_idf(self._points, self._corpus, holders), ask(Count(wanted=counted)))
        return term_scores(indexed | joining, grown_idf(holders, idf, size=size, joining=[*joining.values()]))

    def _hit(self, id: str, memory: Memory, near: Near | None, words: dict[int, float]) -> _Hit:
        chunk = self._points[id if near is None else near.point].chunk
        return _Hit(memory, chunk, None if near is None else near.cosine, words)

    def _wanted(self) -> tuple[PointCondition, ...]:
        query = self._query
        conditions: list[PointCondition] = [*self._corpus.must]
        if query.session_id is not None:
            conditions.append(equals("session_id", query.session_id))
        if query.agent_id is not None:
            conditions.append(_of_agent(query.agent_id, self._kind))
        if query.until is not None:
            conditions.append(during("timestamp", lte=query.until))
        if query.filters is not None:
            conditions.append(at_least(query.filters))
        return (*conditions,)


def _waiting_hit(entry: IndexEntry, vector: Vector | None, words: dict[int, float]) -> _Hit:
    """Return a memory that is in no index yet, with its best chunk."""
    cosines = {
        chunk.number: cosine_of(vector, chunk.vector)
        for chunk in entry.chunks
        if vector is not None and chunk.vector is not None
    }
    best = max(cosines, key=lambda number: cosines[number], default=0)
    return _Hit(entry.memory, msgspec.structs.replace(entry.chunks[best], vector=None), cosines.get(best), words)


def _holders(asked: Iterable[int], documents: Mapping[str, Mapping[int, float]]) -> dict[int, Holder]:
    """Return the first document for each of the terms that any has."""
    firsts = ((term, next((id for id, words in documents.items() if term in words), None)) for term in asked)
    return {term: Holder(id, documents[id][term]) for term, id in firsts if id is not None}


def _of_agent(agent_id: AgentId, kind: MemoryKind) -> PointCondition:
    """Return the condition for what an agent may see: its own pages, and of knowledge what belongs to no agent too."""
    own = equals("agent_id", agent_id)
    return own if kind == "page" else Clause(must=(), should=(own, is_empty("agent_id")))
