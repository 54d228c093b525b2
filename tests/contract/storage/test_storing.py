"""Storing pages: what comes back is what went in, known ids keep what they have, and it lasts."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.errors import EmbedderMismatch, UpstreamProtocolError
from memoryos_ports.ids import MemoryId
from memoryos_ports.memory import MemoryStorage
from tests.contract.storage.indexes import (
    ANN,
    BOB,
    EAST,
    NORTH,
    STAMP,
    Opener,
    agent,
    candidate_of,
    find,
    ids_of,
    make_entry,
    make_page,
    make_query,
    session,
)

FULL = make_page(
    "full",
    "Grüße 你好 👩‍👩‍👧 \u0000 \r\n\t\"quoted\" 'too' \\ end",
    index=7,
    role="assistant",
    timestamp=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    accepted_at=datetime(2026, 1, 2, 3, 4, 6, 1, tzinfo=UTC),
    source="import",
    name="Bot",
    session_id=session("s:1"),
    agent_id=agent("a+b"),
    metadata={"n": 2**70, "ratio": 0.1, "none": None, "nested": {"": [1, "x", {"y": True}]}},
    partial=True,
    sensitive=True,
)


async def test_every_field_of_a_page_comes_back_as_it_was(memory: MemoryStorage) -> None:
    await memory.insert([make_entry(FULL, NORTH)])

    assert await memory.get(ANN, [FULL.id]) == [FULL]
    assert (await memory.list_memories(ANN, limit=1)).memories == (FULL,)
    assert (await candidate_of(memory, FULL, make_query(vector=NORTH))).page == FULL


@pytest.mark.parametrize("year", [1, 1969, 9999])
async def test_moments_far_away_keep_their_microseconds(memory: MemoryStorage, year: int) -> None:
    page = make_page("far", timestamp=datetime(year, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
    await memory.insert([make_entry(page, NORTH)])

    assert await memory.get(ANN, [page.id]) == [page]
    assert await find(memory, vector=NORTH, until=page.timestamp) == {"far"}
    assert await find(memory, vector=NORTH, until=page.timestamp - timedelta(microseconds=1)) == set()


async def test_a_long_text_is_kept_whole_and_found_by_its_last_word(memory: MemoryStorage) -> None:
    page = make_page("long", "lorem ipsum " * 80_000 + "zebra")
    await memory.insert([make_entry(page, NORTH)])

    assert (await candidate_of(memory, page, make_query("zebra"))).page == page


async def test_pages_are_returned_in_the_order_asked_for(memory: MemoryStorage) -> None:
    pages = [make_page(f"e{i}") for i in range(5)]
    await memory.insert([make_entry(page) for page in pages])
    asked = [pages[3], pages[0], pages[4]]

    assert await memory.get(ANN, [page.id for page in asked]) == asked


async def test_unknown_ids_are_left_out(memory: MemoryStorage) -> None:
    page = make_page("known")
    await memory.insert([make_entry(page)])
    unknown = [make_page("unknown").id, *map(MemoryId, ("garbage", "", "7", "\ud800"))]

    assert await memory.get(ANN, [*unknown, page.id]) == [page]


async def test_an_id_is_its_text_and_no_other_way_to_write_it(memory: MemoryStorage) -> None:
    page = make_page("known")
    await memory.insert([make_entry(page)])
    others = [page.id.upper(), page.id.replace("-", ""), f"{{{page.id}}}", f"urn:uuid:{page.id}", f"{page.id}-"]

    assert await memory.get(ANN, [*map(MemoryId, others)]) == []


async def test_a_further_chunk_is_no_page_of_its_own(memory: MemoryStorage) -> None:
    page = make_page("chunked")
    await memory.insert([make_entry(page, NORTH, EAST, NORTH)])

    assert await memory.count(ANN) == 1
    assert (await memory.list_memories(ANN, limit=10)).memories == (page,)


async def test_a_known_page_keeps_what_it_has(memory: MemoryStorage) -> None:
    page = make_page("e", "green tea")
    await memory.insert([make_entry(page, NORTH)])

    await memory.insert([make_entry(make_page("e", "black coffee"), EAST, NORTH)])

    assert await memory.get(ANN, [page.id]) == [page]
    assert await find(memory, "coffee") == set()
    candidate = await candidate_of(memory, page, make_query(vector=EAST))
    assert candidate.chunk.number == 0
    assert candidate.cosine == pytest.approx(0)


async def test_of_the_same_id_twice_in_one_call_the_first_stays(memory: MemoryStorage) -> None:
    page = make_page("e", "green tea")
    await memory.insert([make_entry(page), make_entry(make_page("e", "black coffee"))])

    assert await memory.get(ANN, [page.id]) == [page]
    assert await memory.count(ANN) == 1


async def test_known_and_new_pages_may_come_together(memory: MemoryStorage) -> None:
    old, new = make_page("old"), make_page("new")
    await memory.insert([make_entry(old)])

    await memory.insert([make_entry(old), make_entry(new)])

    assert await memory.get(ANN, [old.id, new.id]) == [old, new]


async def test_the_ids_that_were_known_before_are_told_in_the_order_of_the_call(memory: MemoryStorage) -> None:
    pages = [make_page("e", index=number) for number in range(4)]
    deleted, stranger = make_page("deleted"), make_page("theirs", scope=BOB)
    assert await memory.insert([make_entry(page) for page in (*pages[:3], deleted, stranger)]) == []
    await memory.delete(ANN, [deleted.id])

    again = [pages[3], pages[2], stranger, deleted, pages[0], pages[2]]

    assert await memory.insert([make_entry(page) for page in again]) == ids_of([pages[2], stranger, deleted, pages[0]])


async def test_an_id_that_another_scope_has_taken_is_known_and_not_told_from_others(memory: MemoryStorage) -> None:
    hers = make_page("e", "green tea")
    await memory.insert([make_entry(hers, NORTH)])

    assert await memory.insert([make_entry(replace(make_page("e", "coffee"), scope=BOB), EAST)]) == [hers.id]

    assert await memory.get(ANN, [hers.id]) == [hers]
    assert await memory.count(BOB) == 0


async def test_the_same_id_twice_in_one_call_was_not_known_before(memory: MemoryStorage) -> None:
    assert await memory.insert([make_entry(make_page("e")), make_entry(make_page("e", "coffee"))]) == []


async def test_an_erased_page_is_not_known(memory: MemoryStorage) -> None:
    page = make_page("e")
    await memory.insert([make_entry(page)])
    await memory.erase(ANN)

    assert await memory.insert([make_entry(page)]) == []


async def test_inserts_at_the_same_time_are_told_apart(memory: MemoryStorage) -> None:
    """One of those that bring the same page is told that it is new, all others that it was known."""
    pages = [make_page(f"e{number}", f"note{number}") for number in range(40)]
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        told = [tasks.create_task(memory.insert([make_entry(page, NORTH)])) for page in [*pages, *pages[:10]]]

    assert sorted(id for task in told for id in task.result()) == sorted(ids_of(pages[:10]))
    assert await memory.get(ANN, ids_of(pages)) == pages
    assert await memory.count(ANN) == len(pages)


async def test_one_call_may_hold_pages_of_several_scopes(memory: MemoryStorage) -> None:
    hers, his = make_page("e"), make_page("e", scope=BOB)
    await memory.insert([make_entry(hers), make_entry(his)])

    assert await memory.get(ANN, [hers.id, his.id]) == [hers]
    assert await memory.get(BOB, [hers.id, his.id]) == [his]


async def test_an_empty_call_stores_nothing(memory: MemoryStorage) -> None:
    await memory.insert([])

    assert await memory.count(ANN) == 0


async def test_a_thousand_pages_are_counted_and_found(memory: MemoryStorage) -> None:
    pages = [make_page("bulk", f"note number{i}", index=i) for i in range(1000)]
    await memory.insert([make_entry(page, NORTH) for page in pages])

    assert await memory.count(ANN) == 1000
    assert (await candidate_of(memory, pages[777], make_query("number777", vector=EAST))).page == pages[777]
    assert len((await memory.search(make_query(vector=NORTH, limit=50))).pages) == 50


@pytest.mark.parametrize("vector", [[1.0, 0.0, 0.0], [1.0] * 5, [], [float("nan"), 0, 0, 0], [float("inf"), 0, 0, 0]])
async def test_a_vector_that_cannot_be_is_refused_and_nothing_is_stored(memory: MemoryStorage, vector: Vector) -> None:
    with pytest.raises(UpstreamProtocolError):
        await memory.insert([make_entry(make_page("good"), NORTH), make_entry(make_page("bad"), NORTH, vector)])
    with pytest.raises(UpstreamProtocolError):
        await memory.search(make_query(vector=vector))

    assert await memory.count(ANN) == 0


async def test_what_was_done_is_there_after_opening_again(opener: Opener, tmp_path: Path) -> None:
    kept, superseded, deleted = make_page("kept"), make_page("superseded"), make_page("deleted")
    async with opener(tmp_path, STAMP) as memory:
        await memory.insert([make_entry(page, NORTH, EAST) for page in (kept, superseded, deleted)])
        await memory.supersede(ANN, [superseded.id])
        await memory.delete(ANN, [deleted.id])

    async with opener(tmp_path, STAMP) as memory:
        assert await memory.count(ANN) == 2
        assert await find(memory, "tea", vector=EAST) == {"kept"}
        await memory.insert([make_entry(deleted, NORTH, EAST)])
        assert await memory.get(ANN, [deleted.id]) == []


@pytest.mark.parametrize("other", [EmbedderStamp(name="four", dimensions=5), EmbedderStamp(name="4", dimensions=4)])
async def test_an_index_of_another_embedder_is_refused(opener: Opener, tmp_path: Path, other: EmbedderStamp) -> None:
    async with opener(tmp_path, STAMP) as memory:
        await memory.insert([make_entry(make_page("e"), NORTH)])

    with pytest.raises(EmbedderMismatch) as caught:
        async with opener(tmp_path, other):
            pass

    assert (caught.value.stored, caught.value.configured) == (str(STAMP), str(other))
    async with opener(tmp_path, STAMP) as memory:
        assert memory.stamp == STAMP
        assert await memory.count(ANN) == 1


async def test_ping_answers(memory: MemoryStorage) -> None:
    assert isinstance(memory, MemoryStorage)
    await memory.ping()
