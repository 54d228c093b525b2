"""Putting: a memory takes the place of what its id had, wholly, and never that of what is not its own."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.ids import Scope
from memoryos_ports.memory import MemoryStorage
from tests.contract.storage.indexes import (
    ANN,
    BOB,
    EAST,
    NORTH,
    OTHER_ANN,
    STAMP,
    UP,
    Opener,
    candidate_of,
    find,
    find_knowledge,
    list_all,
    make_entry,
    make_fact,
    make_page,
    make_query,
    make_segment,
    session,
)


async def test_what_is_new_is_stored(memory: MemoryStorage) -> None:
    page, fact, segment = make_page("e"), make_fact(), make_segment()
    await memory.put([make_entry(page, NORTH), make_entry(fact, NORTH), make_entry(segment, NORTH)])

    assert await memory.get(ANN, [segment.id, page.id, fact.id]) == [segment, page, fact]
    assert await find(memory, "tea", vector=NORTH) == {"e"}


async def test_a_page_takes_the_place_of_the_old_one(memory: MemoryStorage) -> None:
    old, new = make_page("e", "green tea", session_id=session("s1")), make_page("e", "black coffee", role="assistant")
    await memory.insert([make_entry(old, NORTH)])

    await memory.put([make_entry(new, EAST)])

    assert await memory.get(ANN, [old.id]) == [new]
    assert await list_all(memory, limit=5) == [new]
    assert await list_all(memory, limit=5, session_id=session("s1")) == []
    assert await find(memory, "tea") == set()
    assert await find(memory, "coffee") == {"e"}
    assert (await candidate_of(memory, new, make_query(vector=EAST))).cosine == pytest.approx(1)
    assert await memory.count(ANN) == 1


async def test_a_fact_takes_the_place_of_the_old_one(memory: MemoryStorage) -> None:
    old = make_fact("lives in Porto")
    new = replace(old, text="lived in Porto", value="Porto", superseded_by=make_fact("lives in Lima").id)
    await memory.put([make_entry(old, NORTH)])

    await memory.put([make_entry(new, EAST, terms="Lisbon")])

    assert await memory.get(ANN, [old.id]) == [new]
    assert await find_knowledge(memory, "Porto") == {}
    assert [*await find_knowledge(memory, "Lisbon")] == ["lived in Porto"]


async def test_words_and_vector_may_go(memory: MemoryStorage) -> None:
    segment = make_segment("green tea")
    await memory.put([make_entry(segment, NORTH)])

    evicted = replace(segment, text="", evicted=True)
    await memory.put([make_entry(evicted)])

    assert await find_knowledge(memory, "green tea", vector=NORTH) == {}
    assert await memory.get(ANN, [segment.id]) == [evicted]


@pytest.mark.parametrize("left", [1, 2])
async def test_fewer_chunks_than_before_leave_none_behind(memory: MemoryStorage, left: int) -> None:
    page = make_page("e")
    await memory.insert([make_entry(page, NORTH, NORTH, EAST, EAST)])

    await memory.put([make_entry(page, *[NORTH] * left)])

    found = await candidate_of(memory, page, make_query(vector=EAST))
    assert found.cosine == pytest.approx(0)
    assert found.chunk.number < left
    await memory.delete(ANN, [page.id])
    assert await find(memory, "tea", vector=EAST) == set()


async def test_more_chunks_than_before_are_all_found(memory: MemoryStorage) -> None:
    page = make_page("e")
    await memory.insert([make_entry(page, NORTH)])

    await memory.put([make_entry(page, NORTH, EAST, UP)])

    found = await candidate_of(memory, page, make_query(vector=UP))
    assert found.chunk.number == 2
    assert found.cosine == pytest.approx(1)


async def test_a_tombstone_stays(memory: MemoryStorage) -> None:
    page, fact = make_page("e"), make_fact()
    await memory.put([make_entry(page, NORTH, EAST), make_entry(fact, NORTH)])
    await memory.delete(ANN, [page.id, fact.id])

    await memory.put([make_entry(page, NORTH, EAST), make_entry(fact, NORTH)])

    assert await memory.get(ANN, [page.id, fact.id]) == []
    assert await find(memory, "tea", vector=EAST) == set()
    assert await find_knowledge(memory, "tea", vector=NORTH) == {}
    assert await memory.count(ANN) == 0


@pytest.mark.parametrize("stranger", [BOB, OTHER_ANN])
async def test_an_id_of_another_scope_is_not_overwritten(memory: MemoryStorage, stranger: Scope) -> None:
    hers = make_page("e", "green tea")
    await memory.insert([make_entry(hers, NORTH, EAST)])

    await memory.put([make_entry(replace(hers, scope=stranger, text="black coffee"), UP)])

    assert await memory.get(ANN, [hers.id]) == [hers]
    assert await memory.get(stranger, [hers.id]) == []
    assert await find(memory, "tea", vector=EAST) == {"e"}
    assert await find(memory, "coffee", vector=UP, scope=stranger) == set()


async def test_of_the_same_id_twice_in_one_call_the_last_stays(memory: MemoryStorage) -> None:
    first, last = make_page("e", "green tea"), make_page("e", "black coffee")
    await memory.put([make_entry(first, NORTH, EAST), make_entry(last, NORTH)])

    assert await memory.get(ANN, [last.id]) == [last]
    assert (await candidate_of(memory, last, make_query(vector=EAST))).cosine == pytest.approx(0)
    assert await memory.count(ANN) == 1


async def test_insertion_afterwards_changes_nothing(memory: MemoryStorage) -> None:
    old, new = make_page("e", "green tea"), make_page("e", "black coffee")
    await memory.insert([make_entry(old)])
    await memory.put([make_entry(new)])

    await memory.insert([make_entry(old)])

    assert await memory.get(ANN, [old.id]) == [new]


async def test_a_vector_that_cannot_be_is_refused_and_the_old_memory_stays(memory: MemoryStorage) -> None:
    old = make_page("e")
    await memory.insert([make_entry(old, NORTH, EAST)])

    with pytest.raises(UpstreamProtocolError):
        await memory.put([make_entry(make_page("e", "coffee"), NORTH), make_entry(make_page("bad"), [1.0])])

    assert await memory.get(ANN, [old.id]) == [old]
    assert await find(memory, vector=EAST) == {"e"}
    assert await memory.count(ANN) == 1


async def test_an_empty_call_stores_nothing(memory: MemoryStorage) -> None:
    await memory.put([])

    assert await memory.count(ANN) == 0


async def test_what_was_put_is_there_after_opening_again(opener: Opener, tmp_path: Path) -> None:
    page = make_page("e", "black coffee")
    async with opener(tmp_path, STAMP) as memory:
        await memory.insert([make_entry(make_page("e", "green tea"), NORTH, EAST)])
        await memory.put([make_entry(page, UP)])

    async with opener(tmp_path, STAMP) as memory:
        assert await memory.get(ANN, [page.id]) == [page]
        assert (await candidate_of(memory, page, make_query(vector=EAST))).cosine == pytest.approx(0)


async def test_puts_of_one_id_at_the_same_time_leave_one_of_them_whole(memory: MemoryStorage) -> None:
    versions = [make_page("e", f"version{number}") for number in range(20)]
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        for page in versions:
            tasks.create_task(memory.put([make_entry(page, NORTH)]))

    (kept,) = await memory.get(ANN, [versions[0].id])
    assert kept in versions
    assert [page.text for page in versions if await find(memory, page.text)] == [kept.text]
