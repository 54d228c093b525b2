"""The users of a tenant: who there is, what each has chosen, and erasing one."""

from datetime import datetime

import msgspec
from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from memoryos_core.lifecycle.erasure import Erasure, ErasureReceipt
from memoryos_core.lifecycle.preferences import Preferences, UserSettings
from memoryos_core.lifecycle.registry import Entry, Registry
from memoryos_gateway.routes.access import MemoryAccess
from memoryos_gateway.routes.memory_convert import checked_limit


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user who is remembered; the times are those of what was said."""

    user_id: str
    first_at: datetime
    last_at: datetime


class UserList(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the users, in the order of their ids."""

    items: list[User]
    next_cursor: str | None


class SettingsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user chooses: whether anything more is remembered."""

    remember: bool


@get("/v1/memory/users")
async def list_users(
    access: NamedDependency[MemoryAccess],
    registry: NamedDependency[Registry],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> UserList:
    """List the users of the tenant; a key that is bound to a user sees that one only."""
    principal = access.tenant("memory:read")
    wanted = checked_limit(limit)
    if (own := access.own_scope()) is not None:
        entry = await registry.user(own)
        return UserList(items=[_user(entry)] if entry else [], next_cursor=None)
    listed = await registry.users(principal, limit=wanted, cursor=cursor)
    return UserList(items=[_user(entry) for entry in listed.items], next_cursor=listed.next_cursor)


@get("/v1/memory/users/{user_id:str}/settings")
async def get_settings(
    user_id: FromPath[str], access: NamedDependency[MemoryAccess], preferences: NamedDependency[Preferences]
) -> UserSettings:
    """Return what a user has chosen."""
    return await preferences.get(access.scope_of("memory:read", user_id))


@put("/v1/memory/users/{user_id:str}/settings")
async def put_settings(
    user_id: FromPath[str],
    data: JSONBody[SettingsRequest],
    access: NamedDependency[MemoryAccess],
    preferences: NamedDependency[Preferences],
) -> UserSettings:
    """Choose whether anything more is remembered; what is known stays and is still recalled."""
    return await preferences.put(access.scope_of("memory:write", user_id), UserSettings(remember=data.remember))


@delete("/v1/memory/users/{user_id:str}", status_code=200)
async def erase_user(
    user_id: FromPath[str], access: NamedDependency[MemoryAccess], erasure: NamedDependency[Erasure]
) -> ErasureReceipt:
    """Erase a user everywhere. Repeat it while the receipt says `partial`."""
    return await erasure.erase(access.scope_of("memory:erase", user_id))


def _user(entry: Entry) -> User:
    return User(user_id=entry.id, first_at=entry.activity.first_at, last_at=entry.activity.last_at)
