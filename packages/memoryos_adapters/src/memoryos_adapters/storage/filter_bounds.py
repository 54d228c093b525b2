"""Filters in the words of a Qdrant engine.

The engine cannot say all that a filter may mean: it takes a list for each of its items, knows no case and no times
inside metadata. So a filter has two bounds here: a clause that lets through at least what it does, and one that lets
through at most that. A negation swaps them. What the caller gets is the first, to sift with `matches`.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from memoryos_adapters.storage.conditions import Clause, Field, HasId, Range, during, equals, is_empty
from memoryos_ports.filters import All, AnyOf, Condition, Filter, Not, Scalar, read_time

_ALWAYS = Clause(must=())
_NEVER = Clause(must=(HasId(()),))
_KEYWORDS = frozenset({"role", "name", "session_id", "agent_id", "source"})
_BARE_KEY = re.compile(r"[A-Za-z0-9_]+")
_BOUNDS = {"gt": "gte", "gte": "gte", "lt": "lte", "lte": "lte"}


def at_least(filter: Filter) -> Clause:
    """Return a clause that lets through at least what `filter` does."""
    return _bound(filter, least=True)


def _bound(filter: Filter, *, least: bool) -> Clause:
    """Return a clause that lets through at least, or else at most, what `filter` does."""
    match filter:
        case All(items):
            return Clause(must=(*(_bound(item, least=least) for item in items),))
        case AnyOf(items):
            return _any_of(_bound(item, least=least) for item in items)
        case Not(item):
            return Clause(must=(), must_not=(_bound(item, least=not least),))
        case Condition(op="ne"):
            return Clause(must=(), must_not=(_condition(_equality(filter), least=not least),))
        case Condition():
            return _condition(filter, least=least)
    assert_never(filter)


def _equality(condition: Condition) -> Condition:
    return Condition(field=condition.field, op="eq", value=condition.value)


def _any_of(clauses: Iterable[Clause]) -> Clause:
    """Return what lets through what one of the clauses does; the engine takes none at all for no condition."""
    return Clause(must=(), should=(_NEVER, *clauses))


def _condition(condition: Condition, *, least: bool) -> Clause:
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    if condition.field in _KEYWORDS:
        exact = _keyword(condition, values)
    elif condition.field == "timestamp":
        exact = _timestamp(condition, values)
    else:
        return _metadata(condition, values) if least else _NEVER
    return exact or (_ALWAYS if least else _NEVER)


def _keyword(condition: Condition, values: tuple[Scalar, ...]) -> Clause | None:
    """Return what a condition on a field of words says, exactly; None for what the engine cannot say."""
    if condition.op not in ("eq", "in"):
        return None
    key = condition.field
    return _any_of(
        Clause(must=(is_empty(key) if value is None else equals(key, value),))
        for value in values
        if value is None or isinstance(value, str)
    )


def _timestamp(condition: Condition, values: tuple[Scalar, ...]) -> Clause | None:
    moments = [moment for value in values if (moment := _moment(value)) is not None]
    if condition.op in ("eq", "in"):
        return _any_of(Clause(must=(during("timestamp", gte=moment, lte=moment),)) for moment in moments)
    if condition.op in _BOUNDS and moments:
        return Clause(must=(during("timestamp", **{condition.op: moments[0]}),))
    return None


def _moment(value: Scalar) -> datetime | None:
    text = value.isoformat() if isinstance(value, datetime) else value
    return read_time(text) if isinstance(text, str) else None


def _metadata(condition: Condition, values: tuple[Scalar, ...]) -> Clause:
    """Return what lets through at least what a condition on metadata does."""
    key = _path(condition.field)
    if key is None:
        return _ALWAYS
    bounds = [_value_at_least(key, condition, value) for value in values]
    return _ALWAYS if None in bounds else _any_of(Clause(must=(bound,)) for bound in bounds if bound is not None)


def _value_at_least(key: str, condition: Condition, value: Scalar) -> Field | None:
    if isinstance(value, bool) or (isinstance(value, str) and condition.op in ("eq", "in")):
        return equals(key, value)
    return _number(key, condition, value) if isinstance(value, int | float) else None


def _number(key: str, condition: Condition, value: float) -> Field | None:
    """Return a range that holds its end: numbers that differ may be equal once they are rounded."""
    try:
        number = float(value)
    except OverflowError:
        return None
    if bound := _BOUNDS.get(condition.op):
        return Field(key, range=Range(**{bound: number}))
    return Field(key, range=Range(gte=number, lte=number))


def _path(field: str) -> str | None:
    """Return the engine's path of ``metadata.<key>``; None for keys that it cannot quote, and for other fields."""
    name, *keys = field.split(".")
    if name != "metadata" or any(not key or '"' in key or "\\" in key for key in keys):
        return None
    return ".".join([name, *(key if _BARE_KEY.fullmatch(key) else f'"{key}"' for key in keys)])
