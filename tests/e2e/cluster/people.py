"""Who writes in the cluster tests: users of two tenants, the same names in both."""

import hashlib

import msgspec

TENANTS = ("default", "acme")
KEYS = {tenant: f"sk-{tenant}" for tenant in TENANTS}

_SCOPES = '["chat", "memory:read", "memory:write", "memory:erase", "admin"]'


class Who(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A user of a tenant."""

    user_id: str
    tenant: str = "default"

    @property
    def headers(self) -> dict[str, str]:
        """What a client of this user sends with every request."""
        return {"authorization": f"Bearer {KEYS[self.tenant]}", "x-user-id": self.user_id}


def people(occasion: str) -> tuple[Who, ...]:
    """Return users that only this occasion has: the same two names in each tenant."""
    return tuple(Who(user_id=f"{occasion}-{name}", tenant=tenant) for name in ("ana", "ben") for tenant in TENANTS)


def keys_as_toml() -> str:
    """Return the configuration of the keys."""
    return "".join(
        f'[[auth.keys]]\nkey_sha256 = "{hashlib.sha256(key.encode()).hexdigest()}"\n'
        f'tenant = "{tenant}"\nscopes = {_SCOPES}\n'
        for tenant, key in KEYS.items()
    )
