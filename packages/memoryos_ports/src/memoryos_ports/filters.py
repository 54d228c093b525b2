"""Conditions on memories, as a search narrows itself by them, and what they mean."""

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, assert_never

import msgspec

Operator: TypeAlias = Literal["eq", "ne", "in", "gt", "gte", "lt", "lte", "contains"]
Scalar: TypeAlias = str | int | float | bool | datetime | None
Value: TypeAlias = Scalar | tuple[Scalar, ...]

FIELDS = frozenset({"role", "name", "session_id", "agent_id", "timestamp", "source", "kind"})
"""What a condition may name beside ``metadata.<key>``; dots lead into objects of the metadata."""


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison of a field, such as ``metadata.topic`` or ``role``, with a value; `in` takes a tuple of them.

    Numbers compare with numbers, strings with strings, times with times; a bool is no number, and a comparison of
    unlike things does not hold. A field that is missing or null equals None alone. `gt` to `lte` take two strings for
    times (naive: UTC) where both are RFC 3339. `contains` finds an item of a list, or a part of a string in any case.
    """

    field: str
    op: Operator
    value: Value


class All(msgspec.Struct, frozen=True):
    """Every one of the items holds; none of them: always true."""

    items: tuple["Filter", ...]


class AnyOf(msgspec.Struct, frozen=True):
    """One of the items at least holds; none of them: never true."""

    items: tuple["Filter", ...]


class Not(msgspec.Struct, frozen=True):
    """The item does not hold."""

    item: "Filter"


Filter: TypeAlias = Condition | All | AnyOf | Not


def matches(filter: Filter, memory: Any) -> bool:
    """Return whether a memory (a page, a segment or a fact) meets a filter."""
    match filter:
        case All(items):
            return all(matches(item, memory) for item in items)
        case AnyOf(items):
            return any(matches(item, memory) for item in items)
        case Not(item):
            return not matches(item, memory)
        case Condition(field=field, op=op, value=value):
            return _holds(op, _field_of(memory, field), value)
    assert_never(filter)


def read_time(text: str) -> datetime | None:
    """Return the moment in UTC that an RFC 3339 text names (a date: its midnight; naive: UTC), None for any other."""
    if _TIME.match(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:$|[Tt ]\d\d:\d\d)")
_ORDERS: dict[Operator, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def _field_of(memory: Any, field: str) -> Any:
    """Return what a memory says under a field, None for nothing."""
    if field == "kind":
        return memory.__struct_config__.tag
    if field in FIELDS:
        return getattr(memory, field, None)
    name, *path = field.split(".")
    value = getattr(memory, name, None) if name == "metadata" and path else None
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _holds(op: Operator, actual: Any, expected: Any) -> bool:
    match op:
        case "eq":
            return _equal(actual, expected)
        case "ne":
            return not _equal(actual, expected)
        case "in":
            return isinstance(expected, tuple) and any(_equal(actual, item) for item in expected)
        case "contains":
            return _contains(actual, expected)
        case "gt" | "gte" | "lt" | "lte":
            pair = _ordered(actual, expected)
            return pair is not None and _ORDERS[op](*pair)
    assert_never(op)


def _equal(actual: Any, expected: Any) -> bool:
    if isinstance(actual, datetime) or isinstance(expected, datetime):
        return _moment(actual) == _moment(expected) and _moment(actual) is not None
    if _is_number(actual) and _is_number(expected):
        return bool(actual == expected)
    return type(actual) is type(expected) and not isinstance(actual, list | dict) and bool(actual == expected)


def _contains(actual: Any, expected: Any) -> bool:
    if isinstance(actual, str):
        return isinstance(expected, str) and expected.casefold() in actual.casefold()
    return isinstance(actual, list) and any(_equal(item, expected) for item in actual)


def _ordered(actual: Any, expected: Any) -> tuple[Any, Any] | None:
    """Return two values that may be put in order, None for what has no order."""
    if _is_number(actual) and _is_number(expected):
        return actual, expected
    moments = _moment(actual), _moment(expected)
    if None not in moments:
        return moments
    return (actual, expected) if isinstance(actual, str) and isinstance(expected, str) else None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value
    return read_time(value) if isinstance(value, str) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
