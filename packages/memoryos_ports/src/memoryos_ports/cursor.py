"""Where a listing stands: the place of a memory in the order of its scope, and its URL-safe text."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec

from memoryos_ports.errors import InvalidInput
from memoryos_ports.ids import MemoryId
from memoryos_ports.memory import Memory

_Moment: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class Position(msgspec.Struct, frozen=True, order=True, array_like=True):
    """What orders the memories of a scope; a greater position is a newer one."""

    timestamp: _Moment
    accepted_at: _Moment
    index: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
    id: MemoryId


def position_of(memory: Memory) -> Position:
    """Return the place of a memory in the order of its scope."""
    return Position(memory.timestamp, memory.accepted_at, memory.index, memory.id)


def write_cursor(position: Position) -> str:
    """Return the cursor of the stretch that begins after this memory."""
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
