"""The profile of a user."""

from litestar import get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from memoryos_core.consolidation.profile import ProfileService
from memoryos_core.lifecycle.profile_editing import ProfileEditing
from memoryos_gateway.routes.access import MemoryAccess
from memoryos_gateway.routes.profile_schema import ProfileAnswer, ProfileRequest, to_entries, to_profile_answer
from memoryos_ports.clock import Clock


@get("/v1/memory/users/{user_id:str}/profile")
async def get_profile(
    user_id: FromPath[str], access: NamedDependency[MemoryAccess], profile: NamedDependency[ProfileService]
) -> ProfileAnswer:
    """Return the profile, and the version that an edit of it must name."""
    return to_profile_answer(*await profile.read(access.scope_of("memory:read", user_id)))


@put("/v1/memory/users/{user_id:str}/profile")
async def put_profile(
    user_id: FromPath[str],
    data: JSONBody[ProfileRequest],
    access: NamedDependency[MemoryAccess],
    profile: NamedDependency[ProfileService],
    profile_editing: NamedDependency[ProfileEditing],
    clock: NamedDependency[Clock],
) -> ProfileAnswer:
    """Replace the entries: what is new or differs is pinned, and what is missing stays out."""
    scope = access.scope_of("memory:write", user_id)
    before, _ = await profile.read(scope)
    await profile_editing.write(scope, to_entries(data, before, now=clock.now()), data.version)
    return to_profile_answer(*await profile.read(scope))
