"""Searching again: an index may remember what earlier searches read, and tells what was written since all the same."""

from memoryos_ports.memory import MemoryStorage, Page
from tests.contract.storage.indexes import ANN, EAST, NORTH, UP, find, make_entry, make_page, make_query

TEA = make_page("e", "green tea, every morning")


async def remembering(memory: MemoryStorage, page: Page = TEA) -> None:
    """Insert a page of two chunks beside another one, and search for it."""
    await memory.insert([make_entry(page, UP, NORTH), make_entry(make_page("other", "white wine"), EAST)])
    assert await found(memory) == [page]


async def found(memory: MemoryStorage, *waiting: Page) -> list[Page]:
    """Return the pages about tea."""
    query = make_query("tea", waiting=tuple(make_entry(page) for page in waiting))
    return [candidate.page for candidate in (await memory.search(query)).pages]


async def test_a_page_that_was_put_since_is_found_as_it_is_now(memory: MemoryStorage) -> None:
    await remembering(memory)
    new = make_page("e", "black tea", metadata={"mood": "awake"})

    await memory.put([make_entry(new, NORTH)])

    assert await found(memory) == [new]
    (again,) = (await memory.search(make_query("black", vector=NORTH, limit=1))).pages
    assert (again.page, again.chunk.number, again.bm25 > 0) == (new, 0, True)


async def test_the_words_of_a_page_that_was_put_since_are_those_of_now(memory: MemoryStorage) -> None:
    await remembering(memory)

    await memory.put([make_entry(TEA, NORTH, terms="tea with lemon")])

    (now,) = (await memory.search(make_query("tea lemon"))).pages
    assert len(now.words) == 2


async def test_what_was_deleted_since_is_not_found_and_not_waited_for(memory: MemoryStorage) -> None:
    await remembering(memory)

    await memory.delete(ANN, [TEA.id])

    assert await found(memory) == await found(memory, TEA) == []


async def test_what_was_superseded_since_is_not_found_and_not_waited_for(memory: MemoryStorage) -> None:
    await remembering(memory)

    await memory.supersede(ANN, [TEA.id])

    assert await found(memory) == await found(memory, TEA) == []


async def test_what_was_erased_since_is_unknown(memory: MemoryStorage) -> None:
    await remembering(memory)

    await memory.erase(ANN)

    assert await found(memory) == []
    another = make_page("e", "black tea")
    assert await found(memory, another) == [another], "it is waited for, as if the index had never had the id"


async def test_what_was_inserted_since_is_found(memory: MemoryStorage) -> None:
    assert await found(memory) == []
    assert await found(memory, TEA) == [TEA]

    await memory.insert([make_entry(TEA, NORTH)])

    assert await find(memory, "morning", vector=NORTH) == {"e"}
    assert await found(memory, TEA) == [TEA]
