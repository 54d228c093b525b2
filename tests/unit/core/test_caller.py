"""Who asks, and under what name what is kept for a conversation is found again."""

from typing import Any

from memoryos_core.caller import Caller
from memoryos_ports.ids import Scope, TenantId, UserId


def test_every_user_and_every_tenant_is_an_owner_of_its_own() -> None:
    callers = [
        *(
            make_caller(tenant, user)
            for tenant, user in [("a", "b"), ("a", "c"), ("b", "b"), ("a/b", "c"), ("a", "b/c")]
        ),
        *(make_caller(tenant, None) for tenant in ("a", "b", "a/b", "1:a", "1:a/b")),
    ]
    assert len({caller.owner for caller in callers}) == len(callers)


def test_an_owner_is_the_same_in_every_conversation() -> None:
    one, other = make_caller("a", "b"), make_caller("a", "b", mode="read")
    assert one.owner == other.owner


def make_caller(tenant: str, user: str | None, **fields: Any) -> Caller:
    """Return a caller of a tenant, a user of it where one is named."""
    tenant_id = TenantId(tenant)
    scope = None if user is None else Scope(tenant_id=tenant_id, user_id=UserId(user))
    return Caller(scope=scope, tenant_id=tenant_id, **fields)
