"""Waiting entries: pages that the index does not hold yet are candidates as if it did, and never twice."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from memoryos_ports.embedding import Vector
from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.filters import Condition
from memoryos_ports.memory import Chunk, Found, IndexEntry, MemoryKind, MemoryStorage, Page
from tests.contract.storage.indexes import (
    ANN,
    EAST,
    NORTH,
    NORTH_EAST,
    STAMP,
    UP,
    Opener,
    candidate_of,
    find,
    make_entry,
    make_page,
    make_query,
)

INDEXED = [
    make_entry(make_page("e0", "green tea"), EAST, NORTH, UP),
    make_entry(make_page("e1", "milk"), EAST),
    make_entry(make_page("e2", "black tea"), EAST),
    make_entry(make_page("e3", "!?"), EAST),
]
WAITING = (
    make_entry(make_page("w0", "tea with bread"), NORTH, [3.0, 4.0, 0.0, 0.0]),
    make_entry(make_page("w1", "bread, bread"), None),
    make_entry(make_page("w2", "!?"), UP),
    make_entry(make_page("w3", "the weather"), None),
)
QUESTION = "Is there bread with tea and milk, or a unicorn?"


def places(found: Found) -> dict[str, tuple[Page, Chunk]]:
    """Return the page and the best chunk of each candidate."""
    return {hit.page.event_id: (hit.page, hit.chunk) for hit in found.pages}


def figures(found: Found) -> dict[tuple[str, object], float]:
    """Return the cosine of each candidate that has one, and what each of its words adds."""
    words: dict[tuple[str, object], float] = {
        (hit.page.event_id, word): part for hit in found.pages for word, part in hit.words.items()
    }
    cosines: dict[tuple[str, object], float] = {
        (hit.page.event_id, "cosine"): hit.cosine for hit in found.pages if hit.cosine is not None
    }
    return {**words, **cosines}


@pytest.mark.parametrize("vector", [None, NORTH, NORTH_EAST, [0.0, 2.0, 0.0, 0.0]], ids=str)
@pytest.mark.parametrize("terms", ["", QUESTION, "unicorn"])
@pytest.mark.parametrize("indexed", [[], INDEXED], ids=["empty", "filled"])
async def test_what_waits_is_found_as_if_it_were_indexed(
    opener: Opener, tmp_path: Path, indexed: list[IndexEntry], terms: str, vector: Vector | None
) -> None:
    """All of them come, also those that no list would bring up."""
    async with opener(tmp_path / "waiting", STAMP) as memory:
        await memory.insert(indexed)
        early = await memory.search(make_query(terms, vector, waiting=WAITING))
    async with opener(tmp_path / "stored", STAMP) as memory:
        await memory.insert([*indexed, *WAITING])
        late = await memory.search(make_query(terms, vector))

    assert len(early.pages) == len({hit.page.id for hit in early.pages})
    assert places(early).keys() == places(late).keys() | {"w0", "w1", "w2", "w3"}
    assert places(early) | places(late) == places(early)
    assert figures(early) == pytest.approx(figures(late), rel=1e-4, abs=1e-6)


async def test_what_waits_is_not_stored(memory: MemoryStorage) -> None:
    assert await find(memory, "bread", vector=NORTH, waiting=WAITING) == {"w0", "w1", "w2", "w3"}

    assert await memory.count(ANN) == 0
    assert await find(memory, "bread", vector=NORTH) == set()


async def test_what_waits_takes_no_place_in_a_list(memory: MemoryStorage) -> None:
    await memory.insert(INDEXED)

    assert await find(memory, "tea", limit=1, waiting=WAITING) > {"w0", "w1", "w2", "w3"}


async def test_what_was_indexed_meanwhile_comes_once(memory: MemoryStorage) -> None:
    await memory.insert([*INDEXED, *WAITING])

    found = await memory.search(make_query(QUESTION, vector=NORTH, waiting=WAITING))
    assert len(found.pages) == len({hit.page.id for hit in found.pages}) == 8
    assert figures(found) == pytest.approx(figures(await memory.search(make_query(QUESTION, vector=NORTH))), rel=1e-4)


async def test_what_was_indexed_meanwhile_comes_although_no_list_brings_it_up(memory: MemoryStorage) -> None:
    far = make_entry(make_page("far", "the weather"), [-1.0, 0.0, 0.0, 0.0])
    await memory.insert([*INDEXED, far])

    assert await find(memory, "tea", vector=EAST, limit=1, waiting=(far,)) >= {"far"}
    assert "far" not in await find(memory, "tea", vector=EAST, limit=1)


async def test_what_the_index_says_of_a_page_counts(memory: MemoryStorage) -> None:
    old = make_entry(make_page("e", "green tea"), NORTH)
    new = make_page("e", "black tea")
    await memory.insert([make_entry(new, EAST)])

    assert (await candidate_of(memory, new, make_query("tea", vector=EAST, waiting=(old,)))).page == new


async def test_what_was_deleted_or_hidden_meanwhile_does_not_come(memory: MemoryStorage) -> None:
    pages = [make_page(name, "green tea", quarantined=name == "held") for name in ("deleted", "superseded", "held")]
    await memory.insert([make_entry(page, NORTH) for page in pages])
    await memory.delete(ANN, [pages[0].id])
    await memory.supersede(ANN, [pages[1].id])

    waiting = tuple(make_entry(replace(page, quarantined=False), NORTH) for page in pages)

    assert await find(memory, "tea", vector=NORTH, waiting=waiting) == set()


async def test_filters_hold_for_what_waits_too(memory: MemoryStorage) -> None:
    waiting = tuple(make_entry(make_page(role, "green tea", role=role)) for role in ("user", "assistant"))

    assert await find(memory, "tea", waiting=waiting, filters=Condition(field="role", op="eq", value="user")) == {
        "user"
    }


async def test_the_same_twice_comes_once(memory: MemoryStorage) -> None:
    assert await find(memory, "bread", waiting=(WAITING[0], WAITING[0])) == {"w0"}


@pytest.mark.parametrize(("asked", "is_shared"), [("绿茶", True), ("你喝什么茶", False), ("她喜欢什么", True)])
async def test_bigrams_of_what_waits_are_words_too(memory: MemoryStorage, asked: str, is_shared: bool) -> None:
    entry = make_entry(make_page("w", "我喜欢绿茶"))

    found = await candidate_of(memory, make_page("w", "我喜欢绿茶"), make_query(asked, waiting=(entry,)))

    assert (found.bm25 > 0) is is_shared


async def test_the_best_chunk_of_what_waits_is_returned(memory: MemoryStorage) -> None:
    entry = make_entry(make_page("w"), UP, NORTH_EAST, None, NORTH)

    for vector, number in ((NORTH, 3), (EAST, 1), (UP, 0)):
        found = await candidate_of(memory, make_page("w"), make_query(vector=vector, waiting=(entry,)))
        assert found.chunk == Chunk(number=number, start=number * 10, end=number * 10 + 10)


async def test_what_waits_is_only_looked_at_where_pages_are_asked_for(memory: MemoryStorage) -> None:
    kinds = frozenset[MemoryKind]({"fact", "segment"})

    assert await memory.search(make_query("bread", vector=NORTH, kinds=kinds, waiting=WAITING)) == Found()


async def test_a_vector_that_cannot_be_is_refused(memory: MemoryStorage) -> None:
    for vector in ([1.0], [float("nan")] * 4):
        with pytest.raises(UpstreamProtocolError):
            await memory.search(make_query(vector=NORTH, waiting=(make_entry(make_page("w"), vector),)))
