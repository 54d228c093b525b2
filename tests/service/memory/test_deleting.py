"""DELETE /v1/memory/{id}: gone everywhere, and for good."""

from pathlib import Path

import pytest

from tests.service.memory.api import MemoryApi, error_of
from tests.service.memory.preparing import leave_waiting, make_event, memory_of
from tests.support.gateway import make_settings

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _is_nowhere(memory: MemoryApi, memory_id: str, *, word: str, session_id: str) -> None:
    error_of(await memory.get(memory_id), 404)
    assert memory_id not in [item["id"] for item in await memory.list_all()]
    assert memory_id not in [hit["id"] for hit in await memory.search(word)]
    found = await memory.retrieve(word, session_id=session_id)
    assert memory_id not in [item["id"] for item in found["short_term"] + found["mid_term"]]
    assert word not in found["context"]


async def test_a_deleted_memory_is_gone_from_everywhere(memory: MemoryApi) -> None:
    memory_id = (await memory.add("the password is swordfish", session_id="s-1"))["memory_ids"][0]

    response = await memory.delete(memory_id)

    assert (response.status_code, response.json()) == (200, {"status": "ok", "deleted": [memory_id]})
    await _is_nowhere(memory, memory_id, word="swordfish", session_id="s-1")


async def test_the_other_turns_of_the_event_stay(memory: MemoryApi) -> None:
    turns = [{"role": "user", "content": "secret tea"}, {"role": "assistant", "content": "public tea"}]
    first, second = (await memory.add(messages=turns, event_id="evt-two"))["memory_ids"]

    await memory.delete(first)

    assert [item["id"] for item in await memory.list_all()] == [second]
    assert (await memory.event("evt-two")).json()["memory_ids"] == [first, second]


async def test_the_same_event_does_not_bring_it_back(memory: MemoryApi) -> None:
    memory_id = (await memory.add("swordfish", event_id="evt-fish", session_id="s-1"))["memory_ids"][0]
    await memory.delete(memory_id)

    again = await memory.post_add("swordfish", event_id="evt-fish", session_id="s-1", wait="searchable")

    assert (again.status_code, again.json()["memory_ids"]) == (200, [memory_id])
    await _is_nowhere(memory, memory_id, word="swordfish", session_id="s-1")


async def test_the_same_words_under_a_new_event_are_a_new_memory(memory: MemoryApi) -> None:
    memory_id = (await memory.add("swordfish"))["memory_ids"][0]
    await memory.delete(memory_id)

    added = await memory.add("swordfish")

    assert [item["id"] for item in await memory.list_all()] == added["memory_ids"] != [memory_id]


async def test_deleting_twice_is_404(memory: MemoryApi) -> None:
    memory_id = (await memory.add("tea"))["memory_ids"][0]
    await memory.delete(memory_id)

    assert error_of(await memory.delete(memory_id), 404)["code"] == "not_found"


@pytest.mark.parametrize(
    "memory_id", ["nothing", "00000000-0000-8000-8000-000000000000", "%00", "%F0%9F%A6%8A", "a" * 999]
)
async def test_what_does_not_exist_is_404(memory: MemoryApi, memory_id: str) -> None:
    error_of(await memory.get(memory_id), 404)
    error_of(await memory.delete(memory_id), 404)


async def test_a_cursor_whose_own_page_was_deleted_goes_on_behind_it(memory: MemoryApi) -> None:
    for number in range(4):
        await memory.add(f"turn {number}", timestamp=f"2026-03-01T10:00:0{number}Z")
    first = await memory.list_page(limit=2)
    await memory.delete(first["items"][-1]["id"])

    rest = await memory.list_page(limit=2, cursor=first["next_cursor"])

    assert [item["text"] for item in rest["items"]] == ["turn 1", "turn 0"]


async def test_a_turn_that_is_still_queued_can_be_deleted_and_stays_so(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    event = make_event("the password is swordfish", session_id="s-1")
    await leave_waiting(settings, event)

    async with memory_of(settings) as memory:
        response = await memory.delete(event.memory_ids[0])

        assert response.json() == {"status": "ok", "deleted": [event.memory_ids[0]]}
        await _is_nowhere(memory, event.memory_ids[0], word="swordfish", session_id="s-1")
