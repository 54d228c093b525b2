"""Identifiers: their types, the rule every outer id must obey, and the derivation of deterministic ids."""

import hashlib
import re
import uuid
from typing import NewType

import msgspec

from memoryos_ports.errors import InvalidInput

TenantId = NewType("TenantId", str)
UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)
AgentId = NewType("AgentId", str)
EventId = NewType("EventId", str)
MemoryId = NewType("MemoryId", str)

DEFAULT_TENANT = TenantId("default")
MAX_ID_LENGTH = 128

_OUTER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+|=-]{0,127}", re.ASCII)


class Scope(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Whose memory: one user of one tenant. Every record belongs to exactly one scope."""

    tenant_id: TenantId
    user_id: UserId


def check_id(value: str, *, param: str) -> str:
    """Return `value` when it is a valid outer id: 1-128 of ``A-Z a-z 0-9 - _ . : @ + | =``, first a letter or digit.

    Raises InvalidInput naming `param`.
    """
    if _OUTER_ID.fullmatch(value) is None:
        raise InvalidInput(
            f"{param} must be 1-{MAX_ID_LENGTH} characters of A-Z a-z 0-9 - _ . : @ + | = "
            "and begin with a letter or digit",
            param=param,
        )
    return value


def digest(*fields: str | int) -> bytes:
    """Return the SHA-256 of length-prefixed fields: ("ab", "c") and ("a", "bc") differ, and so do 1 and "1"."""
    hasher = hashlib.sha256()
    for field in fields:
        tag, data = (b"i", str(field).encode()) if isinstance(field, int) else (b"s", field.encode())
        hasher.update(b"%s%d:" % (tag, len(data)))
        hasher.update(data)
    return hasher.digest()


def derive_id(*fields: str | int) -> str:
    """Return a deterministic UUID text (128 bits of `digest`, RFC 9562 version 8) for these fields."""
    return str(uuid.UUID(bytes=_as_uuid8(digest(*fields)[:16])))


def scope_key(scope: Scope) -> str:
    """Return a fixed-length key (32 hex digits) of a scope, safe for file names, filters and key names."""
    return digest("scope", scope.tenant_id, scope.user_id)[:16].hex()


def page_id(scope: Scope, event_id: EventId, index: int) -> MemoryId:
    """Return the id of the page that message `index` of an event becomes; the same for ever."""
    return MemoryId(derive_id("page", scope.tenant_id, scope.user_id, event_id, index))


def segment_id(scope: Scope, first: MemoryId) -> MemoryId:
    """Return the id of the segment that begins with this page."""
    return MemoryId(derive_id("segment", scope.tenant_id, scope.user_id, first))


def fact_id(scope: Scope, source: MemoryId, statement: str) -> MemoryId:
    """Return the id of the fact that a page first told: learning it twice is learning it once."""
    return MemoryId(derive_id("fact", scope.tenant_id, scope.user_id, source, statement))


def tenant_scope(tenant_id: TenantId) -> Scope:
    """Return the scope of what belongs to a tenant and to none of its users; no user can have that id."""
    return Scope(tenant_id=tenant_id, user_id=UserId("@tenant"))


def chunk_id(page: MemoryId, number: int) -> str:
    """Return the id of the index point that holds chunk `number` of a page; chunk 0 carries the page's own id."""
    return page if number == 0 else derive_id("chunk", page, number)


def _as_uuid8(raw: bytes) -> bytes:
    out = bytearray(raw)
    out[6] = (out[6] & 0x0F) | 0x80
    out[8] = (out[8] & 0x3F) | 0x80
    return bytes(out)
