"""The IDF of terms within a part of a shard of the in-process Qdrant engine, which itself tells scores only."""

from collections.abc import Mapping
from typing import NamedTuple

from qdrant_edge import (
    CountRequest,
    EdgeShard,
    FieldCondition,
    Filter,
    HasIdCondition,
    HasVectorCondition,
    IdfParams,
    Query,
    QueryBatchRequest,
    QueryRequest,
    SearchParams,
    SparseVector,
)

from memoryos_adapters.storage.edge_points import read_words
from memoryos_adapters.storage.edge_shard import SPARSE


class Holder(NamedTuple):
    """A point that has a term, and the term's weight on it."""

    point: str
    weight: float


class EdgeIdf:
    """The term statistics of the points that meet one condition."""

    def __init__(self, shard: EdgeShard, corpus: FieldCondition) -> None:
        self._shard = shard
        self._corpus = Filter(must=[corpus])
        self._counted = Filter(must=[corpus, HasVectorCondition(SPARSE)])

    @property
    def params(self) -> SearchParams:
        """What makes the engine's score by words BM25 with these statistics."""
        return SearchParams(idf=IdfParams(corpus=self._corpus))

    def size(self) -> int:
        """Return how many points of the corpus have words."""
        return self._shard.count(CountRequest(filter=self._counted))

    def read(self, holders: Mapping[int, Holder | None]) -> dict[int, float]:
        """Return the IDF of those terms that the corpus has.

        `holders` names a point that has the term, or None: one is looked for then, which takes longer.
        The engine's score for one term alone is that term's weight on the point times its IDF.
        """
        if not holders:
            return {}
        requests = [self._request(term, holder) for term, holder in holders.items()]
        answers = self._shard.query_batch(QueryBatchRequest([*requests]))
        return {
            term: best.score / (read_words(best.vector)[term] if holder is None else holder.weight)
            for (term, holder), found in zip(holders.items(), answers, strict=True)
            for best in found
        }

    def _request(self, term: int, holder: Holder | None) -> QueryRequest:
        query = Query.Nearest(SparseVector([term], [1.0]), using=SPARSE)
        if holder is None:
            return QueryRequest(limit=1, query=query, filter=self._corpus, params=self.params, with_vector=[SPARSE])
        return QueryRequest(
            limit=1, query=query, filter=Filter(must=[HasIdCondition({holder.point})]), params=self.params
        )
