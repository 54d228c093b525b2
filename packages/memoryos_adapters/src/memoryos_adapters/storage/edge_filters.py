"""Conditions on points in the objects of the in-process Qdrant engine, which takes no JSON."""

from typing import Any, assert_never

from qdrant_edge import (
    FieldCondition,
    Filter,
    HasIdCondition,
    HasVectorCondition,
    IsEmptyCondition,
    MatchAny,
    MatchValue,
    RangeDateTime,
    RangeFloat,
)

from memoryos_adapters.storage import conditions
from memoryos_adapters.storage.conditions import Clause, PointCondition


def to_engine(clause: Clause) -> Filter:
    """Return a clause as the engine's filter."""
    return Filter(
        must=[*map(_condition, clause.must)],
        should=[*map(_condition, clause.should)] or None,
        must_not=[*map(_condition, clause.must_not)] or None,
    )


def _condition(condition: PointCondition) -> Any:
    match condition:
        case Clause():
            return to_engine(condition)
        case conditions.Field(key=key, match=match, range=range):
            return FieldCondition(key, match=_match(match), range=_range(range))
        case conditions.IsEmpty(is_empty=field):
            return IsEmptyCondition(field.key)
        case conditions.HasId(has_id=ids):
            return HasIdCondition({*ids})
        case conditions.HasVector(has_vector=name):
            return HasVectorCondition(name)
    assert_never(condition)


def _match(match: conditions.Match | conditions.MatchAny | None) -> MatchValue | MatchAny | None:
    match match:
        case conditions.Match(value=value):
            return MatchValue(value)
        case conditions.MatchAny(any=values):
            return MatchAny([*values])
        case None:
            return None
    assert_never(match)


def _range(range: conditions.Range | None) -> RangeFloat | RangeDateTime | None:
    if range is None:
        return None
    bounds: dict[str, Any] = {
        name: value for name in ("gt", "gte", "lt", "lte") if (value := getattr(range, name)) is not None
    }
    return RangeDateTime(**bounds) if any(isinstance(bound, str) for bound in bounds.values()) else RangeFloat(**bounds)
