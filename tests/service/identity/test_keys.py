"""Keys: who they are, whom they speak for, and what they may do."""

from typing import Any

import httpx
import pytest

from tests.service.identity.keys import bearer

pytestmark = pytest.mark.asyncio(loop_scope="session")

_TURN = {"role": "user", "content": "tea"}
_SCOPED = "/v1/memory/users/scoped"
_NDJSON = {"content-type": "application/x-ndjson"}
_CHAT = {"model": "any", "messages": [{"role": "user", "content": "hello"}]}


def _error(response: httpx.Response) -> tuple[int, str | None, str | None]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["param"]


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer sk-nobody", "Basic sk-acme", "sk-acme", "Bearer SK-ACME"]
)
async def test_what_is_no_key_is_401(keyed: httpx.AsyncClient, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}

    response = await keyed.post("/v1/memory/add", json={"user_id": "u", **_TURN}, headers=headers)

    assert _error(response) == (401, "invalid_api_key", None)


@pytest.mark.parametrize("body", [b"", b'{"role":', b'{"bogus": 1}', b" " * (21 * 1024 * 1024)])
async def test_a_stranger_is_401_whatever_the_body_holds(keyed: httpx.AsyncClient, body: bytes) -> None:
    headers = {"content-type": "application/json"}

    assert (await keyed.post("/v1/memory/add", content=body, headers=headers)).status_code == 401
    assert (await keyed.post("/v1/chat/completions", content=body, headers=headers)).status_code == 401


@pytest.mark.parametrize("authorization", ["Bearer sk-acme", "bearer sk-acme", "BEARER  sk-acme"])
async def test_the_word_bearer_has_no_case(keyed: httpx.AsyncClient, authorization: str) -> None:
    assert (await keyed.get("/v1/models", headers={"authorization": authorization})).status_code == 200


@pytest.mark.parametrize(
    ("secret", "allowed"),
    [
        ("sk-acme", {"chat", "read", "write", "erase"}),
        ("sk-chat", {"chat"}),
        ("sk-read", {"read"}),
        ("sk-write", {"write"}),
        ("sk-erase", {"erase", "admin"}),
        ("sk-operator", {"admin"}),
    ],
)
async def test_a_key_does_what_its_scopes_say(keyed: httpx.AsyncClient, secret: str, allowed: set[str]) -> None:
    headers = bearer(secret, X_User_ID="scoped")
    answers = {
        "chat": [await keyed.post("/v1/chat/completions", json=_CHAT, headers=headers)],
        "write": [
            await keyed.post("/v1/memory/add", json=_TURN, headers=headers),
            await keyed.delete("/v1/memory/no-such", headers=headers),
            await keyed.patch("/v1/memory/no-such", json={"text": "x"}, headers=headers),
            await keyed.put(f"{_SCOPED}/settings", json={"remember": True}, headers=headers),
            await keyed.put(f"{_SCOPED}/profile", json={"entries": [], "version": 9}, headers=headers),
            await keyed.delete(f"{_SCOPED}/sessions/no-such", headers=headers),
            await keyed.post("/v1/memory/import", content=b"", headers={**headers, **_NDJSON}),
        ],
        "read": [
            await keyed.post("/v1/memory/search", json={"query": "tea"}, headers=headers),
            await keyed.post("/v1/memory/retrieve", json={"query": "tea"}, headers=headers),
            await keyed.get("/v1/memory", headers=headers),
            await keyed.get("/v1/memory/no-such", headers=headers),
            await keyed.get("/v1/memory/events/no-such", headers=headers),
            await keyed.get("/v1/memory/no-such/history", headers=headers),
            await keyed.get("/v1/memory/users", headers=headers),
            await keyed.get(f"{_SCOPED}/settings", headers=headers),
            await keyed.get(f"{_SCOPED}/profile", headers=headers),
            await keyed.get(f"{_SCOPED}/sessions", headers=headers),
            await keyed.get(f"{_SCOPED}/export", headers=headers),
        ],
        "erase": [await keyed.delete(_SCOPED, headers=headers)],
        "admin": [
            await keyed.get("/v1/admin/quarantine", headers=headers),
            await keyed.post("/v1/admin/quarantine/no-such/release", headers=headers),
            await keyed.delete("/v1/admin/quarantine/no-such", headers=headers),
        ],
    }

    for scope, responses in answers.items():
        refused = [_error(response)[:2] for response in responses if response.status_code == 403]
        assert refused == ([] if scope in allowed else [(403, "permission_denied")] * len(responses))


async def test_a_bound_key_speaks_for_its_user_without_naming_it(keyed: httpx.AsyncClient) -> None:
    added = await keyed.post("/v1/memory/add", json={**_TURN, "wait": "searchable"}, headers=bearer("sk-ben"))

    listed = await keyed.get("/v1/memory", params={"user_id": "ben"}, headers=bearer("sk-acme"))

    assert added.json()["memory_ids"][0] in [item["id"] for item in listed.json()["items"]]


@pytest.mark.parametrize(
    ("headers", "named"),
    [({"X_User_ID": "ana"}, {}), ({}, {"user_id": "ana"}), ({"X_User_ID": "ana"}, {"user_id": "ben"})],
)
async def test_a_bound_key_does_not_speak_for_another(
    keyed: httpx.AsyncClient, headers: dict[str, str], named: dict[str, str]
) -> None:
    response = await keyed.post("/v1/memory/add", json={**_TURN, **named}, headers=bearer("sk-ben", **headers))

    assert _error(response) == (403, "permission_denied", "user_id")


async def test_a_key_without_a_user_needs_one_on_memory_routes(keyed: httpx.AsyncClient) -> None:
    response = await keyed.post("/v1/memory/add", json=_TURN, headers=bearer("sk-acme"))

    assert _error(response) == (400, None, "user_id")


async def test_a_chat_with_a_key_and_no_user_runs_without_memory(keyed: httpx.AsyncClient) -> None:
    response = await keyed.post("/v1/chat/completions", json=_CHAT, headers=bearer("sk-acme"))

    assert response.status_code == 200
    assert response.headers["x-memoryos-memory"].endswith("state=off; reason=no_user")
    assert "x-memoryos-event" not in response.headers


async def _listed(client: httpx.AsyncClient, user_id: str, **headers: str) -> list[Any]:
    answer = await client.get("/v1/memory", headers={"X-User-ID": user_id, **headers})
    return [item["text"] for item in answer.json()["items"]]


async def test_the_header_names_the_user_before_body_and_query(keyless: httpx.AsyncClient) -> None:
    body = {"user_id": "from-body", **_TURN, "wait": "searchable"}
    await keyless.post("/v1/memory/add", json=body, headers={"X-User-ID": "from-header"})

    by_query = await keyless.get("/v1/memory", params={"user_id": "from-body"}, headers={"X-User-ID": "from-header"})

    assert [item["text"] for item in by_query.json()["items"]] == ["tea"]
    assert await _listed(keyless, "from-body") == []


@pytest.mark.parametrize(
    ("headers", "named", "user_id"),
    [
        ({"X-User-ID": "h1"}, {"user": "b1", "user_id": "c1"}, "h1"),
        ({}, {"user": "b2", "user_id": "c2"}, "c2"),
        ({}, {"user": "b3"}, "b3"),
        ({}, {}, "default"),
        ({"authorization": "Bearer ignored", "X-User-ID": "h4"}, {}, "h4"),
    ],
    ids=["header first", "user_id before user", "user", "nobody is default", "bearer ignored without keys"],
)
async def test_a_chat_is_remembered_for_the_user_it_names(
    keyless: httpx.AsyncClient, headers: dict[str, str], named: dict[str, str], user_id: str
) -> None:
    text = f"I am {user_id}"
    body = {**_CHAT, "messages": [{"role": "user", "content": text}], **named}

    response = await keyless.post("/v1/chat/completions", json=body, headers=headers)

    assert response.headers["x-memoryos-event"]
    assert text in await _listed(keyless, user_id)


@pytest.mark.parametrize(
    ("headers", "named", "param"),
    [
        ({"X-User-ID": "a/b"}, {}, "X-User-ID"),
        ({"X-User-ID": ""}, {}, "X-User-ID"),
        ({}, {"user": "a b"}, "user"),
        ({"X-Session-ID": "a/b"}, {}, "X-Session-ID"),
        ({"Idempotency-Key": "a b"}, {}, "Idempotency-Key"),
        ({"X-MemoryOS-Mode": "sometimes"}, {}, "X-MemoryOS-Mode"),
    ],
)
async def test_a_malformed_id_of_a_chat_is_named(
    keyless: httpx.AsyncClient, headers: dict[str, str], named: dict[str, str], param: str
) -> None:
    response = await keyless.post("/v1/chat/completions", json={**_CHAT, **named}, headers=headers)

    assert _error(response) == (400, None, param)
