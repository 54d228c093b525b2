"""An event_id is used once in its scope, however often it comes."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.service.memory.api import MemoryApi, error_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_same_event_again_changes_nothing(memory: MemoryApi) -> None:
    first = await memory.add("tea", event_id="evt-1", metadata={"n": 1}, timestamp="2026-03-01T10:00:00Z")

    again = await memory.add("tea", event_id="evt-1", metadata={"n": 2}, timestamp="2026-04-01T10:00:00Z")

    assert again == first
    (item,) = await memory.list_all()
    assert (item["metadata"], item["timestamp"]) == ({"n": 1}, "2026-03-01T10:00:00Z")


async def test_fifty_at_once_are_one_memory(memory: MemoryApi) -> None:
    responses = await asyncio.gather(*(memory.post_add("tea", event_id="evt-1") for _ in range(50)))

    assert {response.status_code for response in responses} == {202}
    assert len({tuple(response.json()["memory_ids"]) for response in responses}) == 1
    await memory.add("tea", event_id="evt-1")
    assert await memory.texts() == ["tea"]


@pytest.mark.parametrize(
    "other",
    [
        {"content": "coffee"},
        {"content": "tea "},
        {"content": "tea", "role": "assistant"},
        {"content": "tea", "name": "Ana"},
        {"messages": [{"role": "user", "content": "tea"}, {"role": "user", "content": "tea"}]},
    ],
    ids=["text", "blank", "role", "name", "one more turn"],
)
async def test_other_content_under_the_same_event_id_is_refused(memory: MemoryApi, other: dict[str, Any]) -> None:
    await memory.add("tea", event_id="evt-1")

    error = error_of(await memory.post_add(event_id="evt-1", **other), 409)

    assert (error["code"], error["param"]) == ("event_id_reused", "event_id")
    assert await memory.texts() == ["tea"]


async def test_of_fifty_different_contents_at_once_one_stays(memory: MemoryApi) -> None:
    posts = [memory.post_add(f"tea {number}", event_id="evt-1", wait="searchable") for number in range(50)]
    responses = await asyncio.gather(*posts)

    assert sorted(response.status_code for response in responses) == [200] + [409] * 49
    assert len(await memory.texts()) == 1


async def test_two_users_may_use_the_same_event_id(client: httpx.AsyncClient, memory: MemoryApi) -> None:
    other = MemoryApi(client, f"{memory.user_id}-other")

    mine, theirs = await memory.add("tea", event_id="evt-1"), await other.add("coffee", event_id="evt-1")

    assert mine["memory_ids"] != theirs["memory_ids"]
    assert (await memory.texts(), await other.texts()) == (["tea"], ["coffee"])
