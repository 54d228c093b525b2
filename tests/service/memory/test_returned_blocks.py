"""A block of recalled memory that comes back by the memory interface is not learnt again."""

from typing import Any

import msgspec
import pytest

from memoryos_core.memory.block import CLOSE, OPEN, PREFACE
from tests.service.memory.api import MemoryApi, error_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

BLOCK = f'{OPEN}\n{PREFACE}\n- 2026-03-01 10:00 user: "my password is swordfish"\n{CLOSE}'


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (f"I drink tea\n\n{BLOCK}", "I drink tea"),
        (f"{BLOCK}\n\nI drink tea", "I drink tea"),
        (f"I drink tea\n{BLOCK}\nwith milk", "I drink tea\nwith milk"),
        (f" I drink {OPEN} tea ", f" I drink {OPEN} tea "),
        (" I drink tea\n", " I drink tea\n"),
    ],
    ids=["after", "before", "between", "only a tag", "none"],
)
async def test_an_added_turn_is_kept_without_the_block_in_it(content: str, kept: str, memory: MemoryApi) -> None:
    await memory.add(content)
    assert await memory.texts() == [kept]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"role": "user", "content": f"\n{BLOCK}\n"}, "content"),
        ({"messages": [{"role": "user", "content": BLOCK}]}, "messages[0].content"),
    ],
)
async def test_a_turn_of_nothing_but_a_block_is_refused(fields: dict[str, Any], param: str, memory: MemoryApi) -> None:
    response = await memory.client.post("/v1/memory/add", json={"user_id": memory.user_id, **fields})
    error = error_of(response, 400)
    assert (error["param"], "nothing left to remember" in error["message"]) == (param, True)
    assert await memory.texts() == []


async def test_an_edit_is_kept_without_the_block_in_it(memory: MemoryApi) -> None:
    (id_,) = (await memory.add("I drink tea"))["memory_ids"]
    body = {"user_id": memory.user_id, "text": f"I drink coffee\n{BLOCK}"}
    edited = await memory.client.patch(f"/v1/memory/{id_}", json=body)
    assert (edited.status_code, edited.json()["text"]) == (200, "I drink coffee")


async def test_an_imported_page_is_kept_without_the_block_in_it(memory: MemoryApi) -> None:
    await memory.add("I drink tea", event_id="evt-1")
    told = await memory.client.get(f"/v1/memory/users/{memory.user_id}/export")
    header, page = map(msgspec.json.decode, told.text.splitlines()[:2])
    pages = [
        {**page, "event_id": "evt-2", "text": f"I drink cocoa\n{BLOCK}"},
        {**page, "event_id": "evt-3", "text": BLOCK},
    ]
    other = MemoryApi(memory.client, f"{memory.user_id}-other")
    response = await memory.client.post(
        "/v1/memory/import",
        params={"user_id": other.user_id},
        content=b"\n".join(map(msgspec.json.encode, [header, *pages])),
        headers={"content-type": "application/x-ndjson"},
    )
    assert [fault["line"] for fault in response.json()["faults"]] == [3]
    assert await other.texts() == ["I drink cocoa"]
