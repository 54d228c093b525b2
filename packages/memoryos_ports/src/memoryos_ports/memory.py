"""What is remembered (pages) and the promise of the memory index that finds it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.ids import AgentId, EventId, MemoryId, Scope, SessionId

Source: TypeAlias = Literal["chat", "api", "mcp", "import"]
MemoryKind: TypeAlias = Literal["page", "segment", "fact"]


class Page(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="page"):
    """One turn, verbatim. One message is one page, the assistant's too.

    `timestamp`, then `accepted_at`, then `index` order the pages of a scope; all times are aware, in UTC.
    `content_hash` is that of the whole event: the same event_id with another hash is another content.
    A superseded page is an answer that was regenerated: kept, never recalled.
    """

    id: MemoryId
    scope: Scope
    event_id: EventId
    index: int
    role: str
    text: str
    timestamp: datetime
    accepted_at: datetime
    content_hash: str
    source: Source = "api"
    name: str | None = None
    session_id: SessionId | None = None
    agent_id: AgentId | None = None
    metadata: dict[str, Any] = {}
    partial: bool = False
    sensitive: bool = False
    superseded: bool = False


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a page's text that has a vector of its own: ``page.text[start:end]``.

    `vector` is None for a page that is found by words only.
    """

    number: int
    start: int
    end: int
    vector: Vector | None = None


class IndexEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A page as it goes into the index. `terms` is the text whose words make the page findable (speaker included).

    There is at least one chunk; their numbers count from 0.
    """

    page: Page
    chunks: tuple[Chunk, ...]
    terms: str


class MemoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for in one scope; `vector` None asks by words only, an empty `terms` by vector only.

    `limit` bounds each of the two candidate lists. `until` keeps pages whose timestamp is not later.
    """

    scope: Scope
    terms: str
    vector: Vector | None
    limit: int
    session_id: SessionId | None = None
    agent_id: AgentId | None = None
    until: datetime | None = None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A page that a search brought up, with what each list said of it.

    `cosine` (-1..1) is that of its best chunk, None when the page was not among the nearest; `bm25` (> 0) is None
    when it was not among the best by words. `chunk` is the best chunk by vector, else the first.
    """

    page: Page
    chunk: Chunk
    cosine: float | None
    bm25: float | None


class PageList(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a listing; `next_cursor` is None at its end."""

    pages: tuple[Page, ...]
    next_cursor: str | None = None


@runtime_checkable
class MemoryStorage(Protocol):
    """The memory index: pages with dense and sparse vectors, found by meaning and by words.

    Every method sees one scope only, and the adapter adds that filter itself: an id of another scope does not
    exist. An unknown scope has no memories, which is an empty answer, not an error. Raises UpstreamUnavailable,
    UpstreamTimeout or UpstreamProtocolError when the engine cannot be reached or used, StorageFull when its disk
    is full, MemoryDisabled (noop) for a write. Never blocks the event loop.
    """

    @property
    def stamp(self) -> EmbedderStamp:
        """The embedder whose vectors this index holds."""
        ...

    async def insert(self, entries: Sequence[IndexEntry]) -> None:
        """Store pages; durable and searchable on return. Entries may be of several scopes.

        Insert-only: an id that is known, even as a tombstone, keeps what it has; nothing is reverted or revived.
        """
        ...

    async def search(self, query: MemoryQuery) -> list[Candidate]:
        """Return the union of the nearest pages by vector and the best by BM25, each page once, in no promised order.

        Deleted and superseded pages are left out. BM25 statistics are those of the scope, so that other users never
        change a ranking.
        """
        ...

    async def get(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Page]:
        """Return those of the pages that exist, in the order asked for, superseded ones included, deleted ones not."""
        ...

    async def list_pages(
        self,
        scope: Scope,
        *,
        limit: int,
        cursor: str | None = None,
        session_id: SessionId | None = None,
    ) -> PageList:
        """Return pages newest first (timestamp, accepted_at, index, id), superseded ones included, deleted ones not.

        `cursor` is the `next_cursor` of the stretch before, or any other of `memoryos_ports.cursor`. Pages written in
        between move nothing. Raises InvalidInput(param="cursor") for anything else.
        """
        ...

    async def delete(self, scope: Scope, ids: Sequence[MemoryId]) -> list[MemoryId]:
        """Delete pages and their chunks, leaving a textless tombstone under each id; return those that existed.

        Durable on return. Deleting again, or what is unknown, changes nothing and returns nothing for it.
        """
        ...

    async def supersede(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Mark pages as superseded; ids that do not exist (yet) are ignored."""
        ...

    async def count(self, scope: Scope) -> int:
        """Return how many pages of the scope exist, superseded ones included, tombstones not."""
        ...

    async def ping(self) -> None:
        """Return when the engine answers; raise as above when it does not."""
        ...
