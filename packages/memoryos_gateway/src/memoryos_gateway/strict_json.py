"""Decodes JSON that can be read in one way only: UTF-8 throughout, numbers that are numbers, no key twice.

What a key that stands twice means differs from reader to reader (RFC 8259, section 4): what we check and what a
provider obeys could be two things.
"""

import json
from typing import Any, TypeVar

import msgspec

from memoryos_gateway.bad_json import describe_bad_json

_T = TypeVar("_T")

_read = msgspec.json.Decoder().decode
_write = msgspec.json.Encoder().encode


def decode_strictly(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    """Return a decoded body.

    Raises InvalidInput for what is no JSON, or is ambiguous, and msgspec's ValidationError for what does not fit.
    """
    try:
        clear = _has_no_key_twice(body)
    except (ValueError, RecursionError) as exc:
        raise describe_bad_json(body) from exc
    if not clear:
        raise describe_bad_json(body)
    return decoder.decode(body)


def _has_no_key_twice(body: bytes) -> bool:
    """Return whether no object has a key twice. Raises ValueError and RecursionError for what is no JSON.

    What comes back byte by byte from decoding and encoding has lost no key. That holds for the bodies of SDKs, which
    write without blanks, and costs a quarter to a half of listing the keys, which answers for any other.
    """
    if _write(_read(body)) == body:
        return True
    objects: list[list[tuple[str, Any]]] = []
    json.loads(body, object_pairs_hook=objects.append)
    return all(len(dict(pairs)) == len(pairs) for pairs in objects)
