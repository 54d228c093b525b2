"""Erasing a scope: nothing of it is left, not even tombstones, and nothing of others is touched."""

from pathlib import Path

import pytest

from memoryos_ports.ids import Scope
from memoryos_ports.memory import Memory, MemoryKind, MemoryStorage
from memoryos_ports.residue import Residual
from tests.contract.storage.indexes import (
    ANN,
    BOB,
    EAST,
    NORTH,
    OTHER_ANN,
    STAMP,
    UP,
    Opener,
    find,
    find_knowledge,
    list_all,
    make_entry,
    make_fact,
    make_page,
    make_segment,
    scores,
)

KINDS: tuple[MemoryKind, ...] = ("page", "segment", "fact")


async def counts(memory: MemoryStorage, scope: Scope) -> list[int]:
    """Return how many pages, segments and facts a scope has."""
    return [await memory.count(scope, kind=kind) for kind in KINDS]


async def fill(memory: MemoryStorage, scope: Scope) -> None:
    """Store pages of every state, a segment and a fact; five of them exist, one was deleted."""
    names = ("kept", "superseded", "deleted")
    pages = {name: make_page(name, scope=scope) for name in names}
    held = make_page("held", scope=scope, quarantined=True)
    everything: list[Memory] = [*pages.values(), held, make_segment(scope=scope), make_fact(scope=scope)]
    await memory.put([make_entry(each, UP, NORTH, EAST) for each in everything])
    await memory.supersede(scope, [pages["superseded"].id])
    await memory.delete(scope, [pages["deleted"].id])


async def test_everything_of_the_scope_is_gone(memory: MemoryStorage) -> None:
    await fill(memory, ANN)

    assert await memory.erase(ANN) == 5

    assert await counts(memory, ANN) == [0, 0, 0]
    assert [await list_all(memory, limit=5, kind=kind) for kind in KINDS] == [[], [], []]
    assert await find(memory, "tea", vector=NORTH) == set()
    assert await find_knowledge(memory, "tea", vector=NORTH) == {}
    assert await memory.get(ANN, [make_page("kept").id, make_fact().id]) == []
    assert await memory.erase(ANN) == 0


@pytest.mark.parametrize("other", [BOB, OTHER_ANN])
async def test_other_scopes_keep_everything(memory: MemoryStorage, other: Scope) -> None:
    await fill(memory, ANN)
    await fill(memory, other)
    before = await scores(memory, "tea", scope=other)

    await memory.erase(ANN)

    assert await counts(memory, other) == [3, 1, 1]
    assert await find(memory, "tea", vector=EAST, scope=other) == {"kept"}
    assert await scores(memory, "tea", scope=other) == pytest.approx(before)
    deleted = make_page("deleted", scope=other)
    await memory.insert([make_entry(deleted)])
    assert await memory.get(other, [deleted.id]) == []


async def test_tombstones_go_too(memory: MemoryStorage) -> None:
    await fill(memory, ANN)
    await memory.erase(ANN)
    deleted = make_page("deleted")

    await memory.insert([make_entry(deleted, NORTH)])

    assert await memory.get(ANN, [deleted.id]) == [deleted]
    assert await find(memory, "tea", vector=NORTH) == {"deleted"}


async def test_an_unknown_scope_has_nothing_to_erase(memory: MemoryStorage) -> None:
    await fill(memory, ANN)

    assert await memory.erase(BOB) == 0
    assert await counts(memory, ANN) == [3, 1, 1]


async def test_a_scope_of_many_points_is_erased_in_one_call(memory: MemoryStorage) -> None:
    pages = [make_page("bulk", f"note number{i}", index=i) for i in range(5_200)]
    await memory.insert([make_entry(page, NORTH, EAST) for page in pages])
    await fill(memory, BOB)

    assert await memory.erase(ANN) == len(pages)

    assert await counts(memory, ANN) == [0, 0, 0]
    assert await find(memory, "note", vector=EAST) == set()
    assert await counts(memory, BOB) == [3, 1, 1]


async def test_what_its_files_wait_for_is_told_once_somebody_was_erased(memory: MemoryStorage) -> None:
    await fill(memory, ANN)
    assert isinstance(memory, Residual)
    assert memory.residue() is None

    await memory.erase(ANN)

    assert memory.residue()


async def test_what_was_erased_is_gone_after_opening_again(opener: Opener, tmp_path: Path) -> None:
    async with opener(tmp_path, STAMP) as memory:
        await fill(memory, ANN)
        await memory.erase(ANN)

    async with opener(tmp_path, STAMP) as memory:
        assert await counts(memory, ANN) == [0, 0, 0]
        assert await find(memory, "tea", vector=NORTH) == set()
