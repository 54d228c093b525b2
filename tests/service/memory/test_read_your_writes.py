"""Accepted turns are there at once, whatever the queue does."""

import asyncio
from pathlib import Path

import pytest

from tests.service.memory.api import MemoryApi
from tests.service.memory.preparing import leave_waiting, make_event, memory_of
from tests.support.gateway import make_settings

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_turn_is_found_right_after_its_202(memory: MemoryApi) -> None:
    for number in range(10):
        added = await memory.add(f"the code of door {number} is {1000 + number}", wait="accepted")

        hits = await memory.search(f"what is the code of door {number}")
        listed = await memory.list_all()

        assert added["memory_ids"][0] in [hit["id"] for hit in hits]
        assert len(hits) == len({hit["id"] for hit in hits}) == number + 1
        assert [item["id"] for item in listed].count(added["memory_ids"][0]) == 1
        assert (await memory.get(added["memory_ids"][0])).status_code == 200


async def test_many_writers_of_one_user_each_find_their_own_turn_at_once(memory: MemoryApi) -> None:
    async def write_and_read(number: int) -> bool:
        added = await memory.add(f"writer {number} was here", wait="accepted")
        hits = await memory.search(f"writer {number} was here", limit=200)
        return added["memory_ids"][0] in [hit["id"] for hit in hits]

    assert all(await asyncio.gather(*(write_and_read(number) for number in range(20))))


async def test_what_the_index_does_not_hold_yet_is_laid_over_every_read(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    event = make_event("the meeting is in room 12", "bring the zebra", session_id="s-1")
    await leave_waiting(settings, event)

    async with memory_of(settings) as memory:
        receipt = (await memory.event("evt-1")).json()
        hits = await memory.search("zebra")
        context = await memory.retrieve("which room")
        other_session = await memory.search("zebra", session_id="s-2")
        listed = [item["id"] for item in await memory.list_all()]
        got = (await memory.get(event.memory_ids[1])).json()

    assert (receipt["state"], receipt["memory_ids"]) == ("queued", list(event.memory_ids))
    assert [hit["id"] for hit in hits] == [event.memory_ids[1], event.memory_ids[0]]
    assert "room 12" in context["context"]
    assert [item["text"] for item in context["short_term"]] == ["the meeting is in room 12", "bring the zebra"]
    assert other_session == []
    assert listed == [event.memory_ids[1], event.memory_ids[0]]
    assert got["text"] == "bring the zebra"


_BACKLOG = 60


async def test_a_backlog_is_listed_to_its_end(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    await leave_waiting(settings, *(make_event(f"turn {n}", event_id=f"evt-{n}") for n in range(_BACKLOG)))

    async with memory_of(settings) as memory:
        texts = [item["text"] for item in await memory.list_all(limit=10)]

    assert texts == [f"turn {n}" for n in reversed(range(_BACKLOG))]


async def test_the_oldest_turn_of_a_backlog_can_be_read_and_deleted(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    events = [make_event(f"turn {n}", event_id=f"evt-{n}") for n in range(_BACKLOG)]
    await leave_waiting(settings, *events)

    async with memory_of(settings) as memory:
        oldest = events[0].memory_ids[0]
        assert (await memory.get(oldest)).status_code == 200
        assert (await memory.delete(oldest)).status_code == 200
