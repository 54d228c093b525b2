"""What the collection on a server is made like, as settings say, and how many round trips a search takes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from msgspec.structs import replace

from memoryos_adapters.settings import QdrantSettings
from memoryos_adapters.storage.known import Known
from memoryos_adapters.storage.qdrant import QdrantMemory
from memoryos_adapters.storage.qdrant_collection import QdrantCollection
from memoryos_adapters.storage.qdrant_engine import QdrantEngine
from memoryos_adapters.storage.qdrant_http import QdrantHttp
from memoryos_adapters.storage.searching import search
from memoryos_ports.memory import MemoryKind
from tests.contract.storage.conftest import drop
from tests.contract.storage.indexes import (
    EAST,
    NORTH,
    STAMP,
    UP,
    collection_of,
    find,
    make_entry,
    make_fact,
    make_page,
    make_query,
    make_segment,
)
from tests.support.qdrant_facade.process import QdrantFacade

T = TypeVar("T")


@pytest.fixture
def settings(facade: QdrantFacade, tmp_path: Path) -> Iterator[QdrantSettings]:
    """A collection of the test's own, which nobody has made yet."""
    yield QdrantSettings(url=facade.url, collection=collection_of(tmp_path))
    drop(facade.url, tmp_path)


async def describe(settings: QdrantSettings) -> dict[str, Any]:
    """Return what the server says of the collection."""
    async with QdrantHttp.open(settings) as http:
        return await http.call("GET", f"/collections/{settings.collection}", answer=dict[str, Any])


async def test_without_quantization_there_is_no_index_of_vectors(settings: QdrantSettings) -> None:
    chosen = replace(settings, shard_number=3, replication_factor=2, write_consistency_factor=2, on_disk=True)
    async with QdrantMemory.open(chosen, STAMP):
        found = await describe(settings)

    params = found["config"]["params"]
    assert params["vectors"]["text"] == {"size": 4, "distance": "Cosine", "on_disk": True}
    assert params["sparse_vectors"]["terms"] == {"modifier": "idf", "index": {"on_disk": True}}
    assert (params["shard_number"], params["replication_factor"], params["write_consistency_factor"]) == (3, 2, 2)
    assert params["hnsw_config"] == {"m": 0, "payload_m": 0}
    assert "quantization_config" not in params
    assert found["config"]["metadata"] == {"memoryos": {"embedder": "four", "dimensions": 4}}
    assert {field: index["data_type"] for field, index in found["payload_schema"].items()} == {
        **dict.fromkeys(["search_scope", "list_scope", "scope", "session_id", "agent_id", "follows"], "keyword"),
        "timestamp": "datetime",
    }


@pytest.mark.parametrize("kind", ["scalar", "binary"])
async def test_with_quantization_there_is_one_per_scope(settings: QdrantSettings, kind: Any) -> None:
    async with QdrantMemory.open(replace(settings, quantization=kind), STAMP) as memory:
        await memory.insert([make_entry(make_page("e"), NORTH)])
        assert await find(memory, vector=NORTH) == {"e"}
        params = (await describe(settings))["config"]["params"]

    assert params["hnsw_config"] == {"m": 0, "payload_m": 16}
    assert [*params["quantization_config"]] == [kind]


class CountingCollection(QdrantCollection):
    """A collection that counts its calls."""

    calls = 0

    async def call(self, method: str, path: str, body: bytes, *, answer: type[T]) -> T:
        self.calls += 1
        return await super().call(method, path, body, answer=answer)


@pytest.mark.parametrize(
    ("fields", "calls"),
    [
        ({}, 2),
        ({"kinds": frozenset[MemoryKind]({"page", "segment", "fact"})}, 2),
        ({"neighbours": 5, "kinds": frozenset[MemoryKind]({"page", "segment", "fact"})}, 3),
    ],
    ids=["pages", "all kinds", "neighbours"],
)
async def test_a_search_takes_few_round_trips(settings: QdrantSettings, fields: dict[str, Any], calls: int) -> None:
    async with QdrantHttp.open(settings) as http:
        collection = CountingCollection(http, settings, STAMP)
        points: dict[str, Known] = {}
        async with QdrantMemory.open(settings, STAMP) as memory:
            first, last = make_page("e", "green tea"), make_page("last", "weather")
            after = msgspec.structs.replace(last, follows=first.id)
            memories = [make_entry(first, NORTH), make_entry(make_fact(), UP), make_entry(make_segment(), UP)]
            await memory.put([*memories, make_entry(after, EAST)])

        query = make_query("green tea", vector=NORTH, limit=1, **fields)
        found = await QdrantEngine(collection, quantized=False).run(search(points, query), points)

    assert collection.calls == calls
    assert {hit.page.event_id for hit in found.pages} == ({"e", "last"} if "neighbours" in fields else {"e"})
    assert len(found.knowledge) == (2 if "kinds" in fields else 0)
