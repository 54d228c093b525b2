"""Every route of the gateway, as the application itself lists them, with a request that it understands."""

import msgspec
from litestar import Litestar
from litestar.routes import ASGIRoute, HTTPRoute

from memoryos_adapters.container import slots
from memoryos_adapters.profiles.adapters import Adapters
from memoryos_adapters.settings import Settings
from memoryos_gateway.app import create_app
from memoryos_gateway.container import GatewayContainer


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request that belongs to a user: `path` and `body` may hold {memory_id}, {event_id}, {session_id}, {user_id}.

    `for_operators` needs a key with the scope admin that is bound to no user; `names_user` is False where a request
    has nobody to name.
    """

    method: str
    path: str
    body: str | None = None
    media: str = "application/json"
    for_operators: bool = False
    names_user: bool = True


PUBLIC = {
    ("GET", "/"),
    ("GET", "/health"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/health/status"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/openapi.json/openapi.json"),
    ("GET", "/openapi.json/{path:str}"),
}
"""What anybody may ask; nothing of a user is in it."""

_CHAT = '{"model": "any", "user": "{user_id}", "messages": [{"role": "user", "content": "what is the password?"}]}'
_TEXT = '{"model": "memoryos/hashed", "input": "password", "user": "{user_id}"}'
_QUESTION = '{"user_id": "{user_id}", "query": "password", "limit": 200}'
_ADD = '{"user_id": "{user_id}", "role": "user", "content": "hello", "event_id": "{event_id}"}'

_EDIT = '{"user_id": "{user_id}", "text": "changed"}'
_HEADER = (
    '{"kind": "header", "tenant_id": "acme", "user_id": "ana", "exported_at": "2026-03-01T12:00:00Z",'
    ' "format": "memoryos", "version": 1}\n'
)
_USER = "/v1/memory/users/{user_id}"
_HELD = "/v1/admin/quarantine/{memory_id}"

OWNED = {
    ("GET", "/v1/models"): Call(method="GET", path="/v1/models", names_user=False),
    ("GET", "/models"): Call(method="GET", path="/models", names_user=False),
    ("GET", "/v1/models/{model:path}"): Call(method="GET", path="/v1/models/any", names_user=False),
    ("GET", "/models/{model:path}"): Call(method="GET", path="/models/any", names_user=False),
    ("POST", "/v1/chat/completions"): Call(method="POST", path="/v1/chat/completions", body=_CHAT),
    ("POST", "/chat/completions"): Call(method="POST", path="/chat/completions", body=_CHAT),
    ("POST", "/v1/embeddings"): Call(method="POST", path="/v1/embeddings", body=_TEXT),
    ("POST", "/embeddings"): Call(method="POST", path="/embeddings", body=_TEXT),
    ("POST", "/v1/memory/add"): Call(method="POST", path="/v1/memory/add", body=_ADD),
    ("POST", "/v1/memory/search"): Call(method="POST", path="/v1/memory/search", body=_QUESTION),
    ("POST", "/v1/memory/retrieve"): Call(method="POST", path="/v1/memory/retrieve", body=_QUESTION),
    ("GET", "/v1/memory"): Call(method="GET", path="/v1/memory?user_id={user_id}&limit=200"),
    ("GET", "/v1/memory/events/{event_id:str}"): Call(
        method="GET", path="/v1/memory/events/{event_id}?user_id={user_id}"
    ),
    ("GET", "/v1/memory/{memory_id:str}"): Call(method="GET", path="/v1/memory/{memory_id}?user_id={user_id}"),
    ("DELETE", "/v1/memory/{memory_id:str}"): Call(method="DELETE", path="/v1/memory/{memory_id}?user_id={user_id}"),
    ("PATCH", "/v1/memory/{memory_id:str}"): Call(method="PATCH", path="/v1/memory/{memory_id}", body=_EDIT),
    ("GET", "/v1/memory/{memory_id:str}/history"): Call(
        method="GET", path="/v1/memory/{memory_id}/history?user_id={user_id}"
    ),
    ("GET", "/v1/memory/users"): Call(method="GET", path="/v1/memory/users", names_user=False),
    ("GET", "/v1/memory/users/{user_id:str}/settings"): Call(method="GET", path=f"{_USER}/settings"),
    ("PUT", "/v1/memory/users/{user_id:str}/settings"): Call(
        method="PUT", path=f"{_USER}/settings", body='{"remember": true}'
    ),
    ("GET", "/v1/memory/users/{user_id:str}/profile"): Call(method="GET", path=f"{_USER}/profile"),
    ("PUT", "/v1/memory/users/{user_id:str}/profile"): Call(
        method="PUT", path=f"{_USER}/profile", body='{"entries": [], "version": 0}'
    ),
    ("GET", "/v1/memory/users/{user_id:str}/sessions"): Call(method="GET", path=f"{_USER}/sessions"),
    ("DELETE", "/v1/memory/users/{user_id:str}/sessions/{session_id:str}"): Call(
        method="DELETE", path=f"{_USER}/sessions/{{session_id}}"
    ),
    ("GET", "/v1/memory/users/{user_id:str}/export"): Call(method="GET", path=f"{_USER}/export"),
    ("POST", "/v1/memory/import"): Call(
        method="POST", path="/v1/memory/import?user_id={user_id}", body=_HEADER, media="application/x-ndjson"
    ),
    ("DELETE", "/v1/memory/users/{user_id:str}"): Call(method="DELETE", path=_USER),
    ("GET", "/v1/admin/quarantine"): Call(
        method="GET", path="/v1/admin/quarantine", for_operators=True, names_user=False
    ),
    ("POST", "/v1/admin/quarantine/{entry_id:str}/release"): Call(
        method="POST", path=f"{_HELD}/release", for_operators=True, names_user=False
    ),
    ("DELETE", "/v1/admin/quarantine/{entry_id:str}"): Call(
        method="DELETE", path=_HELD, for_operators=True, names_user=False
    ),
}
"""What belongs to somebody: a new route must be put here (or into PUBLIC) before the tests pass again."""

OF_USERS = {route: call for route, call in OWNED.items() if not call.for_operators}
"""What a key without further rights may ask for."""


def listed_routes(settings: Settings, adapters: Adapters) -> set[tuple[str, str]]:
    """Return (method, path) of every route of the application."""
    services = GatewayContainer(**slots(settings, adapters)).services()
    app = create_app(services, body_limit=1024, loopback_only=False)
    while not isinstance(app, Litestar):  # beneath its middleware, which has no door of its own
        app = app._app  # type: ignore[attr-defined]
    listed: set[tuple[str, str]] = set()
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            listed |= {(method, route.path) for method in route.methods if method != "OPTIONS"}
        elif isinstance(route, ASGIRoute):
            listed.add(("POST", route.path))
    return listed
