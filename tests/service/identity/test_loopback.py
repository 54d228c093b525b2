"""A gateway without keys serves its own machine only: rebound names, foreign pages and proxies are refused."""

import httpx
import pytest

from tests.service.identity.keys import bearer
from tests.service.identity.routes import OWNED, PUBLIC

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOREIGN = [
    {"host": "evil.example"},
    {"host": "evil.example:8080"},
    {"host": "127.0.0.1.evil.example"},
    {"host": "localhost.evil.example"},
    {"host": "192.168.1.10"},
    {"host": "0.0.0.0"},
    {"host": ""},
    {"host": "["},
    {"origin": "https://evil.example"},
    {"origin": "http://localhost:1"},
    {"origin": "null"},
    {"origin": ""},
    {"forwarded": "for=127.0.0.1"},
    {"x-forwarded-for": "127.0.0.1"},
    {"x-forwarded-host": "localhost"},
    {"x-forwarded-proto": "http"},
    {"x-forwarded-port": "8080"},
    {"x-forwarded-prefix": "/"},
]
EVERY_ROUTE = sorted({*PUBLIC, *OWNED, ("GET", "/nothing"), ("OPTIONS", "/v1/memory/add"), ("PUT", "/v1/memory")})


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/v1/memory"), ("POST", "/v1/chat/completions")])
async def test_what_does_not_come_from_here_is_refused(
    keyless: httpx.AsyncClient, headers: dict[str, str], method: str, path: str
) -> None:
    response = await keyless.request(method, path, headers=headers)

    assert response.status_code == 403
    assert response.headers["x-request-id"]
    error = response.json()["error"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", None, "loopback_only")


@pytest.mark.parametrize(("method", "path"), EVERY_ROUTE, ids=lambda part: part)
async def test_no_kind_of_route_is_left_out(keyless: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await keyless.request(method, path, headers={"host": "evil.example"})).status_code == 403


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:80", "127.0.0.2"]
)
async def test_every_name_of_this_machine_is_served(keyless: httpx.AsyncClient, host: str) -> None:
    assert (await keyless.get("/health", headers={"host": host})).status_code == 200


async def test_a_page_of_this_very_gateway_is_served(keyless: httpx.AsyncClient) -> None:
    origin = str(keyless.base_url).rstrip("/")

    assert (await keyless.get("/health", headers={"origin": origin})).status_code == 200


@pytest.mark.parametrize("headers", [headers for headers in FOREIGN if headers.get("host") not in ("", "[")], ids=str)
async def test_with_keys_all_of_this_is_allowed(keyed: httpx.AsyncClient, headers: dict[str, str]) -> None:
    response = await keyed.get("/v1/memory", params={"user_id": "ana"}, headers={**bearer("sk-ana"), **headers})

    assert response.status_code == 200
    assert not [name for name in response.headers if name.startswith("access-control-")]


async def test_no_page_of_another_origin_is_given_leave_to_read(keyless: httpx.AsyncClient) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}

    response = await keyless.options("/v1/memory/add", headers=headers)

    assert response.status_code == 403
    assert not [name for name in response.headers if name.startswith("access-control-")]
