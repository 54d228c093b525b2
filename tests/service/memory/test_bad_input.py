"""What a caller gets wrong is refused, the field is named, and nothing is stored."""

from typing import Any

import httpx
import pytest

from memoryos_core.memory.limits import MAX_METADATA_DEPTH
from tests.service.memory.api import MemoryApi, error_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

_TURN = {"role": "user", "content": "tea"}
_MIB = 1024 * 1024


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"deeper": value}
    return value


BAD_ADDS: dict[str, tuple[dict[str, Any], str]] = {
    "empty content": ({"role": "user", "content": ""}, "content"),
    "blank content": ({"role": "user", "content": " \n\t\u3000"}, "content"),
    "over 1 MiB": ({"role": "user", "content": "x" * (_MIB + 1)}, "content"),
    "over 1 MiB in bytes only": ({"role": "user", "content": "é" * (_MIB // 2 + 1)}, "content"),
    "no content": ({"role": "user"}, "content"),
    "no role": ({"content": "tea"}, "role"),
    "content null": ({"role": "user", "content": None}, "content"),
    "unknown role": ({"role": "tool", "content": "tea"}, "role"),
    "content of parts": ({"role": "user", "content": [{"type": "text", "text": "tea"}]}, "content"),
    "content a number": ({"role": "user", "content": 5}, "content"),
    "unknown field": ({**_TURN, "sesion_id": "s"}, "sesion_id"),
    "messages and content": ({**_TURN, "messages": [_TURN]}, "messages"),
    "messages and name": ({"name": "Ana", "messages": [_TURN]}, "messages"),
    "no messages": ({"messages": []}, "messages"),
    "too many messages": ({"messages": [_TURN] * 257}, "messages"),
    "messages an object": ({"messages": _TURN}, "messages"),
    "a time in seconds": ({**_TURN, "timestamp": 1700000000}, "timestamp"),
    "a time as a text of digits": ({**_TURN, "timestamp": "1700000000"}, "timestamp"),
    "a wait as a text": ({**_TURN, "wait_timeout_s": "5"}, "wait_timeout_s"),
    "a message's time in seconds": ({"messages": [{**_TURN, "timestamp": 7}]}, "messages[0].timestamp"),
    "a message of the wrong type": ({"messages": [_TURN, "tea"]}, "messages[1]"),
    "a message without content": ({"messages": [_TURN, {"role": "user"}]}, "messages[1].content"),
    "a message with blank content": ({"messages": [_TURN, {"role": "user", "content": " "}]}, "messages[1].content"),
    "a message over 1 MiB": ({"messages": [{"role": "user", "content": "x" * (_MIB + 1)}]}, "messages[0].content"),
    "a message's unknown field": ({"messages": [{**_TURN, "id": "1"}]}, "messages[0].id"),
    "a message's bad time": ({"messages": [{**_TURN, "timestamp": "now"}]}, "messages[0].timestamp"),
    "a message's name": ({"messages": [{**_TURN, "name": ""}]}, "messages[0].name"),
    "empty name": ({**_TURN, "name": ""}, "name"),
    "long name": ({**_TURN, "name": "n" * 257}, "name"),
    "event_id with a slash": ({**_TURN, "event_id": "a/b"}, "event_id"),
    "empty event_id": ({**_TURN, "event_id": ""}, "event_id"),
    "long event_id": ({**_TURN, "event_id": "e" * 129}, "event_id"),
    "event_id a number": ({**_TURN, "event_id": 7}, "event_id"),
    "session_id with a blank": ({**_TURN, "session_id": "a b"}, "session_id"),
    "agent_id with a dot first": ({**_TURN, "agent_id": "../x"}, "agent_id"),
    "time in words": ({**_TURN, "timestamp": "yesterday"}, "timestamp"),
    "time without a date": ({**_TURN, "timestamp": "10:00:00"}, "timestamp"),
    "time before the first": ({**_TURN, "timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
    "time after the last": ({**_TURN, "timestamp": "9999-12-31T23:59:59-14:00"}, "timestamp"),
    "metadata a list": ({**_TURN, "metadata": []}, "metadata"),
    "metadata too large": ({**_TURN, "metadata": {"k": "x" * 16_384}}, "metadata"),
    "metadata too deep": ({**_TURN, "metadata": _nested(MAX_METADATA_DEPTH + 1)}, "metadata"),
    "unknown wait": ({**_TURN, "wait": "forever"}, "wait"),
    "wait_timeout_s zero": ({**_TURN, "wait_timeout_s": 0}, "wait_timeout_s"),
    "wait_timeout_s over a minute": ({**_TURN, "wait_timeout_s": 61}, "wait_timeout_s"),
}

BAD_QUESTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no query": ({}, "query"),
    "empty query": ({"query": ""}, "query"),
    "blank query": ({"query": " \n"}, "query"),
    "long query": ({"query": "q" * 32_769}, "query"),
    "query a list": ({"query": ["tea"]}, "query"),
    "limit zero": ({"query": "tea", "limit": 0}, "limit"),
    "limit over 200": ({"query": "tea", "limit": 201}, "limit"),
    "limit half": ({"query": "tea", "limit": 1.5}, "limit"),
    "as_of in words": ({"query": "tea", "as_of": "now"}, "as_of"),
    "as_of out of range": ({"query": "tea", "as_of": "0001-01-01T00:00:00+14:00"}, "as_of"),
    "asked_at in words": ({"query": "tea", "asked_at": "now"}, "asked_at"),
    "session_id with a slash": ({"query": "tea", "session_id": "a/b"}, "session_id"),
    "empty agent_id": ({"query": "tea", "agent_id": ""}, "agent_id"),
    "limit a text": ({"query": "tea", "limit": "5"}, "limit"),
    "as_of a number": ({"query": "tea", "as_of": 5}, "as_of"),
    "explain a number": ({"query": "tea", "explain": 1}, "explain"),
    "explain a text": ({"query": "tea", "explain": "yes"}, "explain"),
    "unknown field": ({"query": "tea", "top_k": 5}, "top_k"),
}


@pytest.mark.parametrize(("fields", "param"), BAD_ADDS.values(), ids=BAD_ADDS)
async def test_a_bad_add_names_its_field_and_stores_nothing(
    memory: MemoryApi, fields: dict[str, Any], param: str
) -> None:
    response = await memory.client.post("/v1/memory/add", json={"user_id": memory.user_id, **fields})

    assert error_of(response, 400)["param"] == param
    assert await memory.texts() == []


@pytest.mark.parametrize("route", ["search", "retrieve"])
@pytest.mark.parametrize(("fields", "param"), BAD_QUESTIONS.values(), ids=BAD_QUESTIONS)
async def test_a_bad_question_names_its_field(
    memory: MemoryApi, route: str, fields: dict[str, Any], param: str
) -> None:
    response = await memory.client.post(f"/v1/memory/{route}", json={"user_id": memory.user_id, **fields})

    assert error_of(response, 400)["param"] == param


@pytest.mark.parametrize(
    ("route", "fields", "param"),
    [
        ("search", {"kinds": ["pages"]}, "kinds[0]"),
        ("search", {"kinds": "page"}, "kinds"),
        ("search", {"filters": {"role": {"near": "user"}}}, "filters.role.near"),
        ("retrieve", {"filters": {"session": "s-1"}}, "filters.session"),
        ("retrieve", {"budget_tokens": 0}, "budget_tokens"),
        ("retrieve", {"budget_tokens": 1_000_001}, "budget_tokens"),
        ("retrieve", {"kinds": ["page"]}, "kinds"),
    ],
)
async def test_a_bad_field_of_one_route_is_named(
    memory: MemoryApi, route: str, fields: dict[str, Any], param: str
) -> None:
    body = {"user_id": memory.user_id, "query": "tea", **fields}

    assert error_of(await memory.client.post(f"/v1/memory/{route}", json=body), 400)["param"] == param


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"kind": "pages"}, "kind"),
        ({"session_id": "a/b"}, "session_id"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "é💬"}, "cursor"),
        ({"cursor": "AAAA" * 500}, "cursor"),
    ],
)
async def test_a_bad_listing_names_its_parameter(memory: MemoryApi, query: dict[str, str], param: str) -> None:
    response = await memory.client.get("/v1/memory", params={"user_id": memory.user_id, **query})

    assert error_of(response, 400)["param"] == param


@pytest.mark.parametrize("event_id", ["a%20b", "%00", ".a", "e" * 129, "%F0%9F%A6%8A"])
async def test_a_bad_event_id_in_the_path_is_named(memory: MemoryApi, event_id: str) -> None:
    assert error_of(await memory.event(event_id), 400)["param"] == "event_id"


@pytest.mark.parametrize("user_id", [None, "", "a/b", "../etc", "a b", "u" * 129, "ünal", "a\n", "-a"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/memory/add", _TURN),
        ("POST", "/v1/memory/search", {"query": "tea"}),
        ("POST", "/v1/memory/retrieve", {"query": "tea"}),
        ("GET", "/v1/memory", None),
        ("GET", "/v1/memory/events/evt-1", None),
        ("GET", "/v1/memory/some-id", None),
        ("DELETE", "/v1/memory/some-id", None),
    ],
    ids=["add", "search", "retrieve", "list", "event", "get", "delete"],
)
async def test_every_memory_route_needs_a_valid_user(
    client: httpx.AsyncClient, user_id: str | None, method: str, path: str, body: dict[str, Any] | None
) -> None:
    named = {} if user_id is None else {"user_id": user_id}
    if body is None:
        response = await client.request(method, path, params=named)
    else:
        response = await client.request(method, path, json={**body, **named})

    assert error_of(response, 400)["param"] == "user_id"
