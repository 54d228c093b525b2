"""Shards of before there were kinds, neighbours and filters: they open, work, and gain the new indexes."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from qdrant_edge import (
    Distance,
    EdgeConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    EdgeVectorParams,
    KeywordIndexParams,
    Modifier,
    PayloadSchemaType,
    Point,
    SparseVector,
    UpdateOperation,
)

from memoryos_adapters.storage.bm25 import weigh_document
from memoryos_adapters.storage.qdrant_edge import QdrantEdgeMemory
from memoryos_ports.embedding import Vector
from memoryos_ports.ids import chunk_id, scope_key
from memoryos_ports.memory import Page
from tests.contract.storage.indexes import (
    ANN,
    BOB,
    EAST,
    NORTH,
    STAMP,
    UP,
    candidate_of,
    find,
    find_knowledge,
    list_all,
    make_entry,
    make_fact,
    make_page,
    make_query,
    newest_first,
    scores,
    session,
)
from tests.contract.storage.reference import bm25

OLD_INDEXES: dict[str, KeywordIndexParams | PayloadSchemaType] = {
    "search_scope": KeywordIndexParams(is_tenant=True),
    "list_scope": KeywordIndexParams(is_tenant=True),
    "session_id": KeywordIndexParams(),
    "agent_id": KeywordIndexParams(),
    "timestamp": PayloadSchemaType.Datetime,
}
NEW_INDEXES = {"scope", "follows"}

TEA = make_page("tea", "green tea", session_id=session("s1"))
LONG = make_page("long", "black coffee", index=1)
HIDDEN = make_page("hidden", "old tea", index=2)
DELETED = make_page("deleted", "no tea", index=3)
HIS = make_page("his", "his tea", scope=BOB)

# What pages did not have.
_NEW_FIELDS = ("kind", "quarantined", "follows")


def old_points(page: Page, *vectors: Vector) -> list[Point]:
    """Return the points of a page as they were written then: no `kind`, and nothing for filters and neighbours."""
    key = scope_key(page.scope)
    common: dict[str, Any] = {"scope": key, "search_scope": key, "timestamp": page.timestamp.isoformat()}
    common |= {} if page.session_id is None else {"session_id": page.session_id}
    encoded = {field: value for field, value in msgspec.to_builtins(page).items() if field not in _NEW_FIELDS}
    own = {
        "list_scope": key,
        "page": msgspec.json.encode(encoded).decode(),
        "accepted_at": page.accepted_at.isoformat(),
        "index": page.index,
        "tenant_id": page.scope.tenant_id,
        "user_id": page.scope.user_id,
        "chunks": len(vectors),
    }
    terms = weigh_document(page.text)
    sparse = SparseVector([*terms], [*terms.values()])
    return [
        Point(
            chunk_id(page.id, number),
            {"text": vector} if number else {"text": vector, "terms": sparse},
            {
                **common,
                **({"page_id": page.id} if number else own),
                "number": number,
                "start": number * 10,
                "end": number * 10 + 10,
            },
        )
        for number, vector in enumerate(vectors)
    ]


def write_old_shard(directory: Path, points: Sequence[Point]) -> None:
    """Leave an index as it was made then, with a superseded page and a tombstone among its points."""
    (directory / "stamp.json").write_bytes(msgspec.json.encode(STAMP))
    config = EdgeConfig(
        vectors={"text": EdgeVectorParams(size=STAMP.dimensions, distance=Distance.Cosine)},
        sparse_vectors={"terms": EdgeSparseVectorParams(modifier=Modifier.Idf)},
    )
    shard = EdgeShard.create(str(directory / "shard"), config)
    for field, schema in OLD_INDEXES.items():
        shard.update(UpdateOperation.create_field_index(field, schema))
    shard.update(UpdateOperation.upsert_points([*points]))
    shard.update(UpdateOperation.set_payload([HIDDEN.id, chunk_id(HIDDEN.id, 1)], {"search_scope": None}))
    tombstone = {"scope": scope_key(ANN), "deleted": True, "chunks": 1}
    shard.update(UpdateOperation.upsert_points([Point(DELETED.id, {}, tombstone)]))
    shard.close()


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[QdrantEdgeMemory]:
    """An index that an older release has left."""
    points = [*old_points(TEA, NORTH), *old_points(LONG, UP, EAST), *old_points(HIDDEN, NORTH, EAST)]
    write_old_shard(tmp_path, [*points, *old_points(HIS, NORTH)])
    async with QdrantEdgeMemory.open(tmp_path, STAMP) as opened:
        yield opened


def indexes_of(directory: Path) -> set[str]:
    """Return the payload fields of a closed index that have an index of their own."""
    shard = EdgeShard.load(str(directory / "shard"))
    try:
        return {*shard.info().payload_schema}
    finally:
        shard.close()


async def test_its_pages_are_there(memory: QdrantEdgeMemory) -> None:
    everything = [replace(HIDDEN, superseded=True), LONG, TEA]

    assert await memory.get(ANN, [HIDDEN.id, LONG.id, TEA.id, DELETED.id, HIS.id]) == everything
    assert await list_all(memory, limit=2) == newest_first(everything)
    assert await list_all(memory, limit=2, session_id=session("s1")) == [TEA]
    assert await memory.count(ANN) == 3
    assert await memory.count(ANN, kind="fact") == 0


async def test_its_pages_are_found(memory: QdrantEdgeMemory) -> None:
    assert await find(memory, "tea", vector=EAST) == {"tea", "long"}
    assert await find(memory, "tea", vector=EAST, scope=BOB) == {"his"}
    assert (await candidate_of(memory, LONG, make_query(vector=EAST))).chunk.number == 1
    expected = bm25("black tea", [TEA.text, LONG.text])
    assert await scores(memory, "black tea") == pytest.approx(
        {"tea": sum(expected[0].values()), "long": sum(expected[1].values())}, rel=1e-5
    )


async def test_its_pages_can_be_put_superseded_and_deleted(memory: QdrantEdgeMemory) -> None:
    await memory.insert([make_entry(DELETED, NORTH), make_entry(TEA, EAST)])
    assert await memory.get(ANN, [DELETED.id, TEA.id]) == [TEA]

    shorter = replace(LONG, text="black", follows=TEA.id)
    await memory.put([make_entry(shorter, UP)])
    assert (await candidate_of(memory, shorter, make_query(vector=EAST))).cosine == pytest.approx(0)
    assert await find(memory, "green", limit=1, neighbours=1) == {"tea", "long"}

    assert await memory.delete(ANN, [LONG.id, HIDDEN.id]) == [LONG.id, HIDDEN.id]
    await memory.supersede(ANN, [TEA.id])
    assert await find(memory, "tea", vector=NORTH) == set()
    assert await list_all(memory, limit=5) == [replace(TEA, superseded=True)]


async def test_it_takes_what_is_new(memory: QdrantEdgeMemory) -> None:
    after, fact = make_page("after", "nothing of the kind", follows=TEA.id), make_fact("likes tea")
    await memory.put([make_entry(after, UP), make_entry(fact, NORTH)])

    assert await find(memory, "tea", limit=1, neighbours=1) == {"tea", "after"}
    assert [*await find_knowledge(memory, "tea")] == ["likes tea"]
    assert await memory.get(ANN, [fact.id, TEA.id]) == [fact, TEA]


async def test_a_scope_of_it_is_erased_whole(memory: QdrantEdgeMemory) -> None:
    assert await memory.erase(ANN) == 3

    assert await memory.count(ANN) == 0
    assert await memory.count(BOB) == 1
    await memory.insert([make_entry(DELETED)])
    assert await memory.count(ANN) == 1


async def test_it_gains_the_new_indexes_and_keeps_them(tmp_path: Path) -> None:
    write_old_shard(tmp_path, [*old_points(TEA, NORTH), *old_points(HIDDEN, NORTH, EAST)])
    assert indexes_of(tmp_path) == {*OLD_INDEXES}

    for _ in range(2):
        async with QdrantEdgeMemory.open(tmp_path, STAMP) as memory:
            assert await find(memory, "tea") == {"tea"}
        assert indexes_of(tmp_path) >= {*OLD_INDEXES} | NEW_INDEXES


async def test_a_new_index_has_them_from_the_start(tmp_path: Path) -> None:
    async with QdrantEdgeMemory.open(tmp_path, STAMP):
        pass

    assert indexes_of(tmp_path) >= {*OLD_INDEXES} | NEW_INDEXES
