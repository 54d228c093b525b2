"""Searching: what the vector and the words bring up, what each says of a page, and what is left out."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from memoryos_ports.memory import Chunk, MemoryStorage
from tests.contract.storage.indexes import (
    ANN,
    EAST,
    NOON,
    NORTH,
    NORTH_EAST,
    UP,
    agent,
    candidate_of,
    find,
    list_all,
    make_entry,
    make_page,
    make_query,
    newest_first,
    session,
)

SECOND = timedelta(seconds=1)


async def test_candidates_are_the_union_of_both_lists(memory: MemoryStorage) -> None:
    near = make_entry(make_page("near", "nothing of the kind"), NORTH)
    named = make_entry(make_page("named", "green tea"), EAST)
    both = make_entry(make_page("both", "black tea"), NORTH_EAST)
    neither = make_entry(make_page("neither", "coffee"), UP)
    await memory.insert([near, named, both, neither])

    assert await find(memory, "tea", vector=NORTH, limit=2) == {"near", "named", "both"}
    assert await find(memory, vector=NORTH, limit=2) == {"near", "both"}
    assert await find(memory, "tea", limit=2) == {"named", "both"}


async def test_a_cosine_is_that_of_the_vectors(memory: MemoryStorage) -> None:
    page = make_page("e")
    await memory.insert([make_entry(page, NORTH_EAST)])

    assert (await candidate_of(memory, page, make_query(vector=NORTH))).cosine == pytest.approx(0.6, abs=1e-6)
    opposite = [-value for value in NORTH_EAST]
    assert (await candidate_of(memory, page, make_query(vector=opposite))).cosine == pytest.approx(-1, abs=1e-6)


async def test_a_page_without_a_vector_has_no_cosine_and_one_without_the_words_no_score(memory: MemoryStorage) -> None:
    near, wordy = make_page("near", "coffee"), make_page("wordy", "tea")
    await memory.insert([make_entry(near, NORTH), make_entry(wordy, None)])
    query = make_query("tea", vector=NORTH)

    by_vector, by_words = await candidate_of(memory, near, query), await candidate_of(memory, wordy, query)

    assert by_vector.cosine == pytest.approx(1)
    assert by_vector.bm25 == 0
    assert by_words.cosine is None
    assert by_words.bm25 > 0
    assert (await candidate_of(memory, near, make_query("coffee"))).cosine is None


async def test_a_page_that_its_words_brought_up_has_the_cosine_of_its_best_chunk(memory: MemoryStorage) -> None:
    near = [make_entry(make_page("near", index=i), NORTH) for i in range(3)]
    named = make_page("named", "coffee")
    await memory.insert([*near, make_entry(named, UP, NORTH_EAST)])

    found = await candidate_of(memory, named, make_query("coffee", vector=NORTH, limit=3))

    assert found.cosine == pytest.approx(0.6, abs=1e-6)
    assert found.chunk.number == 1


async def test_the_best_chunk_of_a_page_is_returned_with_its_place(memory: MemoryStorage) -> None:
    page = make_page("e", "coffee")
    await memory.insert([make_entry(page, UP, EAST, NORTH)])

    found = await candidate_of(memory, page, make_query("coffee", vector=EAST))

    assert found.cosine == pytest.approx(1)
    assert found.chunk == Chunk(number=1, start=10, end=20)
    assert found.page == page
    assert (await candidate_of(memory, page, make_query("coffee"))).chunk == Chunk(number=0, start=0, end=10)


async def test_a_page_of_many_near_chunks_leaves_room_for_other_pages(memory: MemoryStorage) -> None:
    await memory.insert([make_entry(make_page("long"), *[NORTH] * 40)])
    await memory.insert([make_entry(make_page("short", index=i), NORTH_EAST) for i in range(2)])
    await memory.insert([make_entry(make_page("far", index=i), UP) for i in range(3)])

    found = await memory.search(make_query(vector=NORTH, limit=3))

    assert sorted(candidate.page.event_id for candidate in found.pages) == ["long", "short", "short"]


async def test_a_page_without_a_vector_is_found_by_its_words_alone(memory: MemoryStorage) -> None:
    await memory.insert([make_entry(make_page("e", "green tea"), None, None)])

    assert await find(memory, vector=NORTH) == set()
    assert await find(memory, "tea", vector=NORTH) == {"e"}


async def test_a_page_without_words_is_found_by_its_vector_alone(memory: MemoryStorage) -> None:
    await memory.insert([make_entry(make_page("e", "!?"), NORTH)])

    assert await find(memory, "!?") == set()
    assert await find(memory, vector=NORTH) == {"e"}


async def test_a_query_that_asks_nothing_finds_nothing(memory: MemoryStorage) -> None:
    await memory.insert([make_entry(make_page("e"), NORTH)])

    assert await find(memory) == set()
    assert await find(memory, "the of and ?") == set()


async def test_a_page_is_found_by_what_its_terms_say_and_not_by_its_text(memory: MemoryStorage) -> None:
    await memory.insert([make_entry(make_page("e", "I love hiking"), terms="Melanie: I love hiking")])

    assert await find(memory, "Melanie") == {"e"}


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("She was running home", "who runs"),
        ("CRÈME Brûlée", "crème brûlée"),
        ("Straße", "STRASSE"),
        ("room 101 at 10:30", "101"),
        ("我昨天在咖啡店喝绿茶", "绿茶"),
        ("私は東京タワーに行った", "東京"),
        ("안녕하세요", "안녕"),
        ("茶", "茶"),
        ("ﾄｳｷｮｳ", "トウキョウ"),
        ("हिन्दी में लिखना", "हिन्दी"),
        ("Где моя книга", "КНИГА"),
        ("the GPT模型 is here", "模型"),
    ],
)
async def test_words_are_found_whatever_their_form_and_script(memory: MemoryStorage, stored: str, asked: str) -> None:
    await memory.insert([make_entry(make_page("e", stored)), make_entry(make_page("other", "coffee 咖啡壶"))])

    assert await find(memory, asked) == {"e"}


async def test_only_pages_until_a_moment_are_found(memory: MemoryStorage) -> None:
    await memory.insert(
        [
            make_entry(make_page("before", timestamp=NOON - SECOND), UP, NORTH),
            make_entry(make_page("at"), UP, NORTH),
            make_entry(make_page("after", timestamp=NOON + timedelta(microseconds=1)), UP, NORTH),
        ]
    )

    assert await find(memory, "tea", vector=NORTH, until=NOON) == {"before", "at"}
    assert await find(memory, vector=NORTH, until=NOON - SECOND) == {"before"}


async def test_only_pages_of_the_session_and_agent_asked_for_are_found(memory: MemoryStorage) -> None:
    await memory.insert(
        [
            make_entry(make_page("s1", session_id=session("s1"), agent_id=agent("a1")), UP, NORTH),
            make_entry(make_page("s2", session_id=session("s2"), agent_id=agent("a1")), UP, NORTH),
            make_entry(make_page("a2", session_id=session("s1"), agent_id=agent("a2")), UP, NORTH),
            make_entry(make_page("none"), UP, NORTH),
        ]
    )

    assert await find(memory, "tea", vector=NORTH, session_id=session("s1")) == {"s1", "a2"}
    assert await find(memory, "tea", vector=NORTH, agent_id=agent("a1")) == {"s1", "s2"}
    assert await find(memory, vector=NORTH, session_id=session("s1"), agent_id=agent("a1")) == {"s1"}
    assert await find(memory, "tea", session_id=session("unknown")) == set()
    assert await find(memory, "tea", vector=NORTH) == {"s1", "s2", "a2", "none"}


async def test_superseded_pages_are_kept_and_never_found(memory: MemoryStorage) -> None:
    old, new = make_page("old"), make_page("new")
    await memory.insert([make_entry(old, UP, NORTH), make_entry(new, UP, NORTH)])

    await memory.supersede(ANN, [old.id])

    assert await find(memory, "tea", vector=NORTH) == {"new"}
    assert await memory.get(ANN, [old.id]) == [replace(old, superseded=True)]
    assert await list_all(memory, limit=5) == newest_first([replace(old, superseded=True), new])
    assert await memory.count(ANN) == 2


async def test_a_page_may_come_in_superseded(memory: MemoryStorage) -> None:
    page = make_page("old", superseded=True)
    await memory.insert([make_entry(page, NORTH, NORTH)])

    assert await find(memory, "tea", vector=NORTH) == set()
    assert await memory.get(ANN, [page.id]) == [page]


async def test_superseding_again_or_what_is_unknown_changes_nothing(memory: MemoryStorage) -> None:
    page = make_page("e")
    await memory.insert([make_entry(page, NORTH)])
    for _ in range(2):
        await memory.supersede(ANN, [make_page("unknown").id, page.id, page.id])
    await memory.supersede(ANN, [])

    assert await memory.count(ANN) == 1
    await memory.insert([make_entry(make_page("unknown"), NORTH)])
    assert await find(memory, vector=NORTH) == {"unknown"}
