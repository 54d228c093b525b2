"""What a point of a Qdrant collection says of a memory: payload fields and their way back, for every Qdrant engine.

========================  ======  =====  =========  ==========================================================
field                     own     chunk  tombstone  meaning
========================  ======  =====  =========  ==========================================================
scope                     yes     yes    yes        `scope_key` of the owner
search_scope              yes     yes               `kind_key` while the memory may be recalled, gone once hidden
list_scope                yes                       the same; marks the one point that stands for a memory
page                      yes                       the whole `Memory` as JSON: exact, and the fastest to read
timestamp                 yes     yes               of the memory, RFC 3339 in UTC with microseconds
session_id, agent_id      yes     yes               of the memory, absent when it has none
role, name, source        yes     yes               of a page, for filters; absent when it has none
metadata                  yes     yes               of a page, for filters; absent when it is empty
follows                   yes                       the page said right before, absent when that is not known
accepted_at, index        yes                       the rest of the memory's place in the order
tenant_id, user_id        yes                       the owner in clear, for people who look into a collection
page_id                           yes               whose chunk this is
number, start, end        yes     yes               the `Chunk` that the point's vector stands for
chunks                    yes            yes        how many chunks, so that their ids are known
content_hash              yes                       of a page: tells its event's content from any other; not if empty
claim                     yes     yes               names the insertion that brought it; gone once it is written over
unfinished                yes                       true until the further chunks of an insertion are there
superseded                yes                       true for a page that was superseded
deleted                                  yes        true
========================  ======  =====  =========  ==========================================================

One indexed keyword says whose a point is, of what kind, and whether it may be found: on the engine a second condition
such as "not superseded" costs 40 ms at 10,000 pages.
"""

from typing import Any

import msgspec

from memoryos_ports.cursor import Position
from memoryos_ports.errors import InvalidInput
from memoryos_ports.ids import MemoryId, Scope, chunk_id, scope_key
from memoryos_ports.memory import Chunk, IndexEntry, Memory, MemoryKind, Page

TENANT_FIELDS = ("search_scope", "list_scope")
KEYWORD_FIELDS = ("scope", "session_id", "agent_id", "follows")
TIME_FIELDS = ("timestamp",)
"""The fields that an engine indexes; by those of a tenant it also groups its points."""

_decoder: msgspec.json.Decoder[Memory] = msgspec.json.Decoder(Memory)
_page_decoder = msgspec.json.Decoder(Page)


def kind_key(scope: Scope, kind: MemoryKind) -> str:
    """Return what tells one kind of memory of one scope from every other."""
    return scope_key(scope) if kind == "page" else f"{scope_key(scope)}:{kind}"


def kind_of(memory: Memory) -> MemoryKind:
    """Return the kind of a memory."""
    kind: MemoryKind = memory.__struct_config__.tag  # type: ignore[assignment]  # msgspec types it as any tag
    return kind


def content_of(memory: Memory) -> str | None:
    """Return what tells the content of a page's event from any other; None where nothing does."""
    return memory.content_hash or None if isinstance(memory, Page) else None


def memory_payload(entry: IndexEntry) -> dict[str, Any]:
    """Return the payload of the point that stands for a memory and holds its first chunk.

    Raises InvalidInput when a text has lone surrogates, which no store can hold.
    """
    memory = entry.memory
    try:
        encoded = msgspec.json.encode(memory).decode()
    except UnicodeEncodeError as exc:
        raise InvalidInput("text is not valid Unicode", param="content") from exc
    return _filter_fields(memory, entry.chunks[0]) | {
        "list_scope": kind_key(memory.scope, kind_of(memory)),
        "page": encoded,
        "accepted_at": memory.accepted_at.isoformat(),
        "index": memory.index,
        "tenant_id": memory.scope.tenant_id,
        "user_id": memory.scope.user_id,
        "chunks": len(entry.chunks),
        **_link_fields(memory),
    }


def chunk_payload(memory: Memory, chunk: Chunk) -> dict[str, Any]:
    """Return the payload of the point that holds a further chunk of a memory."""
    return _filter_fields(memory, chunk) | {"page_id": memory.id}


def tombstone_payload(scope: Scope, *, chunks: int) -> dict[str, Any]:
    """Return what stays of a deleted page: whose it was, and how many chunks went with it."""
    return {"scope": scope_key(scope), "deleted": True, "chunks": chunks}


def read_memory(payload: dict[str, Any]) -> Memory:
    """Return the memory that its payload holds."""
    memory = _decode(payload["page"])
    if not isinstance(memory, Page) or memory.superseded:
        return memory
    # Shards written before the field was there say it by a missing search_scope alone.
    superseded = payload.get("superseded") or not (payload.get("search_scope") or memory.quarantined)
    return msgspec.structs.replace(memory, superseded=True) if superseded else memory


def read_chunk(payload: dict[str, Any]) -> Chunk:
    """Return the chunk that a point stands for, without its vector."""
    return Chunk(number=payload["number"], start=payload["start"], end=payload["end"])


def point_ids(page_id: MemoryId, payload: dict[str, Any]) -> list[str]:
    """Return the ids of all points of a page, its own first, from the payload of the page or of its tombstone."""
    return chunk_ids(page_id, payload["chunks"])


def chunk_ids(page_id: MemoryId, chunks: int) -> list[str]:
    """Return the ids of the points of a page of so many chunks, its own first."""
    return [chunk_id(page_id, number) for number in range(chunks)]


def read_position(page_id: MemoryId, payload: dict[str, Any]) -> Position:
    """Return the position of a page from its payload."""
    return msgspec.convert([payload["timestamp"], payload["accepted_at"], payload["index"], page_id], Position)


def _decode(encoded: str) -> Memory:
    """Return a memory from its JSON, which begins with its kind; shards of before there were kinds hold only pages."""
    return _decoder.decode(encoded) if encoded.startswith('{"kind":') else _page_decoder.decode(encoded)


def _filter_fields(memory: Memory, chunk: Chunk) -> dict[str, Any]:
    hidden = isinstance(memory, Page) and memory.is_hidden
    fields = {
        "scope": scope_key(memory.scope),
        "search_scope": None if hidden else kind_key(memory.scope, kind_of(memory)),
        "timestamp": memory.timestamp.isoformat(),
        "number": chunk.number,
        "start": chunk.start,
        "end": chunk.end,
    }
    filters: dict[str, Any] = {"session_id": memory.session_id, "agent_id": memory.agent_id}
    if isinstance(memory, Page):
        filters |= {"role": memory.role, "name": memory.name, "source": memory.source}
        filters |= {"metadata": memory.metadata or None}
    return fields | {name: value for name, value in filters.items() if value is not None}


def _link_fields(memory: Memory) -> dict[str, Any]:
    follows = memory.follows if isinstance(memory, Page) else None
    fields = {"follows": follows, "content_hash": content_of(memory)}
    return {name: value for name, value in fields.items() if value is not None}
