"""Deleting: pages go with their chunks, their ids stay taken."""

import asyncio

from memoryos_ports.ids import MemoryId, chunk_id
from memoryos_ports.memory import MemoryStorage
from tests.contract.storage.indexes import (
    ANN,
    EAST,
    NORTH,
    find,
    list_all,
    make_entry,
    make_page,
    make_query,
    scores,
)


async def test_a_deleted_page_is_gone_from_every_view(memory: MemoryStorage) -> None:
    kept, deleted = make_page("kept"), make_page("deleted")
    await memory.insert([make_entry(kept, NORTH, EAST), make_entry(deleted, NORTH, EAST)])

    assert await memory.delete(ANN, [deleted.id]) == [deleted.id]

    assert await find(memory, "tea", vector=NORTH) == {"kept"}
    assert await find(memory, "tea", vector=EAST) == {"kept"}
    assert await memory.get(ANN, [kept.id, deleted.id]) == [kept]
    assert await list_all(memory, limit=5) == [kept]
    assert await memory.count(ANN) == 1


async def test_a_deleted_page_never_comes_back(memory: MemoryStorage) -> None:
    page = make_page("e")
    await memory.insert([make_entry(page, NORTH, EAST)])
    await memory.delete(ANN, [page.id])

    await memory.insert([make_entry(page, NORTH, EAST)])

    assert await memory.get(ANN, [page.id]) == []
    assert await find(memory, "tea", vector=EAST) == set()
    assert await memory.count(ANN) == 0


async def test_deleting_returns_those_that_existed(memory: MemoryStorage) -> None:
    pages = [make_page(f"e{i}") for i in range(3)]
    await memory.insert([make_entry(page) for page in pages])
    unknown, garbage = make_page("unknown").id, MemoryId("garbage")

    assert await memory.delete(ANN, [pages[2].id, unknown, pages[0].id, garbage]) == [pages[2].id, pages[0].id]
    assert await memory.delete(ANN, [pages[2].id, pages[1].id, pages[1].id]) == [pages[1].id]
    assert await memory.delete(ANN, [page.id for page in pages]) == []
    assert await memory.delete(ANN, []) == []


async def test_deleting_what_is_unknown_does_not_keep_it_from_coming(memory: MemoryStorage) -> None:
    page = make_page("e")
    await memory.delete(ANN, [page.id])

    await memory.insert([make_entry(page)])

    assert await memory.get(ANN, [page.id]) == [page]


async def test_a_superseded_page_can_be_deleted_and_a_deleted_one_not_superseded(memory: MemoryStorage) -> None:
    page = make_page("e")
    await memory.insert([make_entry(page, NORTH, EAST)])
    await memory.supersede(ANN, [page.id])

    assert await memory.delete(ANN, [page.id]) == [page.id]
    await memory.supersede(ANN, [page.id])

    assert await memory.get(ANN, [page.id]) == []


async def test_a_chunk_is_no_page_that_could_be_deleted(memory: MemoryStorage) -> None:
    page = make_page("e")
    await memory.insert([make_entry(page, NORTH, EAST)])
    chunk = MemoryId(chunk_id(page.id, 1))

    assert await memory.get(ANN, [chunk]) == []
    assert await memory.delete(ANN, [chunk]) == []
    assert await find(memory, vector=EAST) == {"e"}


async def test_deleted_pages_no_longer_count_in_the_statistics(memory: MemoryStorage) -> None:
    kept = [make_page("tea", "green tea"), make_page("milk", "milk")]
    await memory.insert([make_entry(page) for page in kept])
    before = await scores(memory, "tea milk")
    others = [make_page(f"e{i}", "tea") for i in range(5)]
    await memory.insert([make_entry(page) for page in others])

    await memory.delete(ANN, [page.id for page in others])

    assert await scores(memory, "tea milk") == before


async def test_inserts_and_deletes_at_the_same_time_agree(memory: MemoryStorage) -> None:
    pages = [make_page(f"e{i}") for i in range(20)]
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        for page in pages:
            tasks.create_task(memory.insert([make_entry(page, NORTH, EAST)]))
        deletions = [tasks.create_task(memory.delete(ANN, [page.id])) for page in pages]

    gone = {id for deletion in deletions for id in deletion.result()}
    left = {page.id for page in await list_all(memory, limit=50)}
    assert left == {page.id for page in pages} - gone
    assert {hit.page.id for hit in (await memory.search(make_query(vector=NORTH, limit=50))).pages} == left
