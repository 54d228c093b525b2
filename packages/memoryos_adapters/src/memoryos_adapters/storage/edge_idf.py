"""The IDF of terms within a part of a shard of the in-process Qdrant engine, which itself tells scores only."""

from collections.abc import Mapping

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

    def read(self, holders: Mapping[int, str | None]) -> dict[int, float]:
        """Return the IDF of those terms that the corpus has.

        `holders` names a point that is known to have the term, or None: it is looked for then, which takes longer.
        The engine's score for one term alone is that term's weight on the point times its IDF.
        """
        if not holders:
            return {}
        requests = [self._request(term, holder) for term, holder in holders.items()]
        answers = self._shard.query_batch(QueryBatchRequest([*requests]))
        return {
            term: best.score / read_words(best.vector)[term]
            for term, found in zip(holders, answers, strict=True)
            for best in found
        }

    def _request(self, term: int, holder: str | None) -> QueryRequest:
        wanted = self._corpus if holder is None else Filter(must=[HasIdCondition({holder})])
        query = Query.Nearest(SparseVector([term], [1.0]), using=SPARSE)
        return QueryRequest(limit=1, query=query, filter=wanted, params=self.params, with_vector=[SPARSE])
