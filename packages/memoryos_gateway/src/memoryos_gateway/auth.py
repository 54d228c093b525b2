"""Who calls: the tenant behind a key, what the key may do, and which user it speaks for."""

import hashlib
from collections.abc import Sequence

import msgspec
from litestar.types import Scope as AsgiScope

from memoryos_adapters.settings import ALL_KEY_SCOPES, AuthKeySettings, KeyScope
from memoryos_core.caller import MemoryMode
from memoryos_gateway.http import header
from memoryos_ports.errors import InvalidInput, PermissionDenied, Unauthenticated
from memoryos_ports.ids import DEFAULT_TENANT, TenantId, UserId, check_id

USER_HEADER = b"x-user-id"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """An authenticated caller.

    `user_id` is the one user a key is bound to, `default_user` the one that a chat without a user belongs to.
    `models` are the names that the key may use, a ``*`` at the end standing for any end; empty: every one.
    """

    tenant_id: TenantId
    user_id: UserId | None = None
    default_user: UserId | None = None
    scopes: frozenset[KeyScope] = frozenset(ALL_KEY_SCOPES)
    memory_mode: MemoryMode = "full"
    models: tuple[str, ...] = ()

    def require(self, scope: KeyScope) -> None:
        """Raise PermissionDenied unless the key has this scope."""
        if scope not in self.scopes:
            raise PermissionDenied(f"this key has no scope {scope!r}")

    def may_use(self, *names: str) -> bool:
        """Return whether the key has a right to a model that goes by these names: the client's word, PROVIDER/MODEL."""
        return not self.models or any(_fits(name, pattern) for name in names for pattern in self.models)

    def speak_for(self, user: str | None, *, param: str) -> UserId | None:
        """Return the user that a request speaks for, None when it names none and the key is bound to none.

        Raises InvalidInput for a malformed id, PermissionDenied when the key is bound to another user.
        """
        if user is None:
            return self.user_id
        user_id = UserId(check_id(user, param=param))
        if self.user_id is not None and user_id != self.user_id:
            raise PermissionDenied("this key does not speak for that user", param=param)
        return user_id

    def must_speak_for(self, user: str | None) -> UserId:
        """Return the user of a memory request. Raises InvalidInput(param="user_id") when there is none."""
        user_id = self.speak_for(user, param="user_id")
        if user_id is None:
            raise InvalidInput("user_id is required", param="user_id")
        return user_id


class Authenticator:
    """Finds the principal of a request by the SHA-256 of its bearer key; without keys, everybody is `default`."""

    def __init__(self, keys: Sequence[AuthKeySettings]) -> None:
        self._principals = {key.key_sha256: _principal(key) for key in keys}
        self._anyone = Principal(tenant_id=DEFAULT_TENANT, default_user=UserId("default"))

    @property
    def is_open(self) -> bool:
        """Whether no key is configured, so that only loopback is served."""
        return not self._principals

    def authenticate(self, scope: AsgiScope) -> Principal:
        """Return who sent a request. Raises Unauthenticated for a missing or unknown key."""
        if self.is_open:
            return self._anyone
        kind, _, key = (header(scope, b"authorization") or "").partition(" ")
        if kind.lower() != "bearer" or not key:
            raise Unauthenticated("You didn't provide an API key.")
        principal = self._principals.get(hashlib.sha256(key.strip().encode()).hexdigest())
        if principal is None:
            raise Unauthenticated
        return principal


def named_user(scope: AsgiScope, body_user: str | None, *, field: str) -> tuple[str | None, str]:
    """Return the user that a request names, the header before the body (its `field`), and where it stood."""
    if (user := header(scope, USER_HEADER)) is not None:
        return user, "X-User-ID"
    return body_user, field


def _principal(key: AuthKeySettings) -> Principal:
    return Principal(
        tenant_id=TenantId(key.tenant),
        user_id=UserId(key.user) if key.user else None,
        scopes=frozenset(key.scopes),
        memory_mode=key.memory_mode,
        models=key.models,
    )


def _fits(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
