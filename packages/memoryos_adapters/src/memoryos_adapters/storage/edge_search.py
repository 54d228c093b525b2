"""Searching a shard of the in-process Qdrant engine: nearest memories, best by words, their neighbours, their union."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec
from qdrant_edge import (
    EdgeShard,
    FieldCondition,
    Filter,
    HasIdCondition,
    IsEmptyCondition,
    MatchAny,
    MatchValue,
    Query,
    RangeDateTime,
    ScrollRequest,
    SparseVector,
)

from memoryos_adapters.storage.bm25 import weigh_document, weigh_query
from memoryos_adapters.storage.edge_filters import to_engine
from memoryos_adapters.storage.edge_idf import EdgeIdf, Holder
from memoryos_adapters.storage.edge_points import Near, Points, id_of
from memoryos_adapters.storage.edge_shard import DENSE, SPARSE
from memoryos_adapters.storage.payload import kind_key
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


def search_shard(shard: EdgeShard, points: Points, query: MemoryQuery) -> Found:
    """Return the candidates of a query; see `MemoryStorage.search`. `points` is what is known of this shard."""
    points.make_room()
    pages: list[Candidate] = []
    knowledge: list[KnowledgeCandidate] = []
    for kind in sorted(query.kinds):
        for memory, chunk, cosine, words in _KindSearch(shard, points, query, kind).run():
            if isinstance(memory, Page):
                pages.append(Candidate(page=memory, chunk=chunk, cosine=cosine, words=words))
            else:
                knowledge.append(KnowledgeCandidate(memory=memory, cosine=cosine, words=words))
    return Found(pages=pages, knowledge=knowledge)


class _KindSearch:
    """One search among the memories of one kind."""

    def __init__(self, shard: EdgeShard, points: Points, query: MemoryQuery, kind: MemoryKind) -> None:
        self._shard = shard
        self._query = query
        self._kind = kind
        self._limit = query.limit if kind == "page" else query.knowledge_limit
        self._points = points
        self._key = kind_key(query.scope, kind)
        self._corpus = _match("search_scope", self._key)
        self._idf = EdgeIdf(shard, self._corpus)
        self._conditions = self._wanted()

    def run(self) -> list[_Hit]:
        asked = weigh_query(self._query.terms)
        scores = self._best_by_words(asked) if asked else {}
        near = {} if self._query.vector is None else self._nearest(self._query.vector)
        others = self._neighbours([*near], [*scores]) if self._kind == "page" and self._query.neighbours else []
        arrived, waiting = self._waiting()
        self._points.read([*near, *scores])
        found = {id: self._points.memory(id) for id in (*near, *scores, *others, *arrived)}
        memories = {id: memory for id, memory in found.items() if memory is not None}
        if self._query.vector is not None:
            near |= self._points.nearest_of(self._query.vector, [id for id in memories if id not in near])
        words = self._term_scores(asked, memories, waiting)
        hits = [self._hit(id, memory, near.get(id), words[id]) for id, memory in memories.items()]
        hits += [_waiting_hit(entry, self._query.vector, words[entry.memory.id]) for entry in waiting]
        return [hit for hit in hits if self._query.filters is None or matches(self._query.filters, hit.memory)]

    def _waiting(self) -> tuple[list[str], list[IndexEntry]]:
        """Return those of the waiting that the index holds by now, if they may be found, and those it does not know."""
        entries = {entry.memory.id: entry for entry in self._query.waiting} if self._kind == "page" else {}
        self._points.read(entries)
        known = {id: self._points[id] for id in entries if id in self._points}
        arrived = [id for id, point in known.items() if point.memory is not None and point.key == self._key]
        return [*arrived], [entry for id, entry in entries.items() if id not in known]

    def _term_scores(
        self, asked: Collection[int], ids: Iterable[str], waiting: Sequence[IndexEntry]
    ) -> dict[str, dict[int, float]]:
        indexed = {id: self._points[id].words for id in ids}
        joining: dict[str, dict[int, float]] = {entry.memory.id: weigh_document(entry.terms) for entry in waiting}
        holders: dict[int, Holder | None] = dict.fromkeys(
            term for term in asked if any(term in words for words in joining.values())
        )
        holders |= _holders(asked, indexed)
        idf = self._idf.read(holders)
        if joining and holders:
            idf = grown_idf(holders, idf, size=self._idf.size(), joining=[*joining.values()])
        return term_scores(indexed | joining, idf)

    def _hit(self, id: str, memory: Memory, near: Near | None, words: dict[int, float]) -> _Hit:
        chunk = self._points[id if near is None else near.point].chunk
        return _Hit(memory, chunk, None if near is None else near.cosine, words)

    def _nearest(self, vector: Vector) -> dict[str, Near]:
        """Return the nearest memories; looks further when the chunks of a few of them fill the list of points."""
        limit = self._limit
        while True:
            near = self._points.query(Query.Nearest(vector, using=DENSE), Filter(must=[*self._conditions]), limit)
            memories = self._points.by_memory(near)
            if len(memories) >= self._limit or len(near) < limit:
                return dict(islice(memories.items(), self._limit))
            limit *= _WIDEN_BY

    def _best_by_words(self, asked: dict[int, float]) -> dict[str, float]:
        """Return BM25 scores, best first; the corpus of the IDF is the kind's whole scope, whatever else is wanted."""
        query = Query.Nearest(SparseVector([*asked], [*asked.values()]), using=SPARSE)
        return self._points.query(query, Filter(must=[*self._conditions]), self._limit, self._idf.params)

    def _neighbours(self, near: Sequence[str], by_words: Sequence[str]) -> list[str]:
        """Return the pages said right before and right after the best of both lists."""
        best = {*near[: self._query.neighbours], *by_words[: self._query.neighbours]}
        if not best:
            return []
        self._points.read(best)
        pages = map(self._points.memory, best)
        before = {page.follows for page in pages if isinstance(page, Page) and page.follows}
        beside: list[HasIdCondition | FieldCondition] = [FieldCondition("follows", match=MatchAny([*best]))]
        if before:
            beside.append(HasIdCondition({*before}))
        wanted = Filter(must=[*self._conditions], should=[*beside])
        records, _ = self._shard.scroll(ScrollRequest(limit=4 * len(best), filter=wanted, with_payload=False))
        neighbours = [id_of(record) for record in records]
        self._points.read(neighbours)
        return neighbours

    def _wanted(self) -> list[FieldCondition | Filter]:
        query = self._query
        conditions: list[FieldCondition | Filter] = [self._corpus]
        if query.session_id is not None:
            conditions.append(_match("session_id", query.session_id))
        if query.agent_id is not None:
            conditions.append(_of_agent(query.agent_id, self._kind))
        if query.until is not None:
            conditions.append(FieldCondition("timestamp", range=RangeDateTime(lte=query.until.isoformat())))
        if query.filters is not None:
            conditions.append(to_engine(query.filters))
        return conditions


def _waiting_hit(entry: IndexEntry, vector: Vector | None, words: dict[int, float]) -> _Hit:
    """Return a memory that is in no shard yet, with its best chunk."""
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


def _of_agent(agent_id: AgentId, kind: MemoryKind) -> FieldCondition | Filter:
    """Return the condition for what an agent may see: its own pages, and of knowledge what belongs to no agent too."""
    own = _match("agent_id", agent_id)
    return own if kind == "page" else Filter(should=[own, IsEmptyCondition("agent_id")])


def _match(field: str, value: str) -> FieldCondition:
    return FieldCondition(field, match=MatchValue(value))
