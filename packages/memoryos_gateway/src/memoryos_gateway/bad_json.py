"""Says what is wrong with a body that is no JSON, or that a reader could take for two things, and where."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from memoryos_ports.errors import InvalidInput

_AT = re.compile(r"^(?P<text>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_PREFACE = "We could not parse the JSON body of your request"
_MAX_PATH = 256
_NOT_ALLOWED = "holds a number or a character that JSON does not allow"


class _Twice:
    """Stands in place of what a key that stands twice in its object would name."""


def describe_bad_json(body: bytes) -> InvalidInput:
    """Return the error for a body that was refused as JSON; it names the field where it can."""
    try:
        found = next(_faults(json.loads(body, object_pairs_hook=_marked), ""), None)
    except (ValueError, RecursionError) as exc:
        return InvalidInput(f"{_PREFACE}: {_reason(exc)}")
    if found is None:
        return InvalidInput(f"{_PREFACE}.")
    path, fault = found
    if len(path) > _MAX_PATH:
        return InvalidInput(f"{_PREFACE}: a field deep inside {fault}")
    return InvalidInput(f"{_PREFACE}: {path} {fault}", param=path)


def describe_misfit(exc: msgspec.ValidationError, path: str = "") -> InvalidInput:
    """Return the error for JSON that does not fit its type; `path` is where in the body it was decoded."""
    found = _AT.match(str(exc))
    text, below = (found["text"], found["path"] or "") if found else (str(exc), "")
    param = field_of(text, (path + below).lstrip("."))
    return InvalidInput(f"{param}: {text}" if param else text, param=param)


def field_of(message: str, path: str) -> str | None:
    """Return the path of the field that a msgspec message is about; it names unknown and missing ones in its text."""
    if "field `" in message:
        name = message.split("field `", 1)[1].split("`", 1)[0]
        return f"{path}.{name}" if path else name
    return path or None


def _reason(exc: Exception) -> str:
    match exc:
        case json.JSONDecodeError():
            return f"{exc.msg} (line {exc.lineno}, column {exc.colno})"
        case UnicodeDecodeError():
            return f"not UTF-8 at byte {exc.start}"
        case RecursionError():
            return "nested too deeply"
    return "a number is too long"  # the interpreter's own limit, sys.set_int_max_str_digits


def _marked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in pairs:
        fields[key] = _Twice() if key in fields else value
    return fields


def _faults(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield where a fault is, and which, in the order of the body."""
    match value:
        case _Twice():
            yield path, "stands twice"
        case str() if _SURROGATE.search(value):
            yield path, _NOT_ALLOWED
        case float() if not math.isfinite(value):
            yield path, _NOT_ALLOWED
        case dict():
            for key, item in value.items():
                yield from _faults_of_field(key, item, path)
        case list():
            for index, item in enumerate(value):
                yield from _faults(item, f"{path}[{index}]")


def _faults_of_field(key: str, item: Any, path: str) -> Iterator[tuple[str, str]]:
    if _SURROGATE.search(key):
        yield path, f"has a key that {_NOT_ALLOWED}"
        return
    yield from _faults(item, f"{path}.{key}" if path else key)
