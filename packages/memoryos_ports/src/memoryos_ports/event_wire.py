"""The JSON form of an event on the stream: version 1, and version 0 of the predecessor, which is still read."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from memoryos_ports.errors import InvalidEvent, InvalidInput
from memoryos_ports.events import EVENT_VERSION, EventMessage, TurnsEvent
from memoryos_ports.ids import DEFAULT_TENANT, EventId, TenantId, UserId, check_id

MAX_CONTENT_BYTES = 1024 * 1024
"""What a message may measure as UTF-8, but in a chat: there the request as a whole is bounded where it comes in."""


class _Head(msgspec.Struct, frozen=True):
    v: Any = None


class _EventV0(msgspec.Struct, frozen=True, kw_only=True):
    user_id: str
    role: str
    content: str
    timestamp: datetime | None = None
    event_id: str | None = None
    tenant_id: str | None = None


_encoder = msgspec.json.Encoder()
_head_decoder = msgspec.json.Decoder(_Head)
_v0_decoder = msgspec.json.Decoder(_EventV0)
_v1_decoder = msgspec.json.Decoder(TurnsEvent)


def encode_event(event: TurnsEvent) -> bytes:
    """Return the payload (UTF-8 JSON, version 1) of an event."""
    return _encoder.encode(event)


def decode_event(payload: bytes, *, entry_id: str, received_at: datetime) -> TurnsEvent:
    """Return the event that a payload holds; unknown extra fields are passed over.

    `entry_id` becomes the event_id of a version 0 payload that has none, `received_at` its time when it names none.
    Raises InvalidEvent, with the reason, for what cannot be an event.
    """
    try:
        version = _head_decoder.decode(payload).v
        if version is None or version == 0:
            return _checked(_from_v0(_v0_decoder.decode(payload), entry_id=entry_id, received_at=received_at))
        if version != EVENT_VERSION:
            raise InvalidEvent(f"unknown event version {version!r}: this consumer reads 0 and {EVENT_VERSION}")
        return _checked(_v1_decoder.decode(payload))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as exc:
        raise InvalidEvent(f"not an event: {_reason(exc)}") from exc
    except InvalidInput as exc:
        raise InvalidEvent(f"not a valid event: {exc}") from exc


def _reason(error: Exception) -> str:
    """Return why it is none; bytes of a typed entry that are no UTF-8 arrive as lone surrogates (PEP 383)."""
    is_encoding = isinstance(error, UnicodeDecodeError) or "surrogate" in str(error)
    return "not valid UTF-8" if is_encoding else str(error)


def _from_v0(event: _EventV0, *, entry_id: str, received_at: datetime) -> TurnsEvent:
    if event.tenant_id not in (None, DEFAULT_TENANT):
        raise InvalidEvent(
            f"tenant_id: an event without a version is of the tenant {DEFAULT_TENANT!r}; "
            'for another one use the payload form, {"v": 1, "type": "turns", "tenant_id": ...}'
        )
    timestamp = event.timestamp or received_at
    return TurnsEvent(
        v=EVENT_VERSION,
        event_id=EventId(event.event_id or entry_id),
        tenant_id=DEFAULT_TENANT,
        user_id=UserId(event.user_id),
        messages=(EventMessage(role=event.role, content=event.content, timestamp=as_utc(timestamp)),),
        source="api",
        accepted_at=as_utc(received_at),
    )


def _checked(event: TurnsEvent) -> TurnsEvent:
    check_id(event.event_id, param="event_id")
    check_id(TenantId(event.tenant_id), param="tenant_id")
    check_id(event.user_id, param="user_id")
    if event.session_id is not None:
        check_id(event.session_id, param="session_id")
    if event.agent_id is not None:
        check_id(event.agent_id, param="agent_id")
    if not event.messages:
        raise InvalidEvent("an event without messages")
    for index, message in enumerate(event.messages):
        if message.role not in ("user", "assistant"):
            raise InvalidEvent(f"messages[{index}].role must be user or assistant")
        if not message.content.strip():
            raise InvalidEvent(f"messages[{index}].content is empty")
        if event.source != "chat" and len(message.content.encode()) > MAX_CONTENT_BYTES:
            raise InvalidEvent(f"messages[{index}].content is over 1 MiB")
    messages = tuple(msgspec.structs.replace(m, timestamp=as_utc(m.timestamp)) for m in event.messages)
    return msgspec.structs.replace(event, messages=messages, accepted_at=as_utc(event.accepted_at))


def as_utc(moment: datetime) -> datetime:
    """Return the moment in UTC; a naive one is taken to be in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
