"""What is remembered and the promise of the memory index that finds it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.filters import Filter
from memoryos_ports.ids import AgentId, EventId, MemoryId, Scope, SessionId
from memoryos_ports.knowledge import Fact, Segment

Source: TypeAlias = Literal["chat", "api", "mcp", "import"]
MemoryKind: TypeAlias = Literal["page", "segment", "fact"]


class Page(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="page"):
    """One turn, verbatim. One message is one page, the assistant's too.

    `timestamp`, then `accepted_at`, then `index` order the pages of a scope; all times are aware, in UTC.
    `content_hash` is that of the whole event: the same event_id with another hash is another content.
    `follows` is the turn that was said right before in the same session, where that is known. A superseded page is an
    answer that was regenerated, a quarantined one looks like an attack: both are kept and never recalled.
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
    quarantined: bool = False
    follows: MemoryId | None = None

    @property
    def is_hidden(self) -> bool:
        """Whether no search may find it."""
        return self.superseded or self.quarantined


Memory: TypeAlias = Page | Segment | Fact


def only_pages(memories: Iterable[Memory]) -> list[Page]:
    """Return the pages among memories, in their order."""
    return [memory for memory in memories if isinstance(memory, Page)]


def speaker_of(memory: Memory) -> str:
    """Return the name of who said it, "" where none is known."""
    match memory:
        case Page():
            return memory.name or ""
        case Fact():
            return memory.speaker or ""
        case Segment():
            return ""


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a page's text that has a vector of its own: ``page.text[start:end]``.

    `vector` is None for a page that is found by words only.
    """

    number: int
    start: int
    end: int
    vector: Vector | None = None


class IndexEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A memory as it goes into the index. `terms` is the text whose words make it findable (speaker included).

    There is at least one chunk; their numbers count from 0.
    """

    memory: Memory
    chunks: tuple[Chunk, ...]
    terms: str


class MemoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for in one scope; `vector` None asks by words only, an empty `terms` by vector only.

    Of `terms` with more than 64 distinct words the first and the last 32 are looked for.

    `limit` bounds each of the two candidate lists of pages, `knowledge_limit` those of segments and facts.
    `neighbours` asks for the turns right before and after that many of the best of each list as well. `agent_id` keeps
    an agent's pages, and of segments and facts its own and those of no agent. `until` keeps
    pages whose timestamp is not later. `waiting` are pages that the index does not hold yet: they are candidates as if
    it did, all of them, so that a ranking can compare them with the others.
    """

    scope: Scope
    terms: str
    vector: Vector | None
    limit: int
    kinds: frozenset[MemoryKind] = frozenset({"page"})
    knowledge_limit: int = 50
    neighbours: int = 0
    session_id: SessionId | None = None
    agent_id: AgentId | None = None
    until: datetime | None = None
    filters: Filter | None = None
    waiting: tuple[IndexEntry, ...] = ()


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A page that a search brought up, with what is known of its likeness to the query.

    `cosine` (-1..1) is that of its best chunk, None when the page has no vector or none was asked with. `words` are
    the terms of the query that it holds (by an opaque number, the same within one answer), each with its part of the
    page's BM25 score. `chunk` is the best chunk by vector, else the first.
    """

    page: Page
    chunk: Chunk
    cosine: float | None = None
    words: dict[int, float] = {}

    @property
    def bm25(self) -> float:
        """The page's BM25 score, 0 when it shares no word with the query."""
        return sum(self.words.values())


class KnowledgeCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """A segment or a fact that a search brought up; `cosine` and `words` as of a page."""

    memory: Segment | Fact
    cosine: float | None = None
    words: dict[int, float] = {}

    @property
    def bm25(self) -> float:
        """The BM25 score, 0 when no word is shared with the query."""
        return sum(self.words.values())


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a search brought up, each memory once, in no promised order."""

    pages: list[Candidate] = []
    knowledge: list[KnowledgeCandidate] = []


class MemoryList(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a listing; `next_cursor` is None at its end."""

    memories: tuple[Memory, ...]
    next_cursor: str | None = None


@runtime_checkable
class MemoryStorage(Protocol):
    """The memory index: pages, segments and facts with dense and sparse vectors, found by meaning and by words.

    Every method sees one scope only, and the adapter adds that filter itself: an id of another scope does not
    exist. An unknown scope has no memories, which is an empty answer, not an error. Raises UpstreamUnavailable,
    UpstreamTimeout or UpstreamProtocolError when the engine cannot be reached or used, UpstreamRejected when it refuses
    what it is given, StorageFull when its disk is full, MemoryDisabled (noop) for a write. Never blocks the event loop.
    """

    @property
    def stamp(self) -> EmbedderStamp:
        """The embedder whose vectors this index holds."""
        ...

    async def insert(self, entries: Sequence[IndexEntry]) -> list[MemoryId]:
        """Store pages; durable and searchable on return. Entries may be of several scopes.

        Insert-only: an id that is known, even as a tombstone, keeps what it has; nothing is reverted or revived.
        Return the ids that were known before, and of an event that another content holds already all of its ids.
        """
        ...

    async def put(self, entries: Sequence[IndexEntry]) -> None:
        """Store memories, each in the place of what its id had before; durable and searchable on return.

        A tombstone stays: what was deleted is not revived.
        """
        ...

    async def search(self, query: MemoryQuery) -> Found:
        """Return the union of the nearest memories by vector and the best by BM25, of the kinds asked for.

        Both figures are given for every candidate, whichever list brought it up. Deleted and hidden pages are left
        out. BM25 statistics are those of a kind in the scope, so that other users never change a ranking. `filters`
        narrow the lists before they are cut; what the engine cannot express exactly is checked afterwards.
        """
        ...

    async def get(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Memory]:
        """Return those of the memories that exist, in the order asked for, hidden ones included, deleted ones not."""
        ...

    async def list_memories(
        self,
        scope: Scope,
        *,
        limit: int,
        kind: MemoryKind = "page",
        cursor: str | None = None,
        session_id: SessionId | None = None,
    ) -> MemoryList:
        """Return memories of a kind newest first (timestamp, accepted_at, index, id), hidden ones included.

        `cursor` is the `next_cursor` of the stretch before, or any other of `memoryos_ports.cursor`. Memories written
        in between move nothing. Raises InvalidInput(param="cursor") for anything else.
        """
        ...

    async def delete(self, scope: Scope, ids: Sequence[MemoryId]) -> list[MemoryId]:
        """Delete memories and their chunks, leaving a textless tombstone under each id; return those that existed.

        Durable on return. Deleting again, or what is unknown, changes nothing and returns nothing for it.
        """
        ...

    async def supersede(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Mark pages as superseded; ids that do not exist (yet) are ignored."""
        ...

    async def erase(self, scope: Scope) -> int:
        """Remove everything of a scope, tombstones included; return how many memories existed. Durable on return.

        An index whose files keep its bytes beyond that is `memoryos_ports.residue.Residual`.
        """
        ...

    async def count(self, scope: Scope, *, kind: MemoryKind = "page") -> int:
        """Return how many memories of a kind exist, hidden ones included, tombstones not."""
        ...

    async def ping(self) -> None:
        """Return when the engine answers; raise as above when it does not."""
        ...
