"""Says what is wrong with a body that is no JSON, and where."""

import json
import math
import re
from typing import Any

import msgspec

from memoryos_ports.errors import InvalidInput

_AT = re.compile(r"^(?P<text>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_PREFACE = "We could not parse the JSON body of your request"


def describe_bad_json(body: bytes) -> InvalidInput:
    """Return the error for a body that a strict parser refused; it names the field where it can."""
    return find_bad_json(body) or InvalidInput(f"{_PREFACE}.")


def find_bad_json(body: bytes) -> InvalidInput | None:
    """Return what keeps a body from being JSON, None when nothing does."""
    try:
        path = _first_bad(json.loads(body), "")
    except (ValueError, RecursionError) as exc:
        return InvalidInput(f"{_PREFACE}: {_reason(exc)}")
    if path is None:
        return None
    return InvalidInput(f"{_PREFACE}: {path} holds a number or a character that JSON does not allow", param=path)


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
    return "nested too deeply"


def _first_bad(value: Any, path: str) -> str | None:
    match value:
        case dict():
            steps = ((f"{path}.{key}" if path else str(key), item) for key, item in value.items())
        case list():
            steps = ((f"{path}[{index}]", item) for index, item in enumerate(value))
        case str():
            return path if any("\ud800" <= char <= "\udfff" for char in value) else None
        case float():
            return None if math.isfinite(value) else path
        case _:
            return None
    return next((bad for step, item in steps if (bad := _first_bad(item, step)) is not None), None)
