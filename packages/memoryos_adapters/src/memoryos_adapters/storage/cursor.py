"""Where a listing stands: the place of a page in the order of its scope, and its URL-safe text."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, TypeAlias

import msgspec

from memoryos_ports.errors import InvalidInput
from memoryos_ports.ids import MemoryId

_Moment: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class Position(msgspec.Struct, frozen=True, order=True, array_like=True):
    """What orders the pages of a scope; a greater position is a newer page."""

    timestamp: _Moment
    accepted_at: _Moment
    index: int
    id: MemoryId


def read_position(page_id: MemoryId, payload: dict[str, Any]) -> Position:
    """Return the position of a page from its payload."""
    return msgspec.convert([payload["timestamp"], payload["accepted_at"], payload["index"], page_id], Position)


def write_cursor(position: Position) -> str:
    """Return the cursor of the stretch that begins after this page."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).rstrip(b"=").decode()


def read_cursor(cursor: str) -> Position:
    """Return the position that a cursor was written for; raise InvalidInput(param="cursor") for anything else."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=Position)
    except (UnicodeEncodeError, binascii.Error, msgspec.DecodeError) as exc:
        raise InvalidInput("cursor was not made by this listing", param="cursor") from exc
    if write_cursor(position) != cursor:
        raise InvalidInput("cursor was not made by this listing", param="cursor")
    return position
