"""Who asks, and what memory may do for them."""

from typing import Literal, TypeAlias

import msgspec

from memoryos_ports.ids import DEFAULT_TENANT, AgentId, Scope, SessionId, TenantId

MemoryMode: TypeAlias = Literal["full", "read", "write", "off"]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The scope a request speaks for (None: no user is known), and the conversation it names, if it names one.

    `tenant_id` is that of the scope where there is one.
    """

    scope: Scope | None
    tenant_id: TenantId = DEFAULT_TENANT
    session_id: SessionId | None = None
    agent_id: AgentId | None = None
    mode: MemoryMode = "full"

    @property
    def reads(self) -> bool:
        """Whether memory may be recalled for this request."""
        return self.mode in ("full", "read")

    @property
    def writes(self) -> bool:
        """Whether this request may be remembered."""
        return self.mode in ("full", "write")

    @property
    def owner(self) -> str:
        """An opaque name of whose conversation this is: of the user, else of the tenant."""
        if self.scope is None:
            return _tenant(self.tenant_id)
        return owner_of(self.scope)


def owner_of(scope: Scope) -> str:
    """Return the opaque name under which adapters keep something of a user's conversations."""
    return f"{_tenant(scope.tenant_id)}/{scope.user_id}"


def _tenant(tenant_id: TenantId) -> str:
    """Its length goes before it, so that no tenant and user run together into another's name."""
    return f"{len(tenant_id)}:{tenant_id}"
