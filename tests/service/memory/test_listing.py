"""GET /v1/memory: newest first, to the end, without a duplicate or a gap."""

from urllib.parse import quote

import pytest

from tests.service.memory.api import MemoryApi

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_item_is_a_hit_without_score_and_chunk(memory: MemoryApi) -> None:
    added = await memory.add("tea", session_id="s-1", timestamp="2026-03-01T10:00:00Z")

    assert await memory.list_page() == {
        "items": [
            {
                "id": added["memory_ids"][0],
                "event_id": added["event_id"],
                "kind": "page",
                "text": "tea",
                "role": "user",
                "name": None,
                "session_id": "s-1",
                "timestamp": "2026-03-01T10:00:00Z",
                "metadata": {},
            }
        ],
        "next_cursor": None,
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 23, 24, 200])
async def test_cursors_lead_through_everything_once(memory: MemoryApi, limit: int) -> None:
    for hour in range(3):
        turns = [{"role": "user", "content": f"hour {hour} turn {number}"} for number in range(8)]
        await memory.add(messages=turns, timestamp=f"2026-03-01T{hour:02}:00:00Z")

    texts = [item["text"] for item in await memory.list_all(limit=limit)]

    assert texts == [f"hour {hour} turn {number}" for hour in (2, 1, 0) for number in reversed(range(8))]


async def test_what_is_written_in_between_moves_nothing(memory: MemoryApi) -> None:
    for number in range(4):
        await memory.add(f"turn {number}", timestamp=f"2026-03-01T10:00:0{number}Z")
    first = await memory.list_page(limit=2)
    await memory.add("later", timestamp="2026-03-02T10:00:00Z")

    second = await memory.list_page(limit=2, cursor=first["next_cursor"])

    assert [item["text"] for item in first["items"] + second["items"]] == [f"turn {number}" for number in (3, 2, 1, 0)]


async def test_a_cursor_needs_no_quoting(memory: MemoryApi) -> None:
    await memory.add(messages=[{"role": "user", "content": "tea"}, {"role": "user", "content": "more tea"}])

    cursor = (await memory.list_page(limit=1))["next_cursor"]

    assert quote(cursor, safe="") == cursor


async def test_fifty_items_are_the_default(memory: MemoryApi) -> None:
    await memory.add(messages=[{"role": "user", "content": f"turn {number}"} for number in range(51)])

    answer = await memory.list_page()

    assert len(answer["items"]) == 50
    assert answer["next_cursor"]


async def test_a_session_narrows_the_list(memory: MemoryApi) -> None:
    for number in range(3):
        await memory.add(f"here {number}", session_id="s-1")
        await memory.add(f"there {number}", session_id="s-2")

    assert [item["text"] for item in await memory.list_all(session_id="s-1", limit=2)] == ["here 2", "here 1", "here 0"]


@pytest.mark.parametrize(("kind", "found"), [("page", 1), ("segment", 0), ("fact", 0)])
async def test_a_kind_narrows_the_list(memory: MemoryApi, kind: str, found: int) -> None:
    await memory.add("tea")

    assert len((await memory.list_page(kind=kind))["items"]) == found
