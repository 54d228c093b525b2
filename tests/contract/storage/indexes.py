"""Every memory index there is, and keyword makers of what goes into it and is asked of it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from memoryos_adapters.storage.qdrant_edge import QdrantEdgeMemory
from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.ids import AgentId, EventId, MemoryId, Scope, SessionId, TenantId, UserId, page_id
from memoryos_ports.memory import Candidate, Chunk, IndexEntry, MemoryQuery, MemoryStorage, Page, PageList

Opener: TypeAlias = Callable[[Path, EmbedderStamp], AbstractAsyncContextManager[MemoryStorage]]

INDEXES: dict[str, Opener] = {"qdrant-edge": QdrantEdgeMemory.open}

STAMP = EmbedderStamp(name="four", dimensions=4)
ANN = Scope(tenant_id=TenantId("acme"), user_id=UserId("ann"))
BOB = Scope(tenant_id=TenantId("acme"), user_id=UserId("bob"))
OTHER_ANN = Scope(tenant_id=TenantId("other"), user_id=UserId("ann"))

NORTH: Vector = [1.0, 0.0, 0.0, 0.0]
EAST: Vector = [0.0, 1.0, 0.0, 0.0]
UP: Vector = [0.0, 0.0, 1.0, 0.0]
NORTH_EAST: Vector = [0.6, 0.8, 0.0, 0.0]

NOON = datetime(2026, 3, 1, 12, 0, 0, 123457, tzinfo=UTC)


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


def make_entry(page: Page, *vectors: Vector | None, terms: str | None = None) -> IndexEntry:
    """Return an entry with one chunk per vector (none given: one without), its words those of the page's text."""
    chunks = tuple(
        Chunk(number=number, start=number * 10, end=number * 10 + 10, vector=vector)
        for number, vector in enumerate(vectors or [None])
    )
    return IndexEntry(page=page, chunks=chunks, terms=page.text if terms is None else terms)


def make_query(terms: str = "", vector: Vector | None = None, **fields: Any) -> MemoryQuery:
    """Return a query in ANN's scope for ten candidates of each kind, unless told otherwise."""
    values: dict[str, Any] = {"scope": ANN, "limit": 10}
    return MemoryQuery(terms=terms, vector=vector, **(values | fields))


async def find(memory: MemoryStorage, terms: str = "", vector: Vector | None = None, **fields: Any) -> set[EventId]:
    """Return the event ids of what a query brings up; each page must come once."""
    candidates = await memory.search(make_query(terms, vector, **fields))
    assert len({candidate.page.id for candidate in candidates}) == len(candidates)
    return {candidate.page.event_id for candidate in candidates}


async def scores(memory: MemoryStorage, terms: str, **fields: Any) -> dict[str, float | None]:
    """Return the BM25 score of each page that its words bring up."""
    return {hit.page.event_id: hit.bm25 for hit in await memory.search(make_query(terms, **fields))}


async def candidate_of(memory: MemoryStorage, page: Page, query: MemoryQuery) -> Candidate:
    """Return what a query says of one page that it must bring up."""
    (found,) = [candidate for candidate in await memory.search(query) if candidate.page.id == page.id]
    return found


async def list_all(
    memory: MemoryStorage, *, limit: int, scope: Scope = ANN, session_id: SessionId | None = None
) -> list[Page]:
    """Return a whole listing, read in stretches of `limit`."""
    pages: list[Page] = []
    cursor: str | None = None
    while True:
        stretch: PageList = await memory.list_pages(scope, limit=limit, cursor=cursor, session_id=session_id)
        assert len(stretch.pages) <= limit
        assert cursor is None or stretch.next_cursor != cursor
        pages += stretch.pages
        cursor = stretch.next_cursor
        if cursor is None:
            return pages


def ids_of(pages: Sequence[Page]) -> list[MemoryId]:
    """Return the ids of pages."""
    return [page.id for page in pages]


def newest_first(pages: Sequence[Page]) -> list[Page]:
    """Return pages in the order of a listing."""
    return sorted(pages, key=lambda page: (page.timestamp, page.accepted_at, page.index, page.id), reverse=True)


def session(name: str) -> SessionId:
    """Return a session id."""
    return SessionId(name)


def agent(name: str) -> AgentId:
    """Return an agent id."""
    return AgentId(name)
