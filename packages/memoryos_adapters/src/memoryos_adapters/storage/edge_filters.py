"""Filters in the words of the in-process Qdrant engine.

The engine cannot say all that a filter may mean: it takes a list for each of its items, knows no case and no times
inside metadata. So a filter has two bounds here: an engine's filter that lets through at least what it does, and one
that lets through at most that. A negation swaps them. What the caller gets is the first, to sift with `matches`.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, assert_never

from qdrant_edge import FieldCondition, HasIdCondition, IsEmptyCondition, MatchValue, RangeDateTime, RangeFloat
from qdrant_edge import Filter as EngineFilter

from memoryos_ports.filters import All, AnyOf, Condition, Filter, Not, Scalar, read_time

_ALWAYS = EngineFilter(must=[])
_NEVER = EngineFilter(must=[HasIdCondition(set())])
_KEYWORDS = frozenset({"role", "name", "session_id", "agent_id", "source"})
_BARE_KEY = re.compile(r"[A-Za-z0-9_]+")
_BOUNDS = {"gt": "gte", "gte": "gte", "lt": "lte", "lte": "lte"}


def to_engine(filter: Filter) -> EngineFilter:
    """Return an engine's filter that lets through at least what `filter` does."""
    return _bound(filter, least=True)


def _bound(filter: Filter, *, least: bool) -> EngineFilter:
    """Return a filter that lets through at least, or else at most, what `filter` does."""
    match filter:
        case All(items):
            return EngineFilter(must=[_bound(item, least=least) for item in items])
        case AnyOf(items):
            return _any_of(_bound(item, least=least) for item in items)
        case Not(item):
            return EngineFilter(must_not=[_bound(item, least=not least)])
        case Condition(op="ne"):
            return EngineFilter(must_not=[_condition(_equality(filter), least=not least)])
        case Condition():
            return _condition(filter, least=least)
    assert_never(filter)


def _equality(condition: Condition) -> Condition:
    return Condition(field=condition.field, op="eq", value=condition.value)


def _any_of(filters: Iterable[EngineFilter]) -> EngineFilter:
    """Return what lets through what one of the filters does; the engine takes none at all for no condition."""
    return EngineFilter(should=[_NEVER, *filters])


def _condition(condition: Condition, *, least: bool) -> EngineFilter:
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    if condition.field in _KEYWORDS:
        exact = _keyword(condition, values)
    elif condition.field == "timestamp":
        exact = _timestamp(condition, values)
    else:
        return _metadata(condition, values) if least else _NEVER
    return exact or (_ALWAYS if least else _NEVER)


def _keyword(condition: Condition, values: tuple[Scalar, ...]) -> EngineFilter | None:
    """Return what a condition on a field of words says, exactly; None for what the engine cannot say."""
    if condition.op not in ("eq", "in"):
        return None
    key = condition.field
    return _any_of(
        EngineFilter(must=[IsEmptyCondition(key) if value is None else FieldCondition(key, match=MatchValue(value))])
        for value in values
        if value is None or isinstance(value, str)
    )


def _timestamp(condition: Condition, values: tuple[Scalar, ...]) -> EngineFilter | None:
    moments = [moment for value in values if (moment := _moment(value)) is not None]
    if condition.op in ("eq", "in"):
        return _any_of(_during("timestamp", gte=moment, lte=moment) for moment in moments)
    if condition.op in _BOUNDS and moments:
        return _during("timestamp", **{condition.op: moments[0]})
    return None


def _during(key: str, **bounds: datetime) -> EngineFilter:
    limits = {name: moment.isoformat() for name, moment in bounds.items()}
    return EngineFilter(must=[FieldCondition(key, range=RangeDateTime(**limits))])


def _moment(value: Scalar) -> datetime | None:
    text = value.isoformat() if isinstance(value, datetime) else value
    return read_time(text) if isinstance(text, str) else None


def _metadata(condition: Condition, values: tuple[Scalar, ...]) -> EngineFilter:
    """Return what lets through at least what a condition on metadata does."""
    key = _path(condition.field)
    if key is None:
        return _ALWAYS
    bounds = [_at_least(key, condition, value) for value in values]
    return _ALWAYS if None in bounds else _any_of(bound for bound in bounds if bound is not None)


def _at_least(key: str, condition: Condition, value: Scalar) -> EngineFilter | None:
    found: Any = None
    if isinstance(value, bool) or (isinstance(value, str) and condition.op in ("eq", "in")):
        found = FieldCondition(key, match=MatchValue(value))
    elif isinstance(value, int | float):
        found = _number(key, condition, value)
    return None if found is None else EngineFilter(must=[found])


def _number(key: str, condition: Condition, value: float) -> FieldCondition | None:
    """Return a range that holds its end: numbers that differ may be equal once they are rounded."""
    try:
        number = float(value)
    except OverflowError:
        return None
    if bound := _BOUNDS.get(condition.op):
        return FieldCondition(key, range=RangeFloat(**{bound: number}))
    return FieldCondition(key, range=RangeFloat(gte=number, lte=number))


def _path(field: str) -> str | None:
    """Return the engine's path of ``metadata.<key>``; None for keys that it cannot quote, and for other fields."""
    name, *keys = field.split(".")
    if name != "metadata" or any(not key or '"' in key or "\\" in key for key in keys):
        return None
    return ".".join([name, *(key if _BARE_KEY.fullmatch(key) else f'"{key}"' for key in keys)])
