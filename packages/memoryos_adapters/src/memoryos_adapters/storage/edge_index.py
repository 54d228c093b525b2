"""The memory index on one shard of the in-process Qdrant engine: the blocking half of `QdrantEdgeMemory`."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from qdrant_edge import (
    CountRequest,
    EdgeShard,
    FieldCondition,
    Filter,
    MatchValue,
    Point,
    ScrollRequest,
    SparseVector,
    UpdateMode,
    UpdateOperation,
)

from memoryos_adapters.storage.bm25 import weigh_document
from memoryos_adapters.storage.edge_compaction import compact_after_erasure
from memoryos_adapters.storage.edge_listing import Listing
from memoryos_adapters.storage.edge_points import Points
from memoryos_adapters.storage.edge_search import search_shard
from memoryos_adapters.storage.edge_shard import DENSE, SPARSE, open_shard, require_space
from memoryos_adapters.storage.edge_stamp import note_erasure, read_stamped_shard
from memoryos_adapters.storage.payload import (
    chunk_payload,
    kind_key,
    memory_payload,
    point_ids,
    read_memory,
    tombstone_payload,
)
from memoryos_adapters.storage.vectors import check_vector
from memoryos_ports.cursor import read_cursor, write_cursor
from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.ids import MemoryId, Scope, SessionId, chunk_id, scope_key
from memoryos_ports.memory import Found, IndexEntry, Memory, MemoryKind, MemoryList, MemoryQuery

# A flush stalls every thread of the process, 60 ms for this many points; a start after a kill replays them in .6 s.
_POINTS_PER_FLUSH = 10_000

_STATE_FIELDS = ["scope", "list_scope", "deleted", "chunks"]
_SUPERSEDED = {"search_scope": None, "superseded": True}
_ERASED_AT_ONCE = 10_000


class EdgeIndex:
    """A `MemoryStorage` without the async, for one thread at a time; the engine's own errors come out of it.

    A write reaches the engine's write-ahead log before it returns: it survives a kill of the process (not a power
    cut before the next flush). The engine dies of a full disk (SIGBUS), hence `reserve_bytes`: below that much free
    space a write is refused with StorageFull.
    """

    def __init__(self, shard: EdgeShard, directory: Path, stamp: EmbedderStamp, *, reserve_bytes: int) -> None:
        self.stamp = stamp
        self._shard = shard
        self._points = Points(shard)
        self._directory = directory
        self._reserve_bytes = reserve_bytes
        self._unflushed_points = 0
        stamped = read_stamped_shard(directory)
        self._is_erased_from = stamped is not None and stamped.erased

    @classmethod
    def open(cls, directory: Path, stamp: EmbedderStamp, *, reserve_bytes: int) -> Self:
        """Open the shard in a directory, made when there is none; raise EmbedderMismatch if it is of another stamp.

        One that users were erased from is rewritten first.
        """
        compact_after_erasure(directory, stamp, reserve_bytes=reserve_bytes)
        shard = open_shard(directory, stamp, reserve_bytes=reserve_bytes)
        # Another kill must not replay again what this start has just replayed.
        shard.flush()
        return cls(shard, directory, stamp, reserve_bytes=reserve_bytes)

    def close(self) -> None:
        """Flush and release the shard."""
        try:
            self._shard.flush()
        finally:
            self._shard.close()

    def ping(self) -> None:
        """Return when the engine answers and could write."""
        self._shard.info()
        self._require_space()

    def insert(self, entries: Sequence[IndexEntry]) -> list[MemoryId]:
        """Write the memories whose ids are not known yet, all of them in one operation; return the known ids."""
        # The engine keeps the last of equal ids in one operation; the first is what insert-only means.
        first_of = {entry.memory.id: entry for entry in reversed(self._checked(entries))}
        known = {str(record.id) for record in self._shard.retrieve([*first_of], with_payload=False, with_vector=False)}
        points = [point for id, entry in first_of.items() if id not in known for point in _points(entry)]
        self._put(points, UpdateMode.InsertOnly)
        return [id for id in dict.fromkeys(entry.memory.id for entry in entries) if id in known]

    def put(self, entries: Sequence[IndexEntry]) -> None:
        """Write memories over what their ids had, after the chunks that go beyond the new ones are gone.

        A crash in between leaves the old memory with fewer chunks, and no chunk without a memory that knows of it.
        """
        last_of = {entry.memory.id: entry for entry in self._checked(entries)}
        records = self._shard.retrieve([*last_of], with_payload=_STATE_FIELDS, with_vector=False)
        states = {MemoryId(str(record.id)): record.payload or {} for record in records}
        written = [entry for id, entry in last_of.items() if _may_write(entry, states.get(id))]
        points = [point for entry in written for point in _points(entry)]
        self._delete_points(
            point
            for entry in written
            if (state := states.get(entry.memory.id)) is not None
            for point in point_ids(entry.memory.id, state)[len(entry.chunks) :]
        )
        self._put(points, UpdateMode.Upsert)

    def search(self, query: MemoryQuery) -> Found:
        """Return the candidates of a query."""
        if query.vector is not None:
            check_vector(query.vector, self.stamp)
        self._checked(query.waiting)
        return search_shard(self._shard, self._points, query)

    def get(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Memory]:
        """Return the memories that exist, in the order asked for."""
        owned = self._owned(scope, ids, True)
        found = {id: read_memory(payload) for id, payload in owned.items() if "page" in payload}
        return [found[id] for id in ids if id in found]

    def list_memories(
        self, scope: Scope, kind: MemoryKind, limit: int, cursor: str | None, session_id: SessionId | None
    ) -> MemoryList:
        """Return a stretch of the listing."""
        after = None if cursor is None else read_cursor(cursor)
        positions = Listing(self._shard, kind_key(scope, kind), session_id).newest(limit + 1, after=after)
        memories = self.get(scope, [position.id for position in positions[:limit]])
        next_cursor = write_cursor(positions[limit - 1]) if len(positions) > limit else None
        return MemoryList(memories=tuple(memories), next_cursor=next_cursor)

    def delete(self, scope: Scope, ids: Sequence[MemoryId]) -> list[MemoryId]:
        """Put tombstones over memories, then delete their further chunks; return those that existed.

        A search drops chunks without a memory, so a crash in between shows nothing; deleting again removes them.
        """
        states = self._owned(scope, ids, _STATE_FIELDS)
        existing = [id for id, state in states.items() if "list_scope" in state]
        graves = [Point(id, {}, tombstone_payload(scope, chunks=states[id]["chunks"])) for id in existing]
        self._put(graves, UpdateMode.Upsert)
        self._delete_points(
            point for id, state in states.items() if "chunks" in state for point in point_ids(id, state)[1:]
        )
        return existing

    def supersede(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Take pages and their chunks out of what a search looks at."""
        states, pages = self._owned(scope, ids, _STATE_FIELDS), kind_key(scope, "page")
        points = [
            point for id, state in states.items() if state.get("list_scope") == pages for point in point_ids(id, state)
        ]
        if points:
            self._update(UpdateOperation.set_payload([*points], _SUPERSEDED), points)

    def erase(self, scope: Scope) -> int:
        """Remove every point of a scope; the next start takes the bytes out of the files."""
        everything = Filter(must=[FieldCondition("scope", match=MatchValue(scope_key(scope)))])
        memories = 0
        while True:
            request = ScrollRequest(limit=_ERASED_AT_ONCE, filter=everything, with_payload=["list_scope"])
            records, _ = self._shard.scroll(request)
            if not records:
                return memories
            self._note_erasure()
            memories += sum("list_scope" in (record.payload or {}) for record in records)
            self._delete_points(str(record.id) for record in records)

    def residue(self) -> str | None:
        """Return what the files wait for, None when nothing was erased."""
        return "its files are rewritten at the next start" if self._is_erased_from else None

    def count(self, scope: Scope, kind: MemoryKind) -> int:
        """Return how many memories of a kind exist."""
        listed = FieldCondition("list_scope", match=MatchValue(kind_key(scope, kind)))
        return self._shard.count(CountRequest(filter=Filter(must=[listed])))

    def _checked(self, entries: Sequence[IndexEntry]) -> Sequence[IndexEntry]:
        for chunk in (chunk for entry in entries for chunk in entry.chunks):
            if chunk.vector is not None:
                check_vector(chunk.vector, self.stamp)
        return entries

    def _owned(self, scope: Scope, ids: Iterable[MemoryId], fields: bool | list[str]) -> dict[MemoryId, dict[str, Any]]:
        """Return the payloads of points of the scope among `ids`, in their order, each once."""
        asked = [id for id in dict.fromkeys(ids) if _is_point_id(id)]
        key = scope_key(scope)
        records = self._shard.retrieve([*asked], with_payload=fields, with_vector=False) if asked else []
        payloads = {str(record.id): record.payload or {} for record in records}
        return {id: payloads[id] for id in asked if id in payloads and payloads[id]["scope"] == key}

    def _put(self, points: Sequence[Point], mode: UpdateMode) -> None:
        if points:
            written = [str(point.id) for point in points]
            self._update(UpdateOperation.upsert_points([*points], update_mode=mode), written)

    def _delete_points(self, points: Iterable[str]) -> None:
        if doomed := [*points]:
            self._update(UpdateOperation.delete_points([*doomed]), doomed)

    def _note_erasure(self) -> None:
        """Say so before anything is deleted, so that no crash forgets it."""
        if not self._is_erased_from:
            note_erasure(self._directory)
            self._is_erased_from = True

    def _update(self, operation: UpdateOperation, points: Sequence[str]) -> None:
        self._require_space()
        self._points.forget(points)
        self._shard.update(operation)
        self._unflushed_points += len(points)
        if self._unflushed_points >= _POINTS_PER_FLUSH:
            self._shard.flush()
            self._unflushed_points = 0

    def _require_space(self) -> None:
        require_space(self._directory, self._reserve_bytes)


def _may_write(entry: IndexEntry, state: dict[str, Any] | None) -> bool:
    """Return whether an id is free, or taken by a memory of the same scope that was not deleted."""
    return state is None or ("list_scope" in state and state["scope"] == scope_key(entry.memory.scope))


def _points(entry: IndexEntry) -> Iterator[Point]:
    """Yield the points of a memory: its own with the first chunk and all its words, then one per further chunk."""
    memory, (first, *others) = entry.memory, entry.chunks
    terms = weigh_document(entry.terms)
    sparse = {SPARSE: SparseVector([*terms], [*terms.values()])} if terms else {}
    yield Point(memory.id, {**_dense(first.vector), **sparse}, memory_payload(entry))
    for chunk in others:
        yield Point(chunk_id(memory.id, chunk.number), {**_dense(chunk.vector)}, chunk_payload(memory, chunk))


def _dense(vector: Vector | None) -> dict[str, Vector]:
    return {} if vector is None else {DENSE: vector}


def _is_point_id(text: str) -> bool:
    """Tell whether the engine takes this text for an id; what it would not take cannot exist."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
