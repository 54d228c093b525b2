"""The profile over HTTP: what a GET gave is taken by a PUT, and what a person writes into it is known as a fact."""

from typing import Any

import httpx
import pytest

from tests.service.memory.api import MemoryApi, error_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHESS = {"slot": "hobby", "text": "The user likes chess"}


def path(memory: MemoryApi) -> str:
    return f"/v1/memory/users/{memory.user_id}/profile"


async def send(memory: MemoryApi, *entries: dict[str, Any], version: int = 0) -> httpx.Response:
    return await memory.client.put(path(memory), json={"entries": entries, "version": version})


async def put(memory: MemoryApi, *entries: dict[str, Any]) -> dict[str, Any]:
    """Write the profile over what it is now."""
    version = (await memory.client.get(path(memory))).json()["version"]
    response = await send(memory, *entries, version=version)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def facts(memory: MemoryApi) -> list[tuple[str, str, bool, bool]]:
    """Return the slot and text of each fact, whether it is pinned, and whether it still holds."""
    listed = await memory.list_all(kind="fact")
    return [(i["fact"]["slot"], i["text"], i["fact"]["pinned"], i["fact"]["valid_to"] is None) for i in listed]


async def test_what_a_get_gave_is_taken_as_it_is(memory: MemoryApi) -> None:
    await put(memory, CHESS)
    given = (await memory.client.get(path(memory))).json()
    again = await memory.client.put(path(memory), json=given)
    assert again.status_code == 200, again.text
    assert again.json()["entries"] == given["entries"]


@pytest.mark.parametrize(
    ("changes", "param"),
    [({"slot": ""}, "entries[0].slot"), ({"slot": " "}, "entries[0].slot"), ({"colour": 1}, "entries[0].colour")],
)
async def test_a_wrong_entry_is_refused(changes: dict[str, Any], param: str, memory: MemoryApi) -> None:
    assert error_of(await send(memory, {**CHESS, **changes}), 400)["param"] == param
    assert await facts(memory) == []


async def test_an_entry_of_its_own_is_a_pinned_fact_that_is_found(memory: MemoryApi) -> None:
    (entry,) = (await put(memory, CHESS))["entries"]
    assert await facts(memory) == [("hobby", "The user likes chess", True, True)]
    assert [hit["id"] for hit in await memory.search("Do I play chess?")] == [entry["fact_id"]]
    found = await memory.retrieve("Do I play chess?")
    assert found["long_term"]["profile"]["entries"] == [entry]
    assert "The user likes chess" in found["context"]


async def test_a_question_for_an_entry_by_the_name_of_its_slot_is_answered_with_it(memory: MemoryApi) -> None:
    await put(memory, CHESS)
    assert '"The user likes chess"' in (await memory.retrieve("Which hobby do I have?"))["context"]
    question = {"role": "user", "content": "Which hobby do I have?"}
    body = {"model": "any", "user": memory.user_id, "messages": [question]}
    chat = await memory.client.post("/v1/chat/completions", json=body, headers={"x-memoryos-mode": "read"})
    assert chat.headers["x-memoryos-memory"].startswith("recalled=1;")


async def test_an_entry_that_is_edited_or_taken_out_changes_its_fact(memory: MemoryApi) -> None:
    (entry,) = (await put(memory, CHESS))["entries"]
    (edited,) = (await put(memory, {**entry, "text": "The user likes go"}))["entries"]
    assert edited["fact_id"] == entry["fact_id"]
    assert await facts(memory) == [("hobby", "The user likes go", True, True)]
    assert (await put(memory))["entries"] == []
    assert await facts(memory) == []
    (back,) = (await put(memory, CHESS))["entries"]
    assert await facts(memory) == [("hobby", "The user likes chess", True, True)]
    assert back["fact_id"] != entry["fact_id"]


async def test_a_fact_that_was_deleted_does_not_come_back_with_its_entry(memory: MemoryApi) -> None:
    (entry,) = (await put(memory, CHESS))["entries"]
    assert (await memory.delete(entry["fact_id"])).status_code == 200
    await put(memory, *(await memory.client.get(path(memory))).json()["entries"])
    assert await facts(memory) == []


async def test_a_late_put_makes_no_fact(memory: MemoryApi) -> None:
    await put(memory, CHESS)
    late = await send(memory, {"slot": "home", "text": "lives in Lisbon"}, version=0)
    assert error_of(late, 409)["code"] == "version_conflict"
    assert [text for _, text, _, _ in await facts(memory)] == ["The user likes chess"]
