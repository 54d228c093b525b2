"""POST /v1/memory/add and the receipts of its events."""

from pathlib import Path

import pytest

from tests.service.memory.api import MemoryApi
from tests.service.memory.preparing import leave_dead, leave_waiting, make_event, memory_of
from tests.support.gateway import make_settings

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_accepted_turn_is_answered_202_with_its_ids(memory: MemoryApi) -> None:
    response = await memory.post_add("I drink tea", event_id="evt-tea")

    assert response.status_code == 202
    body = response.json()
    assert body == {"status": "ok", "event_id": "evt-tea", "state": "queued", "memory_ids": body["memory_ids"]}
    assert len(body["memory_ids"]) == 1


async def test_a_searchable_turn_is_answered_200_and_found(memory: MemoryApi) -> None:
    response = await memory.post_add("I drink tea", wait="searchable")

    assert response.status_code == 200
    assert response.json()["state"] == "stored"
    assert [hit["text"] for hit in await memory.search("tea")] == ["I drink tea"]


async def test_an_event_id_is_made_when_none_is_given(memory: MemoryApi) -> None:
    first, second = await memory.add("one"), await memory.add("one")

    assert first["event_id"] != second["event_id"]
    assert first["memory_ids"] != second["memory_ids"]


async def test_several_turns_become_one_page_each_in_order(memory: MemoryApi) -> None:
    messages = [
        {"role": "user", "content": "where is the key?", "name": "Ana", "timestamp": "2026-03-01T10:00:00Z"},
        {"role": "assistant", "content": "under the mat", "timestamp": "2026-03-01T10:00:01Z"},
    ]

    added = await memory.add(messages=messages, event_id="evt-key", session_id="s-1", metadata={"source": "diary"})

    first, second = added["memory_ids"]
    shared = {"event_id": "evt-key", "kind": "page", "session_id": "s-1", "metadata": {"source": "diary"}}
    assert await memory.list_all() == [
        {**shared, "id": second, "text": "under the mat", "role": "assistant", "name": None}
        | {"timestamp": "2026-03-01T10:00:01Z"},
        {**shared, "id": first, "text": "where is the key?", "role": "user", "name": "Ana"}
        | {"timestamp": "2026-03-01T10:00:00Z"},
    ]


async def test_turns_of_one_instant_keep_their_order_in_the_event(memory: MemoryApi) -> None:
    turns = [{"role": "user", "content": f"turn {number}"} for number in range(256)]

    await memory.add(messages=turns, timestamp="2026-03-01T10:00:00Z")

    assert await memory.texts() == [f"turn {number}" for number in reversed(range(256))]


async def test_the_same_event_is_answered_with_the_same_ids(memory: MemoryApi) -> None:
    waited = await memory.add("tea", event_id="evt-same")
    again = (await memory.post_add("tea", event_id="evt-same")).json()

    assert again["memory_ids"] == waited["memory_ids"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-03-01T10:00:00", "2026-03-01T10:00:00Z"),
        ("2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z"),
        ("2026-03-01T10:00:00.123456Z", "2026-03-01T10:00:00.123456Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
    ids=["naive is UTC", "offset", "microseconds", "first instant", "last instant"],
)
async def test_timestamps_are_kept_in_utc(memory: MemoryApi, given: str, kept: str) -> None:
    await memory.add("tea", timestamp=given)

    assert [item["timestamp"] for item in await memory.list_all()] == [kept]
    assert [hit["timestamp"] for hit in await memory.search("tea", as_of=given)] == [kept]


@pytest.mark.parametrize(
    "text",
    [
        "茶が好きです。",
        "naïve — “quotes” 🫖👩‍👩‍👧‍👦",
        "tab\tnewline\nnul\x00end",
        "  padded  ",
        "\u202ertl",
        "x" * (1024 * 1024),
    ],
    ids=["japanese", "emoji", "control", "padded", "bidi", "1 MiB exactly"],
)
async def test_text_comes_back_as_it_was_sent(memory: MemoryApi, text: str) -> None:
    added = await memory.add(text, name="Zoë 🦊")

    item = (await memory.get(added["memory_ids"][0])).json()

    assert (item["text"], item["name"]) == (text, "Zoë 🦊")


async def test_metadata_comes_back_as_it_was_sent(memory: MemoryApi) -> None:
    metadata = {"n": None, "big": 2**53 + 1, "f": 1.5, "list": [1, "two", {"three": [True]}], "ключ": "значение", "": 0}

    added = await memory.add("tea", metadata=metadata)

    assert (await memory.get(added["memory_ids"][0])).json()["metadata"] == metadata
    assert (await memory.search("tea"))[0]["metadata"] == metadata


async def test_a_receipt_tells_what_became_of_the_event(memory: MemoryApi) -> None:
    added = await memory.add("tea", event_id="evt-tea")

    response = await memory.event("evt-tea")

    assert response.status_code == 200
    assert response.json() == {
        "event_id": "evt-tea",
        "state": "stored",
        "attempts": 1,
        "error": None,
        "memory_ids": added["memory_ids"],
    }


async def test_an_event_that_is_not_applied_in_time_is_answered_202(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    await leave_waiting(settings, make_event("tea"))

    async with memory_of(settings) as memory:
        response = await memory.post_add("tea", event_id="evt-1", wait="searchable", wait_timeout_s=0.05)

    assert (response.status_code, response.json()["state"], response.json()["status"]) == (202, "queued", "ok")


async def test_a_dead_event_is_answered_500_with_its_event_id(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    await leave_dead(settings, make_event("tea"), error="cannot be applied")

    async with memory_of(settings) as memory:
        response = await memory.post_add("tea", event_id="evt-1", wait="searchable")
        receipt = (await memory.event("evt-1")).json()

    assert response.status_code == 500
    body = response.json()
    assert (body["event_id"], body["state"], body["status"]) == ("evt-1", "dead", "error")
    assert body["error"] == "cannot be applied"
    assert (receipt["state"], receipt["error"], receipt["attempts"]) == ("dead", "cannot be applied", 1)


async def test_session_and_agent_may_stand_in_headers_and_the_body_wins(memory: MemoryApi) -> None:
    async def add(content: str, headers: dict[str, str], **fields: str) -> int:
        body = {"user_id": memory.user_id, "role": "user", "content": content, "wait": "searchable", **fields}
        return (await memory.client.post("/v1/memory/add", json=body, headers=headers)).status_code

    assert await add("by header", {"X-Session-ID": "s-header"}) == 200
    assert await add("by body", {"X-Session-ID": "s-header"}, session_id="s-body") == 200
    assert await add("never", {"X-Session-ID": "a b"}) == 400
    assert await add("never", {"X-Agent-ID": "a/b"}) == 400
    items = (await memory.client.get("/v1/memory", params={"user_id": memory.user_id})).json()["items"]
    assert {item["text"]: item["session_id"] for item in items} == {"by header": "s-header", "by body": "s-body"}
