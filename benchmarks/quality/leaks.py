"""Leaks: does any route show a user, or a tenant, anything of another?"""

from hashlib import sha256
from pathlib import Path

import httpx

from benchmarks.quality.client import Prober, probe_client
from benchmarks.quality.figure import Figure
from tests.service.identity.routes import OWNED, Call

_MARKER = "swordfish"
_SESSION = "diary"
_KEYS = {"sk-ana": ("acme", "ana"), "sk-ben": ("acme", "ben"), "sk-acme": ("acme", None), "sk-other": ("other", None)}
_SCOPES = ["chat", "memory:read", "memory:write", "memory:erase", "admin"]
_INTRUDERS = {
    "another user, the same key": ("sk-acme", "ben"),
    "another user's own key": ("sk-ben", "ben"),
    "the same name in another tenant": ("sk-other", "ana"),
}


async def probe_leaks(directory: Path) -> list[Figure]:
    """Return how many answers told a stranger a marker, or the id, of somebody else's memory."""
    config = directory / "leaks.toml"
    config.write_text("".join(_key(secret, *owner) for secret, owner in _KEYS.items()))
    async with probe_client(directory / "leaks", environ={"MEMORYOS_CONFIG": str(config)}) as prober:
        figures = []
        for name, (secret, user_id) in _INTRUDERS.items():
            leaks = [await _leaks(prober, call, secret, user_id) for call in OWNED.values()]
            figures.append(Figure(probe="leaks", case=name, value=sum(leaks), of=f"{len(leaks)} routes", most=0))
        return figures


async def _leaks(prober: Prober, call: Call, secret: str, user_id: str) -> bool:
    """Try one route on a fresh memory of Ana's; return whether it told anything, or whether the memory is gone."""
    body = {"user_id": "ana", "role": "user", "content": f"the password is {_MARKER}", "wait": "searchable"}
    body |= {"session_id": _SESSION}
    mine = (await prober.client.post("/v1/memory/add", json=body, headers=_bearer("sk-ana"))).raise_for_status().json()
    ids = {"memory_id": mine["memory_ids"][0], "event_id": mine["event_id"], "session_id": _SESSION, "user_id": user_id}
    told = await _try(prober.client, call, secret, ids)
    kept = await prober.client.get(
        f"/v1/memory/{ids['memory_id']}", params={"user_id": "ana"}, headers=_bearer("sk-ana")
    )
    named = told.is_success and ids["memory_id"] in told.text  # a 404 repeats the id that it was asked for
    return _MARKER in told.text or named or _MARKER not in kept.text


async def _try(client: httpx.AsyncClient, call: Call, secret: str, ids: dict[str, str]) -> httpx.Response:
    path, body = call.path, call.body
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", value)
        body = None if body is None else body.replace(f"{{{name}}}", value)
    headers = _bearer(secret) | ({"content-type": call.media} if body else {})
    return await client.request(call.method, path, content=body, headers=headers)


def _key(secret: str, tenant: str, user: str | None) -> str:
    bound = f'user = "{user}"\n' if user else ""
    digest = sha256(secret.encode()).hexdigest()
    return f'[[auth.keys]]\nkey_sha256 = "{digest}"\ntenant = "{tenant}"\n{bound}scopes = {_SCOPES}\n'


def _bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}
