"""Decodes JSON that can be read in one way only: UTF-8 throughout, numbers that are numbers, no key twice.

What a key that stands twice means differs from reader to reader (RFC 8259, section 4): what we check and what a
provider obeys could be two things.
"""

import json
from typing import Any, TypeVar

import msgspec

from memoryos_gateway.bad_json import describe_bad_json
from memoryos_ports.errors import InvalidInput

_T = TypeVar("_T")

MAX_OBJECTS = 1_000_000
"""The most objects and lists of a body, braces inside its texts counted too: more would hold everybody up."""

_read = msgspec.json.Decoder().decode
_write = msgspec.json.Encoder().encode


def decode_strictly(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    """Return a decoded body.

    Raises InvalidInput for what is no JSON, is ambiguous, or holds more than MAX_OBJECTS, and msgspec's ValidationError
    for what does not fit.
    """
    if len(body) > MAX_OBJECTS and body.count(b"{") + body.count(b"[") > MAX_OBJECTS:
        raise InvalidInput(f"The body of your request holds more than {MAX_OBJECTS} objects and lists.")
    try:
        _refuse_keys_twice(body)
    except (ValueError, RecursionError) as exc:
        raise describe_bad_json(body) from exc
    return decoder.decode(body)


def _refuse_keys_twice(body: bytes) -> None:
    """Raise ValueError and RecursionError for what is no JSON, or has a key twice in an object.

    What comes back byte by byte from decoding and encoding has lost no key. That holds for the bodies of SDKs, which
    write without blanks, and costs a quarter to a half of looking at the keys, which answers for any other.
    """
    if _write(_read(body)) != body:
        json.loads(body, object_pairs_hook=_refuse_twice)


def _refuse_twice(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")
