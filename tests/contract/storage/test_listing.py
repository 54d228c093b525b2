"""Listing: the order of pages, and cursors that nothing moves."""

import base64
import re
from datetime import timedelta
from itertools import product

import pytest

from memoryos_ports.errors import InvalidInput
from memoryos_ports.memory import MemoryStorage, Page
from tests.contract.storage.indexes import (
    ANN,
    NOON,
    ids_of,
    list_all,
    make_entry,
    make_page,
    newest_first,
    session,
)

MICROSECOND = timedelta(microseconds=1)


def make_tied_pages() -> list[Page]:
    """Return pages of which many share the timestamp, fewer also the moment of acceptance, some also the index."""
    return [
        make_page(f"e{event}", timestamp=NOON + step * MICROSECOND, accepted_at=NOON + later * MICROSECOND, index=index)
        for event, (step, later, index) in enumerate(product(range(3), range(2), (0, 1, 1, 1)))
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 8, 23, 24, 25, 200])
async def test_pages_come_newest_first_whatever_the_stretch(memory: MemoryStorage, limit: int) -> None:
    pages = make_tied_pages()
    await memory.insert([make_entry(page) for page in pages])

    assert await list_all(memory, limit=limit) == newest_first(pages)


async def test_the_end_has_no_cursor(memory: MemoryStorage) -> None:
    pages = make_tied_pages()[:4]
    await memory.insert([make_entry(page) for page in pages])

    assert (await memory.list_memories(ANN, limit=4)).next_cursor is None
    assert (await memory.list_memories(ANN, limit=3)).next_cursor is not None


async def test_pages_written_in_between_move_nothing(memory: MemoryStorage) -> None:
    old = [make_page(f"old{i}", timestamp=NOON + i * MICROSECOND) for i in range(6)]
    await memory.insert([make_entry(page) for page in old])
    first = await memory.list_memories(ANN, limit=3)

    newer = make_page("newer", timestamp=NOON + timedelta(days=1))
    tied = make_page("tied", timestamp=first.memories[-1].timestamp, accepted_at=NOON + timedelta(days=1))
    late = make_page("late", timestamp=NOON - timedelta(days=1))
    await memory.insert([make_entry(page) for page in (newer, tied, late)])
    second = await memory.list_memories(ANN, limit=10, cursor=first.next_cursor)

    assert ids_of(first.memories) == [old[5].id, old[4].id, old[3].id]
    assert ids_of(second.memories) == [old[2].id, old[1].id, old[0].id, late.id]


async def test_a_cursor_outlives_the_page_it_was_made_at(memory: MemoryStorage) -> None:
    pages = newest_first(make_tied_pages())
    await memory.insert([make_entry(page) for page in pages])
    first = await memory.list_memories(ANN, limit=3)
    await memory.delete(ANN, [pages[2].id])

    second = await memory.list_memories(ANN, limit=3, cursor=first.next_cursor)

    assert list(second.memories) == pages[3:6]


async def test_deleted_pages_are_not_listed(memory: MemoryStorage) -> None:
    pages = newest_first(make_tied_pages())
    await memory.insert([make_entry(page) for page in pages])
    await memory.delete(ANN, ids_of(pages[1:4]))

    assert await list_all(memory, limit=2) == [pages[0], *pages[4:]]


async def test_a_session_is_listed_alone(memory: MemoryStorage) -> None:
    pages = [make_page(f"e{i}", session_id=session(f"s{i % 2}"), index=i) for i in range(10)]
    await memory.insert([make_entry(page) for page in pages])

    assert await list_all(memory, limit=2, session_id=session("s1")) == newest_first(pages[1::2])
    assert await list_all(memory, limit=2, session_id=session("unknown")) == []


async def test_a_cursor_goes_into_a_url_as_it_is(memory: MemoryStorage) -> None:
    await memory.insert([make_entry(page) for page in make_tied_pages()])

    cursor = (await memory.list_memories(ANN, limit=1)).next_cursor

    assert cursor is not None
    assert re.fullmatch(r"[A-Za-z0-9_.~-]+", cursor)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "0",
        "garbage",
        "ünïcode",
        "a b",
        "=",
        base64.urlsafe_b64encode(b"[]").decode(),
        base64.urlsafe_b64encode(b'["2026-03-01T12:00:00","2026-03-01T12:00:00",0,"x"]').decode(),
    ],
)
async def test_a_cursor_that_no_listing_made_is_refused(memory: MemoryStorage, cursor: str) -> None:
    await memory.insert([make_entry(page) for page in make_tied_pages()])

    with pytest.raises(InvalidInput) as caught:
        await memory.list_memories(ANN, limit=1, cursor=cursor)

    assert caught.value.param == "cursor"


async def test_a_cursor_that_was_tampered_with_is_refused(memory: MemoryStorage) -> None:
    await memory.insert([make_entry(page) for page in make_tied_pages()])
    cursor = (await memory.list_memories(ANN, limit=1)).next_cursor
    assert cursor is not None

    for tampered in (cursor + "=", cursor + "AAAA", *(cursor[:end] for end in range(len(cursor)))):
        with pytest.raises(InvalidInput):
            await memory.list_memories(ANN, limit=1, cursor=tampered)
