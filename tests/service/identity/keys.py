"""The keys of the gateway under test, and how a caller shows one."""

import hashlib

from memoryos_adapters.settings import AuthKeySettings, KeyScope

_MEMORY: tuple[KeyScope, ...] = ("chat", "memory:read", "memory:write", "memory:erase")


def _key(
    secret: str, *, tenant: str = "acme", user: str | None = None, scopes: tuple[KeyScope, ...] = _MEMORY
) -> AuthKeySettings:
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return AuthKeySettings(tenant=tenant, key_sha256=digest, user=user, scopes=scopes)


KEYS = (
    _key("sk-acme"),
    _key("sk-other", tenant="other"),
    _key("sk-ana", user="ana"),
    _key("sk-ben", user="ben"),
    _key("sk-chat", scopes=("chat",)),
    _key("sk-read", scopes=("memory:read",)),
    _key("sk-write", scopes=("memory:write",)),
    _key("sk-operator", scopes=("admin",)),
    _key("sk-other-operator", tenant="other", scopes=("admin",)),
    _key("sk-ana-operator", user="ana", scopes=("admin",)),
    _key("sk-erase", scopes=("memory:erase", "admin")),
)


def bearer(secret: str, **headers: str) -> dict[str, str]:
    """Return the headers of a caller with this key; underscores in further names stand for dashes."""
    return {"authorization": f"Bearer {secret}", **{name.replace("_", "-"): value for name, value in headers.items()}}
