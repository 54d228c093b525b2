"""PATCH /v1/memory/{id} and its history over HTTP."""

from typing import Any

import pytest

from tests.service.memory.api import MemoryApi, error_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def patch(memory: MemoryApi, memory_id: str, **fields: Any) -> Any:
    response = await memory.client.patch(f"/v1/memory/{memory_id}", json={"user_id": memory.user_id, **fields})
    assert response.status_code == 200, response.text
    return response.json()


async def history(memory: MemoryApi, memory_id: str) -> Any:
    response = await memory.client.get(f"/v1/memory/{memory_id}/history", params={"user_id": memory.user_id})
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def test_an_edited_memory_is_answered_and_found(memory: MemoryApi) -> None:
    (id_,) = (await memory.add("my tea is green", metadata={"topic": "tea"}, event_id="evt-1"))["memory_ids"]
    edited = await patch(memory, id_, text="my coffee is black")
    assert (edited["id"], edited["event_id"], edited["text"]) == (id_, "evt-1", "my coffee is black")
    assert edited["metadata"] == {"topic": "tea"}
    assert (await memory.get(id_)).json() == edited
    assert (await memory.search("coffee"))[0]["text"] == "my coffee is black"
    assert (await patch(memory, id_, metadata={}))["metadata"] == {}


async def test_the_same_event_again_does_not_revert_it(memory: MemoryApi) -> None:
    (id_,) = (await memory.add("my tea is green", event_id="evt-1"))["memory_ids"]
    await patch(memory, id_, text="my tea is black")
    await memory.add("my tea is green", event_id="evt-1")
    assert await memory.texts() == ["my tea is black"]


async def test_its_history_is_told_newest_first_and_loses_its_texts(memory: MemoryApi) -> None:
    (id_,) = (await memory.add("my tea is green"))["memory_ids"]
    await patch(memory, id_, text="my tea is black")
    told = await history(memory, id_)
    assert [(item["change"], item["old"], item["new"], item["actor"]) for item in told] == [
        ("UPDATE", "my tea is green", "my tea is black", "api"),
        ("ADD", None, "my tea is green", "api"),
    ]
    await memory.delete(id_)
    gone = await history(memory, id_)
    assert [(item["change"], item["old"], item["new"]) for item in gone] == [
        ("DELETE", None, None),
        ("UPDATE", None, None),
        ("ADD", None, None),
    ]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "text"),
        ({"text": " "}, "text"),
        ({"text": "x" * (1024 * 1024 + 1)}, "text"),
        ({"text": None}, "text"),
        ({"text": 5}, "text"),
        ({"metadata": {"a": "x" * 20_000}}, "metadata"),
        ({"metadata": []}, "metadata"),
        ({"name": "Ana"}, "name"),
    ],
)
async def test_a_bad_edit_is_named_and_changes_nothing(fields: dict[str, Any], param: str, memory: MemoryApi) -> None:
    (id_,) = (await memory.add("my tea is green"))["memory_ids"]
    response = await memory.client.patch(f"/v1/memory/{id_}", json={"user_id": memory.user_id, **fields})
    assert error_of(response, 400)["param"] == param
    assert await memory.texts() == ["my tea is green"]


@pytest.mark.parametrize("memory_id", ["nothing", "00000000-0000-8000-8000-000000000000"])
async def test_what_does_not_exist_is_404(memory_id: str, memory: MemoryApi) -> None:
    body = {"user_id": memory.user_id, "text": "x"}
    error_of(await memory.client.patch(f"/v1/memory/{memory_id}", json=body), 404)
    query = {"user_id": memory.user_id}
    error_of(await memory.client.get(f"/v1/memory/{memory_id}/history", params=query), 404)
