"""No route shows one user, or one tenant, anything of another: tried on every route that the application has."""

from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from memoryos_adapters.registry import open_adapters
from memoryos_adapters.settings import Settings, StorageSettings
from tests.service.identity.keys import bearer
from tests.service.identity.routes import OF_USERS, OWNED, PUBLIC, Call, listed_routes

pytestmark = pytest.mark.asyncio(loop_scope="session")

_SECRET = "swordfish"

_numbers = count()


async def test_every_route_of_the_application_is_tried_here(tmp_path: Path) -> None:
    settings = Settings(storage=StorageSettings(profile="noop"))

    async with open_adapters(settings, database=tmp_path / "db", index=tmp_path / "index") as adapters:
        listed = listed_routes(settings, adapters)

    assert listed == PUBLIC | set(OWNED)


async def _add(client: httpx.AsyncClient, secret: str, user_id: str, text: str, event_id: str) -> Any:
    body = {
        "user_id": user_id,
        "role": "user",
        "content": text,
        "event_id": event_id,
        "session_id": f"s-{event_id}",
        "wait": "searchable",
    }
    response = await client.post("/v1/memory/add", json=body, headers=bearer(secret))
    assert response.status_code == 200, response.text
    return response.json()


def _ids_of(added: Any) -> dict[str, str]:
    event_id = added["event_id"]
    return {"memory_id": added["memory_ids"][0], "event_id": event_id, "session_id": f"s-{event_id}"}


async def _try(
    client: httpx.AsyncClient, call: Call, *, secret: str | None, user_id: str, ids: dict[str, str]
) -> httpx.Response:
    def filled(template: str) -> str:
        for name, value in {**ids, "user_id": user_id}.items():
            template = template.replace(f"{{{name}}}", value)
        return template

    headers = {"content-type": call.media} if call.body else {}
    headers |= bearer(secret) if secret else {}
    content = filled(call.body) if call.body else None
    return await client.request(call.method, filled(call.path), content=content, headers=headers)


@pytest.mark.parametrize("route", OF_USERS, ids=lambda route: " ".join(route))
@pytest.mark.parametrize(
    ("secret", "user_id"),
    [("sk-acme", "ben"), ("sk-ben", "ben"), ("sk-other", "ana")],
    ids=["another user, same key", "another user's own key", "the same user id in another tenant"],
)
async def test_nothing_of_another_scope_is_shown_or_touched(
    keyed: httpx.AsyncClient, route: tuple[str, str], secret: str, user_id: str
) -> None:
    event_id = f"evt-{next(_numbers)}"
    mine = await _add(keyed, "sk-ana", "ana", f"the password is {_SECRET}", event_id)
    ids = _ids_of(mine)

    response = await _try(keyed, OWNED[route], secret=secret, user_id=user_id, ids=ids)

    assert _SECRET not in response.text
    if any(id_ in route[1] for id_ in ("{memory_id", "{event_id", "{session_id")):
        assert response.status_code == 404
    else:
        assert response.is_success
        assert ids["memory_id"] not in response.text
    if route[1].endswith("/chat/completions"):
        assert "recalled=0" in response.headers["x-memoryos-memory"]
    still = await keyed.get(f"/v1/memory/{ids['memory_id']}", params={"user_id": "ana"}, headers=bearer("sk-ana"))
    assert still.json()["text"] == f"the password is {_SECRET}"


@pytest.mark.parametrize("route", OF_USERS, ids=lambda route: " ".join(route))
async def test_its_owner_is_served(keyed: httpx.AsyncClient, route: tuple[str, str]) -> None:
    event_id = f"evt-{next(_numbers)}"
    await keyed.delete("/v1/memory/users/ana", headers=bearer("sk-ana"))  # what other tests left
    mine = await _add(keyed, "sk-ana", "ana", "hello", event_id)

    response = await _try(
        keyed,
        OWNED[route],
        secret="sk-ana",
        user_id="ana",
        ids=_ids_of(mine),
    )

    assert response.is_success, response.text


@pytest.mark.parametrize("route", OWNED, ids=lambda route: " ".join(route))
@pytest.mark.parametrize("secret", [None, "sk-nobody", ""], ids=["no key", "unknown key", "empty key"])
async def test_no_owned_route_answers_a_stranger(
    keyed: httpx.AsyncClient, route: tuple[str, str], secret: str | None
) -> None:
    ids = {"memory_id": "some-id", "event_id": "evt-1", "session_id": "s-1"}

    response = await _try(keyed, OWNED[route], secret=secret, user_id="ana", ids=ids)

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    "route", [route for route, call in OWNED.items() if call.names_user], ids=lambda route: " ".join(route)
)
async def test_a_key_that_speaks_for_another_user_is_403_before_any_look_up(
    keyed: httpx.AsyncClient, route: tuple[str, str]
) -> None:
    ids = {"memory_id": "no-such-memory", "event_id": "no-such-event", "session_id": "no-such-session"}

    response = await _try(keyed, OWNED[route], secret="sk-ben", user_id="ana", ids=ids)

    assert response.status_code == 403
    assert response.json()["error"]["code"] == "permission_denied"


@pytest.mark.parametrize(("method", "path"), sorted(PUBLIC), ids=lambda part: part)
async def test_public_routes_tell_nothing_of_a_user(keyed: httpx.AsyncClient, method: str, path: str) -> None:
    await _add(keyed, "sk-ana", "ana", f"the password is {_SECRET}", "evt-public")

    response = await keyed.request(method, path.replace("{path:str}", "x"))

    assert response.status_code in (200, 404)
    assert _SECRET not in response.text
    assert "ana" not in response.text.split('"')
