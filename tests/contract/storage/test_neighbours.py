"""Neighbours: the turns said right before and after the best ones come along, and no others."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from memoryos_ports.filters import Condition
from memoryos_ports.memory import MemoryStorage, Page
from tests.contract.storage.indexes import (
    ANN,
    BOB,
    EAST,
    NOON,
    NORTH,
    UP,
    agent,
    candidate_of,
    find,
    make_entry,
    make_page,
    make_query,
    session,
)

QUIET = "nothing of the kind"


def make_talk(length: int = 5, **fields: Any) -> list[Page]:
    """Return turns t0, t1, ... of one session, each following the one before; only the middle one is about tea."""
    turns: list[Page] = []
    for number in range(length):
        values: dict[str, Any] = {
            "timestamp": NOON + timedelta(minutes=number),
            "session_id": session("s1"),
            "follows": turns[-1].id if turns else None,
        }
        text = "green tea" if number == length // 2 else f"{QUIET} {number}"
        turns.append(make_page(f"t{number}", text, **(values | fields)))
    return turns


async def fill(memory: MemoryStorage, turns: list[Page]) -> None:
    """Insert turns, of which only the middle one is north."""
    middle = len(turns) // 2
    await memory.insert([make_entry(turn, NORTH if i == middle else UP) for i, turn in enumerate(turns)])


@pytest.mark.parametrize(
    "asked", [{"terms": "tea"}, {"vector": NORTH}, {"terms": "tea", "vector": NORTH}], ids=["words", "vector", "both"]
)
async def test_the_turns_right_before_and_after_come_along(memory: MemoryStorage, asked: dict[str, Any]) -> None:
    await fill(memory, make_talk())

    assert await find(memory, **asked, limit=1, neighbours=1) == {"t1", "t2", "t3"}
    assert await find(memory, **asked, limit=1) == {"t2"}


async def test_neighbours_have_both_figures(memory: MemoryStorage) -> None:
    turns = make_talk()
    await fill(memory, turns)
    everything = make_query("tea kind nothing", vector=NORTH, limit=10)

    narrow = make_query("tea kind nothing", vector=NORTH, limit=1, neighbours=1)

    for turn in turns[1:4]:
        found, expected = await candidate_of(memory, turn, narrow), await candidate_of(memory, turn, everything)
        assert found.cosine == pytest.approx(expected.cosine, abs=1e-6)
        assert sorted(found.words.values()) == pytest.approx(sorted(expected.words.values()))


async def test_only_the_best_bring_their_neighbours(memory: MemoryStorage) -> None:
    first, second = make_talk(3), [make_page(f"u{i}", QUIET) for i in range(3)]
    second = [second[0], *(replace(turn, follows=before.id) for before, turn in pairwise(second))]
    await fill(memory, first)
    await memory.insert([make_entry(turn, [0.9, 0.1, 0, 0] if i == 1 else EAST) for i, turn in enumerate(second)])

    assert await find(memory, vector=NORTH, limit=2, neighbours=1) == {"t0", "t1", "t2", "u1"}
    assert await find(memory, vector=NORTH, limit=2, neighbours=2) == {"t0", "t1", "t2", "u0", "u1", "u2"}


async def test_a_turn_that_only_a_further_chunk_brings_up_brings_its_neighbours(memory: MemoryStorage) -> None:
    turns = make_talk(3)
    await memory.insert([make_entry(turns[0], EAST), make_entry(turns[1], UP, NORTH), make_entry(turns[2], EAST)])

    assert await find(memory, vector=NORTH, limit=1) == {"t1"}
    assert await find(memory, vector=NORTH, limit=1, neighbours=1) == {"t0", "t1", "t2"}


async def test_every_turn_that_follows_the_same_one_comes_along(memory: MemoryStorage) -> None:
    asked = make_page("asked", "green tea")
    answers = [make_page(f"answer{i}", QUIET, follows=asked.id) for i in range(3)]
    await memory.insert([make_entry(asked), *(make_entry(answer) for answer in answers)])

    assert await find(memory, "tea", limit=1, neighbours=1) == {"asked", "answer0", "answer1", "answer2"}


async def test_a_neighbour_that_is_gone_or_hidden_or_not_there_yet_does_not_come(memory: MemoryStorage) -> None:
    before, middle = make_page("before", QUIET), make_page("middle", follows=make_page("before").id)
    deleted, hidden, held = (
        make_page(name, QUIET, follows=middle.id, quarantined=name == "held") for name in ("deleted", "hidden", "held")
    )
    await memory.insert([make_entry(page, EAST, EAST) for page in (middle, deleted, hidden, held)])
    await memory.delete(ANN, [deleted.id])
    await memory.supersede(ANN, [hidden.id])

    assert await find(memory, "tea", limit=1, neighbours=1) == {"middle"}
    await memory.insert([make_entry(before)])
    assert await find(memory, "tea", limit=1, neighbours=1) == {"before", "middle"}


async def test_a_deleted_page_brings_nobody(memory: MemoryStorage) -> None:
    turns = make_talk(3)
    await fill(memory, turns)
    await memory.delete(ANN, [turns[1].id])

    assert await find(memory, "tea", limit=1, neighbours=1) == set()


async def test_a_neighbour_in_another_scope_does_not_exist(memory: MemoryStorage) -> None:
    hers = make_page("hers")
    his = [make_page("his", QUIET, scope=BOB, follows=hers.id), make_page("first", QUIET, scope=BOB)]
    await memory.insert([make_entry(replace(hers, follows=his[1].id)), *(make_entry(page) for page in his)])

    assert await find(memory, "tea", limit=1, neighbours=1) == {"hers"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"session_id": session("s1")}, {"middle", "before"}),
        ({"agent_id": agent("a1")}, {"middle", "after"}),
        ({"until": NOON}, {"middle", "before"}),
        ({"until": NOON - timedelta(seconds=1)}, set()),
        ({"filters": Condition(field="role", op="eq", value="user")}, {"middle", "before"}),
        ({"filters": Condition(field="metadata.mood", op="eq", value="good")}, {"middle", "after"}),
    ],
    ids=["session", "agent", "until", "until before", "role", "metadata"],
)
async def test_neighbours_keep_to_what_was_asked_for(
    memory: MemoryStorage, fields: dict[str, Any], expected: set[str]
) -> None:
    here: dict[str, Any] = {"session_id": session("s1"), "agent_id": agent("a1"), "metadata": {"mood": "good"}}
    before = make_page("before", QUIET, timestamp=NOON - timedelta(hours=1), session_id=session("s1"))
    middle = make_page("middle", **here, follows=before.id)
    later = NOON + timedelta(seconds=1)
    there: dict[str, Any] = {"role": "assistant", "agent_id": agent("a1"), "metadata": {"mood": "good"}}
    after = make_page("after", QUIET, timestamp=later, follows=middle.id, **there)
    await memory.insert([make_entry(page) for page in (before, middle, after)])

    assert await find(memory, "tea", limit=1, neighbours=1, **fields) == expected
