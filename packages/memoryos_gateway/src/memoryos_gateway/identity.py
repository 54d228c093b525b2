"""What the headers of a request say: the user, the session, the agent, the mode of memory."""

from typing import get_args

from litestar.types import Scope as AsgiScope

from memoryos_core.caller import Caller, MemoryMode
from memoryos_gateway.auth import Principal, named_user
from memoryos_gateway.http import header
from memoryos_ports.errors import InvalidInput
from memoryos_ports.ids import AgentId, EventId, Scope, SessionId, check_id

_MODES = get_args(MemoryMode)


def chat_caller(scope: AsgiScope, principal: Principal, body_user: str | None, *, field: str) -> Caller:
    """Return whose memory a chat uses; `field` is where its body names the user. With keys and no user: nobody's."""
    user, param = named_user(scope, body_user, field=field)
    user_id = principal.speak_for(user, param=param) or principal.default_user
    session_id, agent_id = header_id(scope, "X-Session-ID"), header_id(scope, "X-Agent-ID")
    return Caller(
        scope=Scope(tenant_id=principal.tenant_id, user_id=user_id) if user_id else None,
        tenant_id=principal.tenant_id,
        session_id=SessionId(session_id) if session_id else None,
        agent_id=AgentId(agent_id) if agent_id else None,
        mode=_mode(scope, principal.memory_mode),
    )


def idempotency_key(scope: AsgiScope) -> EventId | None:
    """Return the Idempotency-Key of a request, which becomes its event_id."""
    key = header_id(scope, "Idempotency-Key")
    return EventId(key) if key else None


def memory_scope(scope: AsgiScope, principal: Principal, named: str | None) -> Scope:
    """Return the scope of a memory request. Raises InvalidInput(param="user_id") when no user is known."""
    user, _ = named_user(scope, named, field="user_id")
    return Scope(tenant_id=principal.tenant_id, user_id=principal.must_speak_for(user))


def optional_id(value: str | None, param: str) -> str | None:
    """Return an id when it is given and valid. Raises InvalidInput."""
    return None if value is None else check_id(value, param=param)


def header_id(scope: AsgiScope, name: str) -> str | None:
    """Return the id in a header, None without it. Raises InvalidInput."""
    value = header(scope, name.lower().encode())
    return optional_id(value, name)


def _mode(scope: AsgiScope, allowed: MemoryMode) -> MemoryMode:
    asked = header(scope, b"x-memoryos-mode")
    if asked is None:
        return allowed
    if asked not in _MODES:
        raise InvalidInput(f"must be one of {', '.join(_MODES)}", param="X-MemoryOS-Mode")
    reads = asked in ("full", "read") and allowed in ("full", "read")
    writes = asked in ("full", "write") and allowed in ("full", "write")
    return "full" if reads and writes else "read" if reads else "write" if writes else "off"
