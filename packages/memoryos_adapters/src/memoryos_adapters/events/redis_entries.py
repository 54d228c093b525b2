"""What an entry of the stream says, as it was published, or as people and the predecessor's programs type it."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import msgspec

from memoryos_adapters.micros import from_micros
from memoryos_ports.errors import InvalidEvent, InvalidInput
from memoryos_ports.event_wire import decode_event
from memoryos_ports.events import content_hash
from memoryos_ports.ids import DEFAULT_TENANT, EventId, Scope, SessionId, TenantId, UserId, check_id

Fields: TypeAlias = Mapping[bytes, bytes]
Pairs: TypeAlias = Sequence[tuple[bytes, bytes]]

_TYPED: Final = ("tenant_id", "user_id", "role", "content", "timestamp")
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError)


class _Head(msgspec.Struct, frozen=True):
    v: Any = None
    event_id: Any = None
    tenant_id: Any = None
    user_id: Any = None
    session_id: Any = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry says before it is decoded as an event; whose it is and of which session, where it tells."""

    payload: bytes
    event_id: EventId
    scope: Scope | None = None
    session_id: SessionId | None = None


_head_decoder = msgspec.json.Decoder(_Head)


def fields_of(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the fields of an entry, given as names and values in turn; of one that comes twice the last."""
    return dict(pairs_of(flat))


def pairs_of(flat: Sequence[bytes]) -> Pairs:
    """Return names and values of an entry as they are: Redis allows a name more than once."""
    return list(zip(flat[::2], flat[1::2], strict=True))


def read_entry(fields: Fields, *, handle: str) -> Entry:
    """Return what an entry says; never raises: what is no event has a payload that cannot be decoded as one.

    The event_id is the payload's own, else that of the field, else the handle. A payload of version 0 without one is
    given it, so that whoever decodes it finds the same.
    """
    event_id = _valid_id(_lenient(fields.get(b"event_id", b""))) or EventId(handle)
    payload = fields.get(b"payload")
    return read_payload(_as_version_0(fields) if payload is None else payload, event_id=event_id)


def read_flat(flat: Sequence[bytes], *, handle: str) -> Entry:
    """Return what an entry says, given as names and values in turn.

    One that was typed with a name twice is no event: nobody knows which of the two was meant, or whose it is.
    """
    pairs = pairs_of(flat)
    fields = dict(pairs)
    entry = read_entry(fields, handle=handle)
    if len(fields) == len(pairs) or b"payload" in fields:
        return entry
    told = [(_lenient(name), _lenient(value)) for name, value in pairs if name != b"event_id"]
    return Entry(payload=json.dumps(told).encode(), event_id=entry.event_id)


def read_payload(payload: bytes, *, event_id: EventId) -> Entry:
    """Return what a payload says; `event_id` is that of one that has none."""
    try:
        head = _head_decoder.decode(payload)
    except _UNREADABLE:
        return Entry(payload=payload, event_id=event_id)
    if head.v in (None, 0) and head.event_id in (None, ""):
        payload = _with_event_id(payload, event_id)
    return Entry(
        payload=payload,
        event_id=_valid_id(head.event_id) or event_id,
        scope=_scope(head),
        session_id=SessionId(head.session_id) if isinstance(head.session_id, str) else None,
    )


def time_of(entry_id: str) -> datetime | None:
    """Return when an entry was added, which Redis' own ids tell in milliseconds; None for what is no such time."""
    try:
        return from_micros(int(entry_id.partition("-")[0]) * 1000)
    except OverflowError:  # an id that somebody chose
        return None


def describe_content(payload: bytes) -> tuple[str, int]:
    """Return the content hash of an event and how many messages it has; of what is no event, that of none."""
    try:
        messages = decode_event(payload, entry_id="0", received_at=_NO_TIME).messages
    except InvalidEvent:
        messages = ()
    return content_hash(messages), len(messages)


def _as_version_0(fields: Fields) -> bytes:
    """Return the flat form, which a person types, as a payload; what was left out shows when it is decoded."""
    typed = {name: _lenient(fields[name.encode()]) for name in _TYPED if name.encode() in fields}
    return json.dumps({"role": "user", **typed}).encode()  # escapes what is not UTF-8 so that it cannot be decoded


def _with_event_id(payload: bytes, event_id: EventId) -> bytes:
    try:
        return msgspec.json.encode({**msgspec.json.decode(payload, type=dict[str, Any]), "event_id": event_id})
    except _UNREADABLE:
        return payload


def _valid_id(found: object) -> EventId | None:
    """Return what is a valid event_id; anything else is refused when the payload is decoded, and has no receipt."""
    try:
        return EventId(check_id(found, param="event_id")) if isinstance(found, str) else None
    except InvalidInput:
        return None


def _scope(head: _Head) -> Scope | None:
    tenant_id = DEFAULT_TENANT if head.v in (None, 0) else head.tenant_id
    if not (isinstance(tenant_id, str) and isinstance(head.user_id, str)):
        return None
    return Scope(tenant_id=TenantId(tenant_id), user_id=UserId(head.user_id))


def _lenient(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")
