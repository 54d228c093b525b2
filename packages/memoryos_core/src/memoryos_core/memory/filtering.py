"""Reading the filters of a search from its wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

from memoryos_ports.errors import InvalidInput
from memoryos_ports.filters import FIELDS, All, AnyOf, Condition, Filter, Not, Operator, Scalar, Value, read_time

MAX_DEPTH = 16
MAX_NODES = 256
"""How many objects, conditions and listed values a filter may have."""

_OPERATORS: dict[str, Operator] = {name: name for name in get_args(Operator)}
_OWNERS = frozenset({"user_id", "tenant_id"})
_HINTS = {
    "session": "did you mean session_id?",
    "time": "did you mean timestamp?",
    "text": "what is said is looked for with the query",
    "user": "a search sees the memories of its own user_id only",
}
"""What is said of names that are taken for fields and are none."""


def read_filters(raw: object) -> Filter:
    """Return the filter that decoded JSON asks for.

    An object holds conditions that must all be met: ``{"field": value}``, ``{"field": {"gte": 1, "lt": 5}}``,
    ``{"AND": [...]}``, ``{"OR": [...]}``, ``{"NOT": {...}}`` or ``{"NOT": [...]}`` (none of them). Fields are those of
    `memoryos_ports.filters`, ``{"metadata": {"topic": "tea"}}`` is ``{"metadata.topic": "tea"}``, and every other
    name is a key of the metadata, but for a few that would be taken for a field (`session`, `time`, `text`, `user`).
    Raises InvalidInput that names the place.
    """
    return _Reader().read(raw, "filters", depth=1)


class _Reader:
    """Reads one filter, counting its parts."""

    def __init__(self) -> None:
        self._nodes = 0

    def read(self, raw: object, path: str, *, depth: int) -> Filter:
        """Return what one object asks for."""
        self._count(path, depth)
        if not isinstance(raw, Mapping):
            raise InvalidInput("must be an object", param=path)
        items = [item for key, value in raw.items() for item in self._entry(_text(key, path), value, path, depth)]
        return items[0] if len(items) == 1 else All(tuple(items))

    def _entry(self, key: str, value: object, path: str, depth: int) -> list[Filter]:
        here = f"{path}.{key}"
        match key:
            case "AND":
                return [All(self._list(value, here, depth))]
            case "OR":
                return [AnyOf(self._list(value, here, depth))]
            case "NOT" if isinstance(value, list):
                return [Not(AnyOf(self._list(value, here, depth)))]
            case "NOT":
                return [Not(self.read(value, here, depth=depth + 1))]
            case "metadata" if isinstance(value, Mapping):
                self._count(here, depth)
                of = {_text(name, here): item for name, item in value.items()}
                return [
                    part
                    for name, item in of.items()
                    for part in self._field(f"metadata.{name}", item, f"{here}.{name}")
                ]
        return self._field(_field_name(key, here), value, here)

    def _list(self, raw: object, path: str, depth: int) -> tuple[Filter, ...]:
        if not isinstance(raw, list) or not raw:
            raise InvalidInput("must be a list of objects, not empty", param=path)
        return tuple(self.read(item, f"{path}.{number}", depth=depth + 1) for number, item in enumerate(raw))

    def _field(self, field: str, raw: object, path: str) -> list[Filter]:
        if not isinstance(raw, Mapping):
            return [self._condition(field, "eq", raw, path)]
        if not raw:
            raise InvalidInput(f"must be a value or an object with one of {', '.join(_OPERATORS)}", param=path)
        return [self._condition(field, _text(op, path), value, f"{path}.{op}") for op, value in raw.items()]

    def _condition(self, field: str, op: str, raw: object, path: str) -> Filter:
        self._count(path, 1)
        if op not in _OPERATORS:
            raise InvalidInput(f"is no operator; there are {', '.join(_OPERATORS)}", param=path)
        known = _OPERATORS[op]
        value: Value
        if known == "in":
            value = self._values(field, raw, path)
        else:
            value = _scalar(field, raw, path)
            _check_kind(known, value, path)
        return Condition(field=field, op=known, value=value)

    def _values(self, field: str, raw: object, path: str) -> tuple[Scalar, ...]:
        if not isinstance(raw, list):
            raise InvalidInput("must be a list of values", param=path)
        for _ in raw:
            self._count(path, 1)
        return tuple(_scalar(field, item, f"{path}.{number}") for number, item in enumerate(raw))

    def _count(self, path: str, depth: int) -> None:
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            bound = f"deeper than {MAX_DEPTH}" if depth > MAX_DEPTH else f"of more than {MAX_NODES} parts"
            raise InvalidInput(f"must not be {bound}", param=path)


def _field_name(key: str, path: str) -> str:
    """Return the field that a key names; the owner of a memory is none, as a search sees one owner's only."""
    if key in _OWNERS:
        raise InvalidInput("is not a filter: a search sees the memories of its own user only", param=path)
    if key in _HINTS:
        raise InvalidInput(f"is no field: {_HINTS[key]} (A key of the metadata is metadata.{key}.)", param=path)
    if key == "metadata" or key.startswith("metadata.") or key in FIELDS:
        if key in ("metadata", "metadata."):
            raise InvalidInput("must name a key: metadata.<key>", param=path)
        return key
    return f"metadata.{key}"


def _scalar(field: str, raw: Any, path: str) -> Scalar:
    if field == "timestamp" and raw is not None:
        return _time(raw, path)
    if isinstance(raw, str):
        return _text(raw, path)
    if raw is None or isinstance(raw, int | float):
        return raw
    raise InvalidInput("must be a string, a number, true, false or null; for several use `in`", param=path)


def _time(raw: object, path: str) -> datetime:
    moment = read_time(raw) if isinstance(raw, str) else None
    if moment is None:
        raise InvalidInput("must be a time such as 2026-03-01T12:00:00Z", param=path)
    return moment


def _check_kind(op: Operator, value: Scalar, path: str) -> None:
    if op in ("gt", "gte", "lt", "lte") and (value is None or isinstance(value, bool)):
        raise InvalidInput("must be a number, a string or a time", param=path)
    if op == "contains" and (value is None or isinstance(value, datetime)):
        raise InvalidInput("must be a string, a number, true or false", param=path)


def _text(raw: object, path: str) -> str:
    """Return a text that can be encoded; JSON may hold halves of characters."""
    if not isinstance(raw, str):
        raise InvalidInput("must have strings for keys", param=path)
    try:
        raw.encode()
    except UnicodeEncodeError as exc:
        raise InvalidInput("is not valid Unicode", param=path) from exc
    return raw
