"""Writing memories over what an index has and taking them away again, on whichever Qdrant engine.

Other processes may write at the same time, so what must not happen (a deleted memory revived) is refused by the engine
itself, with the operation; what was read before only tells what there is to do. Further chunks are written before the
memory and deleted after it: what is cut short leaves chunks without a memory, which a search drops, and doing it again
does the rest. `inserting` brings pages in.
"""

from collections.abc import Sequence
from typing import assert_never

from memoryos_adapters.storage.conditions import Clause, equals, is_empty
from memoryos_adapters.storage.payload import kind_key, point_ids, tombstone_payload
from memoryos_adapters.storage.points import chunk_points, own_point
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
    Upsert,
    Write,
    ask,
)
from memoryos_ports.ids import MemoryId, Scope, scope_key
from memoryos_ports.memory import IndexEntry

_STATE_FIELDS = ("scope", "list_scope", "deleted", "chunks")

SUPERSEDED: Payload = {"search_scope": None, "superseded": True}
"""What a superseded page says, and what its chunks say."""

NOT_DELETED = Clause(must=(is_empty("deleted"),))
"""The point is no tombstone; said so, as the engine's upserts do not heed a `must_not`."""


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
    chunks = [point for entry in written for point in chunk_points(entry)]
    own = [own_point(entry) for entry in written]
    upserts = [Upsert(points=points, mode="upsert", only=NOT_DELETED) for points in (chunks, own)]
    yield from write([Delete(ids=beyond), *upserts])


def delete(scope: Scope, ids: Sequence[MemoryId]) -> Plan[list[MemoryId]]:
    """Put tombstones over memories, then delete their further chunks; return those that existed.

    Deleting again removes chunks that were left.
    """
    states = yield from owned(scope, ids, _STATE_FIELDS)
    existing = [id for id, state in states.items() if "list_scope" in state]
    graves = [Point(id=id, vector={}, payload=tombstone_payload(scope, chunks=states[id]["chunks"])) for id in existing]
    chunks = [point for id, state in states.items() if "chunks" in state for point in point_ids(id, state)[1:]]
    yield from write([Upsert(points=graves, mode="update_only"), Delete(ids=chunks)])
    return existing


def supersede(scope: Scope, ids: Sequence[MemoryId]) -> Plan[None]:
    """Take pages and their chunks out of what a search looks at."""
    states, pages = (yield from owned(scope, ids, _STATE_FIELDS)), kind_key(scope, "page")
    points = [
        point for id, state in states.items() if state.get("list_scope") == pages for point in point_ids(id, state)
    ]
    yield from write([SetPayload(ids=points, payload=SUPERSEDED, only=NOT_DELETED)])


def erase(scope: Scope) -> Plan[int]:
    """Remove every point of a scope; return how many memories there were."""
    everything = Clause(must=(equals("scope", scope_key(scope)),))
    memories = yield from ask(Count(wanted=Clause(must=everything.must, must_not=(is_empty("list_scope"),))))
    yield from write([DeleteWhere(wanted=everything)])
    return memories


def write(operations: Sequence[Operation]) -> Plan[None]:
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


def _may_write(entry: IndexEntry, state: Payload | None) -> bool:
    """Return whether an id is free, or taken by a memory of the same scope that was not deleted."""
    return state is None or ("list_scope" in state and state["scope"] == scope_key(entry.memory.scope))
