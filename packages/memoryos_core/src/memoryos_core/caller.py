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
            return f"{len(self.tenant_id)}:{self.tenant_id}"
        return f"{len(self.scope.tenant_id)}:{self.scope.tenant_id}/{self.scope.user_id}"
