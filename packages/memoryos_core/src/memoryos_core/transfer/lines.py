"""The lines of an export: their kinds, and between them and the domain."""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from memoryos_core.consolidation.facts import KnownFact
from memoryos_core.consolidation.profile import Profile
from memoryos_core.lifecycle.history import MemoryChange
from memoryos_ports.ids import EventId, MemoryId, Scope
from memoryos_ports.memory import Memory

FORMAT = "memoryos"
FORMAT_VERSION = 1
MAX_LINE_BYTES = 16 * 1024 * 1024


ConversationPart: TypeAlias = Literal["turn", "chain", "session", "superseded"]
"""Kinds of documents: those of `Conversations`, and the marks of `Supersession`."""


class Header(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="header", forbid_unknown_fields=True):
    """The first line: whose memory it is, and which form the other lines have."""

    format: Literal["memoryos"] = "memoryos"
    version: int = FORMAT_VERSION
    tenant_id: str
    user_id: str
    exported_at: str


class HistoryLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="history"):
    """What was done to a memory, oldest first."""

    id: MemoryId
    changes: list[MemoryChange]


class DeletedLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="deleted"):
    """A memory that was deleted: it must not come back by what is delivered again."""

    id: MemoryId


class ConversationLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="conversation"):
    """What is known of how a conversation went, so that its turns are not remembered twice when it goes on."""

    part: ConversationPart
    id: Annotated[str, msgspec.Meta(max_length=512)]
    value: msgspec.Raw


class ProfileLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="profile"):
    """The profile of the user."""

    profile: Profile


class SettingsLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="settings"):
    """What the user has chosen."""

    remember: bool


NoteLine: TypeAlias = Header | HistoryLine | DeletedLine | ConversationLine | ProfileLine | SettingsLine
"""Every kind of line that is no memory."""


class TurnRef(msgspec.Struct, frozen=True, kw_only=True):
    """A turn as every scope can find it: the id of its page differs from scope to scope."""

    event_id: EventId
    index: int


class MemoryLine(msgspec.Struct, frozen=True, kw_only=True):
    """A memory, and the turn that it follows, where that is known and still there."""

    memory: Memory
    follows: TurnRef | None = None


_MEMORY_KINDS = ("page", "segment", "fact")

_encoder = msgspec.json.Encoder()
_raw_decoder = msgspec.json.Decoder(dict[str, Any])
_note_decoder: msgspec.json.Decoder[NoteLine] = msgspec.json.Decoder(NoteLine)


def encode_note(line: NoteLine) -> bytes:
    """Return a line, its end included."""
    return _encoder.encode(line) + b"\n"


def encode_memory(line: MemoryLine) -> bytes:
    """Return a line without the scope: that is said by the header."""
    fields = msgspec.to_builtins(line.memory)
    del fields["scope"]
    if line.follows is not None:
        fields["follows_turn"] = msgspec.to_builtins(line.follows)
    return _encoder.encode(fields) + b"\n"


def decode_line(line: bytes, scope: Scope) -> NoteLine | MemoryLine:
    """Return what a line says, a memory as one of this scope. Raises msgspec's DecodeError, or ValidationError."""
    fields = _raw_decoder.decode(line)
    if fields.get("kind") not in _MEMORY_KINDS:
        return _note_decoder.decode(line)
    follows = fields.pop("follows_turn", None)
    fields["scope"] = msgspec.to_builtins(scope)
    type_: Any = KnownFact if fields["kind"] == "fact" else Memory
    return MemoryLine(
        memory=msgspec.convert(fields, type=type_),
        follows=None if follows is None else msgspec.convert(follows, type=TurnRef),
    )
