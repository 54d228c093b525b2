"""What every short-term store promises about replacing turns and erasing a scope."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from memoryos_ports.memory import Page
from memoryos_ports.short_term import ShortTermStore
from tests.contract.short_term.makers import ANA, OTHERS, S1, S2, ids_of, make_page, make_pages
from tests.contract.short_term.stores import Opener


def mended(page: Page) -> Page:
    """Return the same turn with other content."""
    return msgspec.structs.replace(page, text="mended", metadata={"by": "ana"}, quarantined=True)


async def test_a_replaced_turn_has_its_new_content_in_its_old_place(store: ShortTermStore) -> None:
    first, second, third = make_pages(3)
    await store.append([first, second, third])
    await store.replace(mended(second))
    assert await store.recent(ANA, S1, limit=10) == [first, mended(second), third]
    assert await store.get(ANA, ids_of(second)) == [mended(second)]


async def test_a_turn_that_is_replaced_by_one_of_another_time_and_session_moves(store: ShortTermStore) -> None:
    first, second = make_pages(2)
    here, there = (make_page("t0", at=5, accepted=7, session=session) for session in (S1, S2))
    await store.append([first, second])
    await store.replace(here)
    assert await store.recent(ANA, S1, limit=10) == [second, here]
    await store.replace(there)
    assert await store.recent(ANA, S1, limit=10) == [second]
    assert await store.recent(ANA, S2, limit=10) == [there]


@pytest.mark.parametrize("indexed", [False, True])
async def test_replacing_leaves_noted_whether_the_index_holds_it(store: ShortTermStore, indexed: bool) -> None:
    page = make_page("a")
    await store.append([page], indexed=indexed)
    await store.replace(mended(page))
    assert await store.unindexed(ANA, limit=10) == ([] if indexed else [mended(page)])


async def test_a_replaced_turn_is_known_and_stays_as_it_is(store: ShortTermStore) -> None:
    page = make_page("a")
    await store.append([page])
    await store.replace(mended(page))
    await store.append([page])
    assert await store.recent(ANA, S1, limit=10) == [mended(page)]


async def test_an_unknown_turn_is_not_brought_by_replacing_it(store: ShortTermStore) -> None:
    page = make_page("a")
    await store.replace(page)
    assert await store.get(ANA, ids_of(page)) == []
    await store.append([page])
    assert await store.get(ANA, ids_of(page)) == [page]


async def test_a_removed_turn_is_not_brought_back_by_replacing_it(store: ShortTermStore) -> None:
    page = make_page("a")
    await store.append([page])
    await store.remove(ANA, ids_of(page))
    await store.replace(mended(page))
    assert await store.recent(ANA, S1, limit=10) == []
    assert await store.unindexed(ANA, limit=10) == []


async def test_replacing_sees_one_scope(store: ShortTermStore) -> None:
    page = make_page("a")
    await store.append([page])
    for other in OTHERS:
        await store.replace(msgspec.structs.replace(mended(page), scope=other))
        assert await store.get(other, ids_of(page)) == []
    assert await store.get(ANA, ids_of(page)) == [page]


async def test_a_replaced_turn_is_there_after_a_restart(durable_opener: Opener, tmp_path: Path) -> None:
    page = make_page("a")
    async with durable_opener(tmp_path) as store:
        await store.append([page])
        await store.replace(mended(page))
    async with durable_opener(tmp_path) as store:
        assert await store.recent(ANA, S1, limit=10) == [mended(page)]


async def test_erasing_removes_the_turns_of_every_session(store: ShortTermStore) -> None:
    pages = [make_page("a"), make_page("b", session=S2), make_page("c", session=None)]
    await store.append(pages)
    await store.mark_indexed(ANA, ids_of(pages[0]))
    await store.remove(ANA, ids_of(pages[2]))
    assert await store.erase(ANA) == 2
    assert await store.get(ANA, ids_of(*pages)) == []
    assert await store.recent(ANA, S1, limit=10) == []
    assert await store.unindexed(ANA, limit=10) == []
    assert await store.erase(ANA) == 0


async def test_erasing_forgets_what_was_removed(store: ShortTermStore) -> None:
    first, second = make_pages(2)
    await store.append([first])
    await store.remove(ANA, ids_of(first, second))
    assert await store.erase(ANA) == 0
    await store.append([first, second])
    assert await store.recent(ANA, S1, limit=10) == [first, second]


async def test_erasing_one_scope_leaves_the_others(store: ShortTermStore) -> None:
    pages = [make_page("a", scope=scope) for scope in (ANA, *OTHERS)]
    removed = [make_page("b", scope=scope) for scope in OTHERS]
    await store.append(pages)
    for page in removed:
        await store.remove(page.scope, ids_of(page))
    await store.erase(ANA)
    await store.append(removed)
    assert [await store.recent(page.scope, S1, limit=10) for page in pages] == [[], *([page] for page in pages[1:])]


async def test_appends_and_an_erasure_at_once_agree_with_its_count(store: ShortTermStore) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for page in make_pages(40):
            group.create_task(store.append([page]))
            if page.text == "t20":
                erasure = group.create_task(store.erase(ANA))
    assert erasure.result() + len(await store.recent(ANA, S1, limit=100)) == 40


async def test_what_was_erased_is_gone_after_a_restart(durable_opener: Opener, tmp_path: Path) -> None:
    async with durable_opener(tmp_path) as store:
        await store.append(make_pages(2))
        await store.erase(ANA)
    async with durable_opener(tmp_path) as store:
        assert await store.recent(ANA, S1, limit=10) == []
