"""Searching a shard of the in-process Qdrant engine: nearest pages, best pages by words, and their union."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from qdrant_edge import (
    EdgeShard,
    FieldCondition,
    Filter,
    HasIdCondition,
    IdfParams,
    MatchValue,
    Query,
    QueryRequest,
    RangeDateTime,
    SearchParams,
    SparseVector,
)

from memoryos_adapters.storage.bm25 import weigh_query
from memoryos_adapters.storage.edge_shard import DENSE, SPARSE
from memoryos_adapters.storage.payload import point_ids, read_chunk, read_page
from memoryos_ports.embedding import Vector
from memoryos_ports.ids import MemoryId, scope_key
from memoryos_ports.memory import Candidate, MemoryQuery

_WIDEN_BY = 4


class _Near(NamedTuple):
    cosine: float
    point: str


class _Payloads(dict[str, dict[str, Any]]):
    """Payloads of points by id, each read once."""

    def __init__(self, shard: EdgeShard) -> None:
        super().__init__()
        self._shard = shard

    def read(self, points: Iterable[str]) -> None:
        missing = [point for point in points if point not in self]
        if missing:
            records = self._shard.retrieve([*missing], with_payload=True, with_vector=False)
            self.update((str(record.id), record.payload or {}) for record in records)


def search_shard(shard: EdgeShard, query: MemoryQuery) -> list[Candidate]:
    """Return the candidates of a query; see `MemoryStorage.search`.

    The cosine of a page that only its words brought up is computed as well (the engine takes .1 ms for 50 pages);
    the BM25 score of a page that only its vector brought up is not (.4 ms at 10,000 pages).
    """
    wanted, payloads = _wanted(query), _Payloads(shard)
    bm25 = _best_by_words(shard, query, wanted)
    near: dict[str, _Near] = {}
    if query.vector is not None:
        near = _nearest_pages(shard, query.vector, wanted, query.limit, payloads)
    payloads.read(near.keys() | bm25.keys())
    if query.vector is not None:
        near |= _nearest_of(shard, query.vector, bm25.keys() - near.keys(), payloads)
    # A chunk may have outlived its page: a delete that was cut short.
    pages = [page for page in near | bm25 if "page" in payloads.get(page, {})]
    return [
        Candidate(
            page=read_page(payloads[page]),
            chunk=read_chunk(payloads[near[page].point if page in near else page]),
            cosine=near[page].cosine if page in near else None,
            bm25=bm25.get(page),
        )
        for page in pages
    ]


def _wanted(query: MemoryQuery) -> Filter:
    conditions = [_match("search_scope", scope_key(query.scope))]
    if query.session_id is not None:
        conditions.append(_match("session_id", query.session_id))
    if query.agent_id is not None:
        conditions.append(_match("agent_id", query.agent_id))
    if query.until is not None:
        conditions.append(FieldCondition("timestamp", range=RangeDateTime(lte=query.until.isoformat())))
    return Filter(must=[*conditions])


def _match(field: str, value: str) -> FieldCondition:
    return FieldCondition(field, match=MatchValue(value))


def _nearest_pages(
    shard: EdgeShard, vector: Vector, wanted: Filter, limit: int, payloads: _Payloads
) -> dict[str, _Near]:
    """Return the `limit` nearest pages; looks further when the chunks of a few pages fill the list of points."""
    points = limit
    while True:
        near = _nearest_points(shard, vector, wanted, points)
        pages = _by_page(near, payloads)
        if len(pages) >= limit or len(near) < points:
            return dict(islice(pages.items(), limit))
        points *= _WIDEN_BY


def _nearest_of(shard: EdgeShard, vector: Vector, pages: Iterable[str], payloads: _Payloads) -> dict[str, _Near]:
    """Return the best chunks of pages whose payloads are read."""
    points = [point for page in pages for point in point_ids(MemoryId(page), payloads[page])]
    if not points:
        return {}
    return _by_page(_nearest_points(shard, vector, Filter(must=[HasIdCondition({*points})]), len(points)), payloads)


def _nearest_points(shard: EdgeShard, vector: Vector, wanted: Filter, limit: int) -> list[_Near]:
    """Return points, nearest first."""
    request = QueryRequest(limit=limit, query=Query.Nearest(vector, using=DENSE), filter=wanted)
    return [_Near(point.score, str(point.id)) for point in shard.query(request)]


def _by_page(points: Sequence[_Near], payloads: _Payloads) -> dict[str, _Near]:
    """Return pages with their best chunk, in the order of the points, which are nearest first."""
    payloads.read(near.point for near in points)
    pages: dict[str, _Near] = {}
    for near in points:
        pages.setdefault(payloads[near.point].get("page_id", near.point), near)
    return pages


def _best_by_words(shard: EdgeShard, query: MemoryQuery, wanted: Filter) -> dict[str, float]:
    """Return BM25 scores of the best pages; the corpus of the IDF is the whole scope, whatever else is wanted."""
    weights = weigh_query(query.terms)
    if not weights:
        return {}
    corpus = Filter(must=[_match("search_scope", scope_key(query.scope))])
    request = QueryRequest(
        limit=query.limit,
        query=Query.Nearest(SparseVector([*weights], [*weights.values()]), using=SPARSE),
        filter=wanted,
        params=SearchParams(idf=IdfParams(corpus=corpus)),
    )
    return {str(point.id): point.score for point in shard.query(request)}
