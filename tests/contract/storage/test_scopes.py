"""Isolation: what one scope holds does not exist for another, and does not change its ranking."""

import pytest

from memoryos_ports.ids import Scope
from memoryos_ports.memory import MemoryStorage
from tests.contract.storage.indexes import (
    ANN,
    BOB,
    NORTH,
    OTHER_ANN,
    find,
    list_all,
    make_entry,
    make_page,
    scores,
    session,
)

STRANGERS = [BOB, OTHER_ANN]


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_the_same_turn_of_two_users_is_two_pages(memory: MemoryStorage, stranger: Scope) -> None:
    hers, theirs = make_page("e", session_id=session("s")), make_page("e", scope=stranger, session_id=session("s"))
    await memory.insert([make_entry(hers, NORTH, NORTH), make_entry(theirs, NORTH, NORTH)])

    for scope, page in ((ANN, hers), (stranger, theirs)):
        assert await find(memory, "tea", vector=NORTH, scope=scope) == {"e"}
        assert await list_all(memory, limit=5, scope=scope) == [page]
        assert await list_all(memory, limit=5, scope=scope, session_id=session("s")) == [page]
        assert await memory.get(scope, [hers.id, theirs.id]) == [page]
        assert await memory.count(scope) == 1


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_an_id_of_another_scope_does_not_exist(memory: MemoryStorage, stranger: Scope) -> None:
    page = make_page("e")
    await memory.insert([make_entry(page, NORTH, NORTH)])

    assert await memory.get(stranger, [page.id]) == []
    assert await memory.delete(stranger, [page.id]) == []
    await memory.supersede(stranger, [page.id])

    assert await memory.get(ANN, [page.id]) == [page]
    assert await find(memory, "tea", vector=NORTH) == {"e"}


async def test_an_unknown_scope_is_empty(memory: MemoryStorage) -> None:
    await memory.insert([make_entry(make_page("e"), NORTH)])

    assert await find(memory, "tea", vector=NORTH, scope=BOB) == set()
    assert await list_all(memory, limit=5, scope=BOB) == []
    assert await memory.count(BOB) == 0


async def test_writes_of_another_user_never_change_a_score(memory: MemoryStorage) -> None:
    texts = ["green tea", "black tea", "black coffee", "milk"]
    await memory.insert([make_entry(make_page(f"e{i}", text), NORTH) for i, text in enumerate(texts)])
    before = await scores(memory, "black tea")

    await memory.insert([make_entry(make_page(f"e{i}", "black night", scope=BOB), NORTH) for i in range(50)])
    await memory.insert([make_entry(make_page("x", "tea", scope=OTHER_ANN), NORTH)])

    assert len(before) == 3
    assert await scores(memory, "black tea") == before


async def test_a_word_that_is_rare_in_the_scope_weighs_more(memory: MemoryStorage) -> None:
    await memory.insert([make_entry(make_page(f"e{i}", "tea cup")) for i in range(5)])
    await memory.insert([make_entry(make_page("rare", "mug cup"))])
    await memory.insert([make_entry(make_page(f"b{i}", "mug box", scope=BOB)) for i in range(20)])

    found = await scores(memory, "tea mug")

    assert found["rare"] == max(found.values())
    assert len(found) == 6
    assert len(set(found.values())) == 2


async def test_a_filter_does_not_change_a_score(memory: MemoryStorage) -> None:
    await memory.insert([make_entry(make_page(f"e{i}", "tea"), NORTH) for i in range(4)])
    await memory.insert([make_entry(make_page("s", "tea coffee", session_id=session("s")), NORTH)])
    everywhere = await scores(memory, "tea coffee")

    assert await scores(memory, "tea coffee", session_id=session("s")) == pytest.approx({"s": everywhere["s"]})
