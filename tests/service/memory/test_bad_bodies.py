"""Bodies, paths and methods that are wrong as such: one error shape for all of them, and nothing is stored."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.service.memory.api import JSON, MemoryApi, error_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ROUTES = ("add", "search", "retrieve")

BAD_BODIES: dict[str, tuple[bytes, str | None]] = {
    "nothing": (b"", None),
    "truncated": (b'{"role":"user","content":"te', None),
    "an object too many": (b'{"role":"user"}{}', None),
    "single quotes": (b"{'role':'user'}", None),
    "an array": (b"[]", None),
    "a text": (b'"tea"', None),
    "null": (b"null", None),
    "a byte order mark": (b'\xef\xbb\xbf{"role":"user","content":"tea"}', None),
    "not UTF-8": (b'{"content":"\xff"}', None),
    "NaN": (b'{"metadata":{"a":[1,NaN]}}', "metadata.a[1]"),
    "Infinity": (b'{"limit":Infinity}', "limit"),
    "a number beyond floats": (b'{"wait_timeout_s":1e999}', "wait_timeout_s"),
    "a lone surrogate": (b'{"content":"\\ud800"}', "content"),
    "a lone surrogate inside": (b'{"messages":[{"content":"a\\udfffb"}]}', "messages[0].content"),
    "a nesting without end": (b'{"metadata":' + b"[" * 100_000, None),
    "a deep nesting": (b'{"metadata":' + b"[" * 2000 + b"]" * 2000 + b"}", None),
    "a fault deep inside": (b'{"metadata":' + b"[" * 700 + b"NaN" + b"]" * 700 + b"}", None),
}


@pytest.mark.parametrize("route", _ROUTES)
@pytest.mark.parametrize(("body", "param"), BAD_BODIES.values(), ids=BAD_BODIES)
async def test_a_body_that_is_no_json_object_is_refused(
    memory: MemoryApi, route: str, body: bytes, param: str | None
) -> None:
    headers = {**JSON, "X-User-ID": memory.user_id}

    error = error_of(await memory.client.post(f"/v1/memory/{route}", content=body, headers=headers), 400)

    assert (error["param"], error["type"]) == (param, "invalid_request_error")
    assert await memory.texts() == []


@pytest.mark.parametrize("route", _ROUTES)
@pytest.mark.parametrize(
    "media",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"],
)
async def test_another_content_type_is_refused(memory: MemoryApi, route: str, media: str | None) -> None:
    headers = {"X-User-ID": memory.user_id, **({"content-type": media} if media else {})}
    body = b'{"role":"user","content":"tea"}'

    error = error_of(await memory.client.post(f"/v1/memory/{route}", content=body, headers=headers), 415)

    assert (error["code"], "application/json" in error["message"]) == ("unsupported_media_type", True)
    assert await memory.texts() == []


@pytest.mark.parametrize("media", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.api+json"])
async def test_json_by_any_of_its_names_is_taken(memory: MemoryApi, media: str) -> None:
    headers = {"X-User-ID": memory.user_id, "content-type": media}

    response = await memory.client.post("/v1/memory/add", content=b'{"role":"user","content":"tea"}', headers=headers)

    assert response.status_code == 202


async def test_a_compressed_body_is_415(memory: MemoryApi) -> None:
    headers = {**JSON, "X-User-ID": memory.user_id, "content-encoding": "gzip"}

    response = await memory.client.post("/v1/memory/add", content=b"\x1f\x8b", headers=headers)

    assert error_of(response, 415)["code"] == "unsupported_media_type"


@pytest.mark.parametrize("route", _ROUTES)
@pytest.mark.parametrize("chunked", [False, True], ids=["length said", "chunked"])
async def test_a_body_over_the_limit_is_413(memory: MemoryApi, route: str, chunked: bool) -> None:
    piece = b" " * (1024 * 1024)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(21):
            yield piece

    content = pieces() if chunked else piece * 21
    headers = {**JSON, "X-User-ID": memory.user_id}

    error = error_of(await memory.client.post(f"/v1/memory/{route}", content=content, headers=headers), 413)

    assert error["code"] == "request_too_large"


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/v1/memory/add/more", "/v1/memory/events", "/v2/memory", "/v1/memory/a%2Fb", "/openapi.json/x"],
)
async def test_an_unknown_route_is_404(client: httpx.AsyncClient, path: str) -> None:
    assert error_of(await client.get(path), 404)["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/memory/add", {"POST"}),
        ("DELETE", "/v1/memory/search", {"POST"}),
        ("PUT", "/v1/memory", {"GET"}),
        ("POST", "/v1/memory/events/evt-1", {"GET"}),
        ("PUT", "/v1/memory/some-id", {"GET", "DELETE", "PATCH"}),
        ("POST", "/health", {"GET"}),
        ("GET", "/v1/chat/completions", {"POST"}),
    ],
)
async def test_a_wrong_method_is_405_and_told_the_right_ones(
    client: httpx.AsyncClient, method: str, path: str, allowed: set[str]
) -> None:
    response = await client.request(method, path)

    assert error_of(response, 405)["code"] == "method_not_allowed"
    assert set(response.headers["allow"].replace(" ", "").split(",")) - {"HEAD", "OPTIONS"} == allowed


@pytest.mark.parametrize(
    ("given", "kept"), [("req-42", True), ("a" * 128, True), ("a" * 129, False), ("a b", False), ("<script>", False)]
)
async def test_a_request_id_of_the_caller_is_kept_when_it_is_harmless(
    client: httpx.AsyncClient, given: str, kept: bool
) -> None:
    answered = (await client.get("/health", headers={"x-request-id": given})).headers["x-request-id"]

    assert (answered == given) is kept
    assert kept or answered.startswith("req_")
