"""What web pages may read: those of `[server] allowed_origins` every answer there is, others nothing."""

from typing import Any

import aiohttp
import pytest

from tests.service.wire.conftest import CHAT, ORIGIN
from tests.service.wire.test_requests import chat_body
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway
from tests.support.replies import Reply
from tests.support.wire import Answer, send

pytestmark = pytest.mark.asyncio(loop_scope="package")

FOREIGN = [
    "https://evil.example",
    "http://app.example",
    "https://app.example:444",
    "https://app.example.evil.example",
    "https://APP.example",
    "https://app.example/",
    "null",
    "",
    "*",
]

ANSWERS: list[Any] = [
    pytest.param("GET", "/health", None, {}, 200, id="a route"),
    pytest.param("HEAD", "/health", None, {}, 200, id="HEAD"),
    pytest.param("OPTIONS", "/v1/models", None, {}, 204, id="OPTIONS that is no preflight"),
    pytest.param("POST", CHAT, chat_body(), {}, 200, id="a chat"),
    pytest.param("POST", CHAT, chat_body(stream=True), {}, 200, id="a stream"),
    pytest.param("POST", CHAT, b"{", {}, 400, id="400 of the chat"),
    pytest.param("POST", "/v1/memory/add", b"{", {}, 400, id="400 of another route"),
    pytest.param("POST", CHAT, chat_body(model="nobody/x"), {}, 404, id="no such model"),
    pytest.param("GET", "/v1/nothing", None, {}, 404, id="404"),
    pytest.param("PUT", "/v1/models", None, {}, 405, id="405"),
    pytest.param("GET", CHAT, None, {}, 405, id="405 of the chat"),
    pytest.param("POST", CHAT, chat_body(x="a" * 2**20), {}, 413, id="413"),
    pytest.param("POST", "/v1/memory/add", chat_body(), {"content-encoding": "gzip"}, 415, id="415"),
]

SDK_HEADERS = (
    "authorization,content-type,idempotency-key,openai-organization,x-agent-id,x-memoryos-mode,x-session-id,"
    "x-stainless-arch,x-stainless-lang,x-stainless-retry-count,x-user-id"
)


def cors(answer: Answer) -> dict[str, str]:
    """Return the headers of an answer that speak to browsers, without `Vary`."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def words(value: str) -> set[str]:
    """Return the members of a header that is a list."""
    return {word.strip() for word in value.split(",")}


@pytest.mark.parametrize(("method", "path", "body", "headers", "status"), ANSWERS)
async def test_a_page_of_an_allowed_origin_may_read_every_answer(
    http: aiohttp.ClientSession,
    gateway: RunningGateway,
    upstream: FakeUpstream,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int,
) -> None:
    answer = await send(http, method, gateway.url + path, body=body, headers={"origin": ORIGIN, **headers})
    assert answer.status == status
    told = cors(answer)
    assert told.pop("access-control-allow-origin") == ORIGIN
    exposed = words(told.pop("access-control-expose-headers"))
    assert {name for name in answer.headers if name.startswith("x-memoryos-")} <= exposed
    assert {"x-request-id", "retry-after", "retry-after-ms", "x-should-retry", "*"} <= exposed
    assert told == {}, "no credentials"
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(("method", "path", "body", "headers", "status"), ANSWERS)
async def test_a_client_that_is_no_page_is_told_nothing_but_vary(
    http: aiohttp.ClientSession,
    gateway: RunningGateway,
    upstream: FakeUpstream,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int,
) -> None:
    answer = await send(http, method, gateway.url + path, body=body, headers=headers)
    assert (answer.status, cors(answer), answer.headers["vary"]) == (status, {}, "Origin")


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/models", 200), ("GET", "/v1/nothing", 404), ("OPTIONS", CHAT, 204)]
)
async def test_a_page_of_another_origin_may_read_nothing(
    http: aiohttp.ClientSession, keyed: RunningGateway, origin: str, method: str, path: str, status: int
) -> None:
    headers = {"origin": origin, "authorization": "Bearer sk-any", "access-control-request-method": "POST"}
    answer = await send(http, method, keyed.url + path, headers=headers)
    assert (answer.status, cors(answer), answer.headers["vary"]) == (status, {}, "Origin")


async def test_a_stranger_on_an_allowed_page_may_read_that_a_key_is_wanted(
    http: aiohttp.ClientSession, keyed: RunningGateway
) -> None:
    for path in (CHAT, "/v1/memory/add"):
        answer = await send(http, "POST", keyed.url + path, body=chat_body(), headers={"origin": ORIGIN})
        assert (answer.status, cors(answer)["access-control-allow-origin"]) == (401, ORIGIN)


async def test_what_a_wait_takes_may_be_read(
    http: aiohttp.ClientSession, gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    upstream.next(Reply.error(429, headers={"retry-after": "7"}))
    answer = await send(http, "POST", gateway.url + CHAT, body=chat_body(), headers={"origin": ORIGIN})
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert "retry-after" in words(cors(answer)["access-control-expose-headers"])


@pytest.mark.parametrize(
    "path", [CHAT, "/chat/completions/", "/v1/embeddings", "/v1/models", "/v1/memory/some-id", "/health", "/v1/nothing"]
)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "PATCH"])
async def test_a_preflight_is_answered_whatever_it_asks_for(
    http: aiohttp.ClientSession, keyed: RunningGateway, log_lines: list[dict[str, Any]], path: str, method: str
) -> None:
    """Without a key: browsers send none; the real request is then answered, be it with an error."""
    headers = {
        "origin": ORIGIN,
        "access-control-request-method": method,
        "access-control-request-headers": SDK_HEADERS,
    }
    answer = await send(http, "OPTIONS", keyed.url + path, headers=headers)
    told = cors(answer)
    assert (answer.status, answer.body) == (204, b"")
    assert told["access-control-allow-origin"] == ORIGIN
    assert method in words(told["access-control-allow-methods"])
    assert words(SDK_HEADERS) <= words(told["access-control-allow-headers"])
    assert int(told["access-control-max-age"]) > 0
    assert "access-control-allow-credentials" not in told
    assert answer.headers["vary"] == "Origin"
    assert [(line["method"], line["status"], line["request_id"]) for line in log_lines] == [
        ("OPTIONS", 204, answer.headers["x-request-id"])
    ]


async def test_an_allowed_origin_passes_the_loopback_guard(
    http: aiohttp.ClientSession, gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    answer = await send(http, "POST", gateway.url + CHAT, body=chat_body(), headers={"origin": ORIGIN})
    assert answer.status == 200


@pytest.mark.parametrize("preflight", [False, True], ids=["request", "preflight"])
@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"forwarded": "for=10.0.0.1"}, {"x-forwarded-for": "10.0.0.1"}],
    ids=["host", "forwarded", "x-forwarded-for"],
)
async def test_an_allowed_origin_opens_no_other_gate_of_loopback(
    http: aiohttp.ClientSession, gateway: RunningGateway, headers: dict[str, str], preflight: bool
) -> None:
    asked = {"access-control-request-method": "POST"} if preflight else {}
    method = "OPTIONS" if preflight else "GET"
    answer = await send(http, method, f"{gateway.url}/v1/models", headers={"origin": ORIGIN, **asked, **headers})
    assert (answer.status, answer.error["code"]) == (403, "loopback_only")
    assert cors(answer)["access-control-allow-origin"] == ORIGIN, "so that the page can say why"


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_foreign_page_stays_refused_by_a_gateway_without_keys(
    http: aiohttp.ClientSession, gateway: RunningGateway, origin: str
) -> None:
    for method in ("GET", "OPTIONS"):
        headers = {"origin": origin, "access-control-request-method": "POST"}
        answer = await send(http, method, f"{gateway.url}/v1/models", headers=headers)
        assert (answer.status, cors(answer)) == (403, {})
