"""Writing memories to an index and taking them away again, on whichever Qdrant engine.

Other processes may write at the same time, so what must not happen (a known page overwritten, a deleted one revived)
is refused by the engine itself, with the operation; what was read before only tells what there is to do. Further
chunks are written before the memory and deleted after it: what is cut short leaves chunks without a memory, which a
search drops, and doing it again does the rest.
"""

from collections.abc import Iterable, Sequence
from typing import assert_never

from memoryos_adapters.storage.conditions import Clause, equals, is_empty
from memoryos_adapters.storage.payload import kind_key, point_ids, tombstone_payload
from memoryos_adapters.storage.points import points_of
from memoryos_adapters.storage.reading import owned
from memoryos_adapters.storage.requests import (
    Count,
    Delete,
    DeleteWhere,
    Operation,
    Payload,
    Plan,
    Point,
    Retrieve,
    SetPayload,
    UpdateMode,
    Upsert,
    Write,
    ask,
)
from memoryos_ports.ids import MemoryId, Scope, scope_key
from memoryos_ports.memory import IndexEntry

_STATE_FIELDS = ("scope", "list_scope", "deleted", "chunks")
_SUPERSEDED = {"search_scope": None, "superseded": True}
_NOT_DELETED = Clause(must=(is_empty("deleted"),))  # said so, as the engine's upserts do not heed a `must_not`


def insert(calls: Sequence[Sequence[IndexEntry]]) -> Plan[list[list[MemoryId]]]:
    """Write the memories whose ids are not known yet; return for each of the calls which were, before it."""
    entries = first_of_each(entry for call in calls for entry in call)
    known = {*(yield from ask(Retrieve(ids=[entry.memory.id for entry in entries], fields=())))} if entries else set()
    yield from _write(_upserts([entry for entry in entries if entry.memory.id not in known], "insert_only"))
    return [_known_before(call, known) for call in calls]


def put(entries: Sequence[IndexEntry]) -> Plan[None]:
    """Write memories over what their ids had, after the chunks that go beyond the new ones are gone."""
    last_of = {entry.memory.id: entry for entry in entries}
    states = (yield from ask(Retrieve(ids=[*last_of], fields=_STATE_FIELDS))) if last_of else {}
    written = [entry for id, entry in last_of.items() if _may_write(entry, states.get(id))]
    beyond = [
        point
        for entry in written
        if (state := states.get(entry.memory.id)) is not None
        for point in point_ids(entry.memory.id, state)[len(entry.chunks) :]
    ]
    yield from _write([Delete(ids=beyond), *_upserts(written, "upsert", only=_NOT_DELETED)])


def delete(scope: Scope, ids: Sequence[MemoryId]) -> Plan[list[MemoryId]]:
    """Put tombstones over memories, then delete their further chunks; return those that existed.

    Deleting again removes chunks that were left.
    """
    states = yield from owned(scope, ids, _STATE_FIELDS)
    existing = [id for id, state in states.items() if "list_scope" in state]
    graves = [Point(id=id, vector={}, payload=tombstone_payload(scope, chunks=states[id]["chunks"])) for id in existing]
    chunks = [point for id, state in states.items() if "chunks" in state for point in point_ids(id, state)[1:]]
    yield from _write([Upsert(points=graves, mode="update_only"), Delete(ids=chunks)])
    return existing


def supersede(scope: Scope, ids: Sequence[MemoryId]) -> Plan[None]:
    """Take pages and their chunks out of what a search looks at."""
    states, pages = (yield from owned(scope, ids, _STATE_FIELDS)), kind_key(scope, "page")
    points = [
        point for id, state in states.items() if state.get("list_scope") == pages for point in point_ids(id, state)
    ]
    yield from _write([SetPayload(ids=points, payload=_SUPERSEDED, only=_NOT_DELETED)])


def erase(scope: Scope) -> Plan[int]:
    """Remove every point of a scope; return how many memories there were."""
    everything = Clause(must=(equals("scope", scope_key(scope)),))
    memories = yield from ask(Count(wanted=Clause(must=everything.must, must_not=(is_empty("list_scope"),))))
    yield from _write([DeleteWhere(wanted=everything)])
    return memories


def first_of_each(entries: Iterable[IndexEntry]) -> list[IndexEntry]:
    """Return the first entry of each id: the one that stays, of those that are inserted together."""
    firsts: dict[MemoryId, IndexEntry] = {}
    for entry in entries:
        firsts.setdefault(entry.memory.id, entry)
    return [*firsts.values()]


def _upserts(entries: Sequence[IndexEntry], mode: UpdateMode, only: Clause | None = None) -> list[Operation]:
    chunks, own = points_of(entries)
    return [Upsert(points=points, mode=mode, only=only) for points in (chunks, own)]


def _write(operations: Sequence[Operation]) -> Plan[None]:
    """Do those of the operations that touch anything."""
    if needed := [operation for operation in operations if not _is_void(operation)]:
        yield from ask(Write(operations=needed))


def _is_void(operation: Operation) -> bool:
    match operation:
        case Upsert(points=points):
            return not points
        case Delete(ids=ids) | SetPayload(ids=ids):
            return not ids
        case DeleteWhere():
            return False
    assert_never(operation)


def _known_before(entries: Sequence[IndexEntry], known: set[str]) -> list[MemoryId]:
    """Return which ids of a call were known; they all are once the call is done."""
    ids = [*dict.fromkeys(entry.memory.id for entry in entries)]
    before = [id for id in ids if id in known]
    known.update(ids)
    return before


def _may_write(entry: IndexEntry, state: Payload | None) -> bool:
    """Return whether an id is free, or taken by a memory of the same scope that was not deleted."""
    return state is None or ("list_scope" in state and state["scope"] == scope_key(entry.memory.scope))
