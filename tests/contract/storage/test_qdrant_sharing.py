"""Processes that share one Qdrant server: what one writes the others see, and of two that begin at once both can."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from memoryos_adapters.settings import QdrantSettings
from memoryos_adapters.storage.qdrant import QdrantMemory
from memoryos_adapters.storage.qdrant_collection import QdrantCollection
from memoryos_adapters.storage.qdrant_facts import read_facts
from memoryos_adapters.storage.qdrant_http import QdrantHttp
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import EmbedderMismatch, ForeignIndex, UpstreamProtocolError, UpstreamUnavailable
from memoryos_ports.ids import MemoryId
from tests.contract.storage.conftest import drop
from tests.contract.storage.indexes import (
    ANN,
    BOB,
    EAST,
    NORTH,
    STAMP,
    collection_of,
    find,
    ids_of,
    list_all,
    make_entry,
    make_page,
    make_query,
)
from tests.support.qdrant_facade.process import QdrantFacade

OTHER = EmbedderStamp(name="other", dimensions=4)


@pytest.fixture
def settings(facade: QdrantFacade, tmp_path: Path) -> Iterator[QdrantSettings]:
    """A collection of the test's own, which nobody has made yet."""
    yield QdrantSettings(url=facade.url, collection=collection_of(tmp_path))
    drop(facade.url, tmp_path)


@asynccontextmanager
async def two_of(settings: QdrantSettings) -> AsyncIterator[tuple[QdrantMemory, QdrantMemory]]:
    """Open the same index twice."""
    async with QdrantMemory.open(settings, STAMP) as one, QdrantMemory.open(settings, STAMP) as other:
        yield one, other


async def test_what_one_writes_the_other_sees_at_once(settings: QdrantSettings) -> None:
    page, new = make_page("e", "green tea"), make_page("e", "black coffee")
    async with two_of(settings) as (one, other):
        await one.insert([make_entry(page, NORTH, EAST)])
        assert await find(other, "tea", vector=EAST) == {"e"}
        assert await other.insert([make_entry(new)]) == [page.id]

        await other.put([make_entry(new, NORTH)])
        assert await one.get(ANN, [page.id]) == [new]
        assert await find(one, "tea") == set()

        await one.supersede(ANN, [page.id])
        assert await find(other, "coffee", vector=NORTH) == set()

        assert await other.delete(ANN, [page.id]) == [page.id]
        assert await one.get(ANN, [page.id]) == []
        await one.put([make_entry(page)])
        assert await list_all(other, limit=5) == []

        await other.insert([make_entry(make_page("his", scope=BOB))])
        assert await one.erase(BOB) == 1
        assert await other.count(BOB) == 0


async def test_inserts_of_the_same_pages_by_both_leave_each_once(settings: QdrantSettings) -> None:
    pages = [make_page(f"e{number}", f"note{number}") for number in range(60)]
    async with two_of(settings) as (one, other), asyncio.timeout(30):
        async with asyncio.TaskGroup() as tasks:
            for page in pages:
                tasks.create_task(one.insert([make_entry(page, NORTH, EAST)]))
                tasks.create_task(other.insert([make_entry(replace(page, text="too late"), EAST)]))

        stored = await list_all(one, limit=50)
        assert sorted(ids_of(stored)) == sorted(ids_of(pages))
        assert {page.id for page in pages if page in stored} == {page.id for page in stored if page.text != "too late"}


async def test_of_two_contents_that_both_insert_at_once_one_is_there_whole(settings: QdrantSettings) -> None:
    """Short events against ones of many chunks and a page more: for each exactly one of the two is told that it won."""
    names = [f"e{number}" for number in range(60)]
    async with two_of(settings) as (one, other), asyncio.timeout(60):
        async with asyncio.TaskGroup() as tasks:
            told = [(insert_tea(tasks, one, name), insert_coffee(tasks, other, name)) for name in names]

        for name, (tea, coffee) in zip(names, told, strict=True):
            assert (tea.result() == []) != (coffee.result() == [])
            assert await one.get(ANN, [make_page(name, index=index).id for index in (0, 1)]) == (
                [make_page(name, "tea", content_hash="tea")]
                if tea.result() == []
                else [make_page(name, "coffee", index=index, content_hash="coffee") for index in (0, 1)]
            )
        winners = {name for name, (tea, _) in zip(names, told, strict=True) if tea.result() == []}
        hits = (await other.search(make_query(vector=EAST, limit=500))).pages
        assert {hit.page.event_id for hit in hits if hit.chunk.number} == {*names} - winners


def insert_tea(tasks: asyncio.TaskGroup, memory: QdrantMemory, name: str) -> asyncio.Task[list[MemoryId]]:
    """Insert an event of one page with one chunk."""
    page = make_page(name, "tea", content_hash="tea")
    return tasks.create_task(memory.insert([make_entry(page, NORTH)]))


def insert_coffee(tasks: asyncio.TaskGroup, memory: QdrantMemory, name: str) -> asyncio.Task[list[MemoryId]]:
    """Insert an event of two pages with several chunks."""
    pages = [make_page(name, "coffee", index=index, content_hash="coffee") for index in (0, 1)]
    return tasks.create_task(memory.insert([make_entry(page, NORTH, EAST, EAST) for page in pages]))


async def test_many_that_make_the_index_at_the_same_time_all_can(settings: QdrantSettings) -> None:
    async def make() -> None:
        async with QdrantHttp.open(settings) as http:
            await QdrantCollection(http, settings, STAMP).ready()

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        for _ in range(8):
            tasks.create_task(make())

    async with QdrantMemory.open(settings, STAMP) as memory:
        await memory.ping()


async def test_an_index_that_vanishes_is_made_again(
    settings: QdrantSettings, facade: QdrantFacade, tmp_path: Path
) -> None:
    async with QdrantMemory.open(settings, STAMP) as memory:
        await memory.insert([make_entry(make_page("old"), NORTH)])
        drop(facade.url, tmp_path)

        assert await find(memory, "tea", vector=NORTH) == set()
        await memory.insert([make_entry(make_page("new"), NORTH)])
        assert await find(memory, "tea", vector=NORTH) == {"new"}
        await memory.ping()


async def test_an_index_that_was_made_anew_by_another_embedder_is_refused_once_that_is_noticed(
    settings: QdrantSettings, facade: QdrantFacade, tmp_path: Path
) -> None:
    async with QdrantMemory.open(settings, STAMP) as memory:
        drop(facade.url, tmp_path)
        async with QdrantMemory.open(settings, OTHER):
            pass

        with pytest.raises(UpstreamProtocolError, match="other/4"):
            await memory.ping()
        for _ in range(2):
            with pytest.raises(EmbedderMismatch):
                await memory.insert([make_entry(make_page("e"), NORTH)])

        drop(facade.url, tmp_path)
        await memory.insert([make_entry(make_page("e"), NORTH)])
        await memory.ping()


async def test_a_collection_that_somebody_else_made_is_refused_and_left_as_it_is(settings: QdrantSettings) -> None:
    path, body = f"/collections/{settings.collection}", b'{"vectors": {"notes": {"size": 4, "distance": "Cosine"}}}'
    async with QdrantHttp.open(settings) as http:
        await http.call("PUT", path, body, answer=bool)
        before = await http.call("GET", path, answer=dict[str, Any])

        with pytest.raises(ForeignIndex, match=f"storage.qdrant.collection: '{settings.collection}'"):
            async with QdrantMemory.open(settings, STAMP):
                pass
        assert await http.call("GET", path, answer=dict[str, Any]) == before
    assert (await read_facts(settings)).is_foreign


async def test_what_a_process_has_under_way_at_its_end_is_not_told_as_done(settings: QdrantSettings) -> None:
    async with QdrantMemory.open(settings, STAMP) as memory:
        inserts = [asyncio.create_task(memory.insert([make_entry(make_page(f"e{number}"))])) for number in range(3)]
        await asyncio.sleep(0)

    done = await asyncio.wait_for(asyncio.gather(*inserts, return_exceptions=True), 30)
    assert {type(result) for result in done} <= {asyncio.CancelledError, UpstreamUnavailable}
