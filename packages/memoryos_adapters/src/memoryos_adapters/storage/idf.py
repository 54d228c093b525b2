"""The IDF of terms within a part of a Qdrant index, whose engine itself tells scores only."""

from collections.abc import Mapping
from typing import NamedTuple

from memoryos_adapters.storage.conditions import Clause, HasId
from memoryos_adapters.storage.known import Known
from memoryos_adapters.storage.requests import Plan, Rank, SparseVector


class Holder(NamedTuple):
    """A point that has a term, and the term's weight on it."""

    point: str
    weight: float


def read_idf(
    points: Mapping[str, Known], corpus: Clause, holders: Mapping[int, Holder | None]
) -> Plan[dict[int, float]]:
    """Return the IDF of those terms that the corpus has.

    `holders` names a point that has the term, or None: one is looked for then, which takes longer.
    The engine's score for one term alone is that term's weight on the point times its IDF.
    """
    answers = yield [_rank(corpus, term, holder) for term, holder in holders.items()]
    return {
        term: score / (points[point].words[term] if holder is None else holder.weight)
        for (term, holder), scores in zip(holders.items(), answers, strict=True)
        for point, score in scores.items()
    }


def _rank(corpus: Clause, term: int, holder: Holder | None) -> Rank:
    return Rank(
        vector=SparseVector([term], [1.0]),
        wanted=corpus if holder is None else Clause(must=(HasId((holder.point,)),)),
        limit=1,
        corpus=corpus,
        learn="all" if holder is None else "nothing",
    )
