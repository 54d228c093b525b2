"""Every memory index there is, and keyword makers of what goes into it and is asked of it."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from memoryos_adapters.settings import QdrantSettings
from memoryos_adapters.storage.qdrant import QdrantMemory
from memoryos_adapters.storage.qdrant_edge import QdrantEdgeMemory
from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.ids import (
    AgentId,
    EventId,
    MemoryId,
    Scope,
    SessionId,
    TenantId,
    UserId,
    fact_id,
    page_id,
    segment_id,
)
from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import (
    Candidate,
    Chunk,
    IndexEntry,
    KnowledgeCandidate,
    Memory,
    MemoryKind,
    MemoryList,
    MemoryQuery,
    MemoryStorage,
    Page,
)

M = TypeVar("M", bound=Memory)

Opener: TypeAlias = Callable[[Path, EmbedderStamp], AbstractAsyncContextManager[MemoryStorage]]

EDGE: Opener = QdrantEdgeMemory.open

STAMP = EmbedderStamp(name="four", dimensions=4)
ANN = Scope(tenant_id=TenantId("acme"), user_id=UserId("ann"))
BOB = Scope(tenant_id=TenantId("acme"), user_id=UserId("bob"))
OTHER_ANN = Scope(tenant_id=TenantId("other"), user_id=UserId("ann"))

NORTH: Vector = [1.0, 0.0, 0.0, 0.0]
EAST: Vector = [0.0, 1.0, 0.0, 0.0]
UP: Vector = [0.0, 0.0, 1.0, 0.0]
NORTH_EAST: Vector = [0.6, 0.8, 0.0, 0.0]

NOON = datetime(2026, 3, 1, 12, 0, 0, 123457, tzinfo=UTC)


def on_server(url: str) -> Opener:
    """Return how to open an index on a Qdrant server; each directory stands for a collection of its own."""
    return lambda path, stamp: QdrantMemory.open(QdrantSettings(url=url, collection=collection_of(path)), stamp)


def collection_of(path: Path) -> str:
    """Return the name of the collection that stands for a directory."""
    return f"test-{hashlib.sha256(str(path).encode()).hexdigest()[:20]}"


def make_page(event: str, text: str = "green tea", *, scope: Scope = ANN, index: int = 0, **fields: Any) -> Page:
    """Return a page; `fields` replace any of the others."""
    values: dict[str, Any] = {
        "id": page_id(scope, EventId(event), index),
        "role": "user",
        "timestamp": NOON,
        "accepted_at": NOON,
        "content_hash": "c0ffee",
    }
    return Page(scope=scope, event_id=EventId(event), index=index, text=text, **(values | fields))


def make_fact(text: str = "green tea", *, scope: Scope = ANN, **fields: Any) -> Fact:
    """Return a fact that a turn of the same text told; `fields` replace any of the others."""
    values: dict[str, Any] = {
        "id": fact_id(scope, page_id(scope, EventId(text), 0), text),
        "valid_from": NOON,
        "recorded_at": NOON,
    }
    return Fact(scope=scope, text=text, **(values | fields))


def make_segment(text: str = "green tea", *, scope: Scope = ANN, **fields: Any) -> Segment:
    """Return a segment that begins with a turn of the same text; `fields` replace any of the others."""
    first = page_id(scope, EventId(text), 0)
    moments = ("timestamp", "started_at", "accepted_at", "last_visit")
    values: dict[str, Any] = {"id": segment_id(scope, first), "pages": (first,), **dict.fromkeys(moments, NOON)}
    return Segment(scope=scope, text=text, **(values | fields))


def make_entry(memory: Memory, *vectors: Vector | None, terms: str | None = None) -> IndexEntry:
    """Return an entry with one chunk per vector (none given: one without), its words those of the page's text."""
    chunks = tuple(
        Chunk(number=number, start=number * 10, end=number * 10 + 10, vector=vector)
        for number, vector in enumerate(vectors or [None])
    )
    return IndexEntry(memory=memory, chunks=chunks, terms=memory.text if terms is None else terms)


def make_query(terms: str = "", vector: Vector | None = None, **fields: Any) -> MemoryQuery:
    """Return a query in ANN's scope for ten candidates of each kind, unless told otherwise."""
    values: dict[str, Any] = {"scope": ANN, "limit": 10}
    return MemoryQuery(terms=terms, vector=vector, **(values | fields))


async def find(memory: MemoryStorage, terms: str = "", vector: Vector | None = None, **fields: Any) -> set[EventId]:
    """Return the event ids of what a query brings up; each page must come once."""
    candidates = (await memory.search(make_query(terms, vector, **fields))).pages
    assert len({candidate.page.id for candidate in candidates}) == len(candidates)
    return {candidate.page.event_id for candidate in candidates}


async def find_knowledge(
    memory: MemoryStorage, terms: str = "", vector: Vector | None = None, **fields: Any
) -> dict[str, KnowledgeCandidate]:
    """Return what a query brings up that is no page, by its text; each must come once."""
    values: dict[str, Any] = {"kinds": frozenset({"segment", "fact"})}
    found = (await memory.search(make_query(terms, vector, **(values | fields)))).knowledge
    assert len({candidate.memory.id for candidate in found}) == len(found)
    return {candidate.memory.text: candidate for candidate in found}


async def scores(memory: MemoryStorage, terms: str, **fields: Any) -> dict[str, float]:
    """Return the BM25 score of each page that its words bring up."""
    return {hit.page.event_id: hit.bm25 for hit in (await memory.search(make_query(terms, **fields))).pages}


async def candidate_of(memory: MemoryStorage, page: Page, query: MemoryQuery) -> Candidate:
    """Return what a query says of one page that it must bring up."""
    (found,) = [candidate for candidate in (await memory.search(query)).pages if candidate.page.id == page.id]
    return found


async def list_all(
    memory: MemoryStorage,
    *,
    limit: int,
    scope: Scope = ANN,
    kind: MemoryKind = "page",
    session_id: SessionId | None = None,
) -> list[Memory]:
    """Return a whole listing, read in stretches of `limit`."""
    listed: list[Memory] = []
    cursor: str | None = None
    while True:
        stretch: MemoryList = await memory.list_memories(
            scope, limit=limit, kind=kind, cursor=cursor, session_id=session_id
        )
        assert len(stretch.memories) <= limit
        assert cursor is None or stretch.next_cursor != cursor
        listed += stretch.memories
        cursor = stretch.next_cursor
        if cursor is None:
            return listed


def ids_of(memories: Sequence[Memory]) -> list[MemoryId]:
    """Return the ids of memories."""
    return [memory.id for memory in memories]


def newest_first(memories: Sequence[M]) -> list[M]:
    """Return memories in the order of a listing."""
    return sorted(memories, key=lambda it: (it.timestamp, it.accepted_at, it.index, it.id), reverse=True)


def session(name: str) -> SessionId:
    """Return a session id."""
    return SessionId(name)


def agent(name: str) -> AgentId:
    """Return an agent id."""
    return AgentId(name)
