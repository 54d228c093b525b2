"""Filters of the REST API as objects of the engine."""

from typing import Any

import qdrant_edge as engine
from qdrant_client import models


def to_filter(filter: models.Filter | None) -> engine.Filter:
    """Return a filter as the engine takes it; None lets everything through."""
    if filter is None:
        return engine.Filter()
    return engine.Filter(
        must=_conditions(filter.must), should=_conditions(filter.should), must_not=_conditions(filter.must_not)
    )


def _conditions(conditions: Any) -> list[Any] | None:
    if conditions is None:
        return None
    return [_condition(each) for each in (conditions if isinstance(conditions, list) else [conditions])]


def _condition(condition: Any) -> Any:
    match condition:
        case models.Filter():
            return to_filter(condition)
        case models.FieldCondition(key=key):
            return engine.FieldCondition(key, match=_match(condition.match), range=_range(condition.range))
        case models.IsEmptyCondition(is_empty=field):
            return engine.IsEmptyCondition(field.key)
        case models.HasIdCondition(has_id=ids):
            return engine.HasIdCondition({*ids})
        case models.HasVectorCondition(has_vector=name):
            return engine.HasVectorCondition(name)
    raise NotImplementedError(f"condition {type(condition).__name__}")


def _match(match: Any) -> Any:
    match match:
        case None:
            return None
        case models.MatchValue(value=value):
            return engine.MatchValue(value)
        case models.MatchAny(any=values):
            return engine.MatchAny([*values])
    raise NotImplementedError(f"match {type(match).__name__}")


def _range(range: Any) -> Any:
    match range:
        case None:
            return None
        case models.Range():
            return engine.RangeFloat(**range.model_dump(exclude_none=True))
        case models.DatetimeRange():
            bounds = range.model_dump(exclude_none=True)
            return engine.RangeDateTime(**{name: moment.isoformat() for name, moment in bounds.items()})
    raise NotImplementedError(f"range {type(range).__name__}")
