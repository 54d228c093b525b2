"""Conditions on points in the words of Qdrant's REST API: their JSON is what a server takes.

`edge_filters` says them to the engine inside this process.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct


class Clause(Struct, frozen=True, omit_defaults=True):
    """What meets all of `must`, none of `must_not` and, unless it is empty, one of `should`.

    `must` is always said, so that also the JSON of a clause that everything meets is one.
    """

    must: tuple["PointCondition", ...]
    should: tuple["PointCondition", ...] = ()
    must_not: tuple["PointCondition", ...] = ()


class Match(Struct, frozen=True):
    """Equals this value."""

    value: str | int | bool


class MatchAny(Struct, frozen=True):
    """Equals one of these."""

    any: tuple[str, ...]


class Range(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lies between numbers, or between times in RFC 3339."""

    gt: float | str | None = None
    gte: float | str | None = None
    lt: float | str | None = None
    lte: float | str | None = None


class Field(Struct, frozen=True, omit_defaults=True):
    """A condition on a payload field, given by its path."""

    key: str
    match: Match | MatchAny | None = None
    range: Range | None = None


class Key(Struct, frozen=True):
    """The path of a payload field."""

    key: str


class IsEmpty(Struct, frozen=True):
    """The payload field is missing, null or an empty list."""

    is_empty: Key


class HasId(Struct, frozen=True):
    """The point is one of these; of none, nothing is."""

    has_id: tuple[str, ...]


class HasVector(Struct, frozen=True):
    """The point has a vector of this name."""

    has_vector: str


PointCondition: TypeAlias = Clause | Field | IsEmpty | HasId | HasVector


def equals(key: str, value: str | int | bool) -> Field:
    """Return the condition that a field has this value."""
    return Field(key, match=Match(value))


def is_one_of(key: str, values: Iterable[str]) -> Field:
    """Return the condition that a field has one of these values."""
    return Field(key, match=MatchAny((*values,)))


def during(key: str, **bounds: datetime) -> Field:
    """Return the condition that a time lies within bounds called gt, gte, lt or lte."""
    return Field(key, range=Range(**{name: moment.isoformat() for name, moment in bounds.items()}))


def is_empty(key: str) -> IsEmpty:
    """Return the condition that a field says nothing."""
    return IsEmpty(Key(key))
