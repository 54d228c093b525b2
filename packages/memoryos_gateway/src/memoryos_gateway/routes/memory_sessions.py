"""The sessions of a user: which there are, and forgetting one."""

from datetime import datetime

import msgspec
from litestar import delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from memoryos_core.lifecycle.registry import Registry
from memoryos_core.lifecycle.sessions import Sessions
from memoryos_gateway.routes.access import MemoryAccess
from memoryos_gateway.routes.memory_convert import checked_limit
from memoryos_ports.ids import SessionId, check_id


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation; the times are those of what was said in it."""

    session_id: str
    first_at: datetime
    last_at: datetime


class SessionList(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the sessions, in the order of their ids."""

    items: list[Session]
    next_cursor: str | None


class ForgetAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What went with a conversation: the ids of memories, and how many events that waited or were dead."""

    deleted: list[str]
    events: int


@get("/v1/memory/users/{user_id:str}/sessions")
async def list_sessions(
    user_id: FromPath[str],
    access: NamedDependency[MemoryAccess],
    registry: NamedDependency[Registry],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> SessionList:
    """List the sessions of a user."""
    scope = access.scope_of("memory:read", user_id)
    listed = await registry.sessions(scope, limit=checked_limit(limit), cursor=cursor)
    items = [
        Session(session_id=entry.id, first_at=entry.activity.first_at, last_at=entry.activity.last_at)
        for entry in listed.items
    ]
    return SessionList(items=items, next_cursor=listed.next_cursor)


@delete("/v1/memory/users/{user_id:str}/sessions/{session_id:str}", status_code=200)
async def forget_session(
    user_id: FromPath[str],
    session_id: FromPath[str],
    access: NamedDependency[MemoryAccess],
    sessions: NamedDependency[Sessions],
) -> ForgetAnswer:
    """Forget a conversation: its turns, what was learnt from them alone, and how it went."""
    scope = access.scope_of("memory:write", user_id)
    forgotten = await sessions.forget(scope, SessionId(check_id(session_id, param="session_id")))
    return ForgetAnswer(deleted=list(forgotten.deleted), events=forgotten.events)
