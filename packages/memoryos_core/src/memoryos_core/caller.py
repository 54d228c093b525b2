"""Who asks, and what memory may do for them."""

from typing import Literal, TypeAlias

import msgspec

from memoryos_ports.ids import AgentId, Scope, SessionId

MemoryMode: TypeAlias = Literal["full", "read", "write", "off"]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The scope a request speaks for (None: no user is known), and the conversation it names, if it names one."""

    scope: Scope | None
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
