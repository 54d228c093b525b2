"""Hidden pages: what was superseded or quarantined is kept and listed, and never found."""

import pytest
from msgspec.structs import replace

from memoryos_ports.memory import MemoryStorage, Page, only_pages
from tests.contract.storage.indexes import (
    ANN,
    NORTH,
    UP,
    find,
    list_all,
    make_entry,
    make_page,
    newest_first,
)

HIDDEN = {
    "superseded": make_page("e", superseded=True),
    "quarantined": make_page("e", quarantined=True),
    "both": make_page("e", superseded=True, quarantined=True),
}


async def stored(memory: MemoryStorage, page: Page) -> Page:
    """Return a page as the index has it."""
    (found,) = only_pages(await memory.get(ANN, [page.id]))
    return found


async def supersede(memory: MemoryStorage, page: Page) -> None:
    """Mark one page as superseded."""
    await memory.supersede(ANN, [page.id])


async def quarantine(memory: MemoryStorage, page: Page) -> None:
    """Put a page again as one that is quarantined."""
    await memory.put([make_entry(replace(await stored(memory, page), quarantined=True), UP, NORTH)])


async def release(memory: MemoryStorage, page: Page) -> None:
    """Put a page again as one that is not quarantined."""
    await memory.put([make_entry(replace(await stored(memory, page), quarantined=False), UP, NORTH)])


@pytest.mark.parametrize("page", HIDDEN.values(), ids=[*HIDDEN])
async def test_a_page_that_comes_in_hidden_is_kept_and_not_found(memory: MemoryStorage, page: Page) -> None:
    other = make_page("other")
    await memory.insert([make_entry(page, UP, NORTH), make_entry(other, UP, NORTH)])

    assert await find(memory, "tea", vector=NORTH) == {"other"}
    assert await stored(memory, page) == page
    assert await list_all(memory, limit=5) == newest_first([page, other])
    assert await memory.count(ANN) == 2


async def test_a_quarantined_page_is_found_once_it_is_released(memory: MemoryStorage) -> None:
    page = make_page("e", quarantined=True)
    await memory.insert([make_entry(page, UP, NORTH)])

    await release(memory, page)

    assert await stored(memory, page) == replace(page, quarantined=False)
    assert await find(memory, vector=NORTH) == {"e"}
    assert await find(memory, "tea") == {"e"}


async def test_a_page_that_is_quarantined_later_is_not_found_by_any_chunk(memory: MemoryStorage) -> None:
    page = make_page("e")
    await memory.insert([make_entry(page, UP, NORTH)])

    await quarantine(memory, page)

    assert await stored(memory, page) == replace(page, quarantined=True)
    assert await find(memory, "tea", vector=NORTH) == set()


@pytest.mark.parametrize(
    "steps",
    [(supersede, release), (release, supersede), (supersede, quarantine, release)],
    ids=lambda steps: len(steps),
)
async def test_a_quarantined_page_that_was_superseded_stays_so_when_it_is_released(
    memory: MemoryStorage, steps: tuple[object, ...]
) -> None:
    page = make_page("e", quarantined=True)
    await memory.insert([make_entry(page, UP, NORTH)])

    for step in steps:
        await step(memory, page)  # type: ignore[operator]  # one of the three above

    assert await stored(memory, page) == replace(page, quarantined=False, superseded=True)
    assert await find(memory, "tea", vector=NORTH) == set()


async def test_superseding_a_quarantined_page_leaves_both_marks(memory: MemoryStorage) -> None:
    page = make_page("e", quarantined=True)
    await memory.insert([make_entry(page, UP, NORTH)])

    await supersede(memory, page)

    assert await stored(memory, page) == replace(page, superseded=True)
