"""The entries of the stream of dead letters: written, read back, and turned into the originals again."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from memoryos_adapters.events.redis_entries import Entry, Fields, Pairs
from memoryos_ports.dead_letters import DeadLetter
from memoryos_ports.ids import EventId, TenantId, UserId

_BASE64: Final = b"base64"
_MAX_FIELDS: Final = 2_000  # what a script can pass on at once
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


def letter_fields(
    original: Pairs, entry: Entry, *, stream: str, entry_id: str, error: bytes, failed_at: datetime
) -> list[str | bytes]:
    """Return the fields of a dead letter, names and values in turn, but for the attempts.

    `payload` is a JSON object of the original fields as they were; when a name comes twice, an array of [name, value].
    When one of them is not UTF-8, `encoding` says base64, and the values are that.
    """
    scope = entry.scope
    facts = {
        "source_stream": stream,
        "source_id": entry_id,
        "event_id": entry.event_id,
        "tenant_id": scope.tenant_id if scope else "",
        "user_id": scope.user_id if scope else "",
        "error": error,
        "failed_at": failed_at.isoformat().replace("+00:00", "Z"),
        **_packed(original),
    }
    return [part for fact in facts.items() for part in fact]


def read_letter(fields: Fields, *, id: str) -> DeadLetter:
    """Return a dead letter; one that a person has typed may lack anything."""
    pairs = originals_of(fields)
    originals = dict(pairs or ())
    payload = None if pairs is None else originals.get(b"payload") or _to_json(originals)
    return DeadLetter(
        id=id,
        source=_text(fields, "source_stream"),
        source_id=_text(fields, "source_id"),
        attempts=_number(_text(fields, "attempts")),
        error=_text(fields, "error"),
        failed_at=_moment(_text(fields, "failed_at")),
        payload=fields.get(b"payload", b"") if payload is None else payload,
        event_id=EventId(_text(fields, "event_id")) or None,
        tenant_id=TenantId(_text(fields, "tenant_id")) or None,
        user_id=UserId(_text(fields, "user_id")) or None,
    )


def originals_of(fields: Fields) -> Pairs | None:
    """Return the fields of the entry that a dead letter was made of; None when they cannot be put back.

    Where the payload is an event rather than an object of fields, somebody mended it so: it is the field `payload`.
    """
    payload = fields.get(b"payload", b"")
    try:
        found = json.loads(payload)
        if isinstance(found, dict) and not all(isinstance(value, str) for value in found.values()):
            return [(b"event_id", fields.get(b"event_id", b"")), (b"payload", payload)]
        pairs = list(found.items()) if isinstance(found, dict) else _pairs(found)
        if not 0 < len(pairs) <= _MAX_FIELDS:
            return None
        return [(_raw(name), _unpacked(value, fields)) for name, value in pairs]
    except (ValueError, RecursionError):
        return None


def _packed(original: Pairs) -> dict[str, str]:
    try:
        plain = [(name.decode(), value.decode()) for name, value in original]
    except UnicodeDecodeError:
        coded = [(_lenient(name), base64.b64encode(value).decode()) for name, value in original]
        return {"encoding": _BASE64.decode(), "payload": json.dumps(_object_or_pairs(coded))}
    return {"payload": json.dumps(_object_or_pairs(plain), ensure_ascii=False)}


def _object_or_pairs(pairs: list[tuple[str, str]]) -> dict[str, str] | list[tuple[str, str]]:
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else pairs


def _pairs(found: object) -> list[tuple[str, str]]:
    """Return the pairs of a JSON array of them, none for all else."""
    try:
        return msgspec.convert(found, list[tuple[str, str]])
    except msgspec.ValidationError:
        return []


def _unpacked(value: str, letter: Fields) -> bytes:
    return base64.b64decode(value, validate=True) if letter.get(b"encoding") == _BASE64 else _raw(value)


def _to_json(fields: Mapping[bytes, bytes]) -> bytes:
    return msgspec.json.encode({name.decode(errors="replace"): _as_shown(value) for name, value in fields.items()})


def _as_shown(value: bytes) -> Any:
    return value.decode(errors="backslashreplace")


def _text(fields: Fields, name: str) -> str:
    return fields.get(name.encode(), b"").decode(errors="backslashreplace")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _NEVER
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _lenient(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def _raw(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
