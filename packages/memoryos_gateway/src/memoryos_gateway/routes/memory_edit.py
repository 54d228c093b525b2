"""Changing and deleting single memories, and what was done to them."""

from datetime import datetime
from typing import Any, Literal

import msgspec
from litestar import delete, get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from memoryos_core.lifecycle.deletion import Deletion
from memoryos_core.lifecycle.editing import Edit, Editing
from memoryos_core.lifecycle.history import History, MemoryChange
from memoryos_core.memory.library import Library
from memoryos_core.memory.limits import checked_content, checked_metadata
from memoryos_gateway.routes.access import MemoryAccess
from memoryos_gateway.routes.memory_items import MemoryItem, to_item
from memoryos_gateway.routes.memory_schema import DeleteAnswer
from memoryos_ports.errors import InvalidInput, NotFound
from memoryos_ports.ids import MemoryId


class PatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change. `metadata` replaces the whole of it; `user_id` as everywhere."""

    text: str | msgspec.UnsetType = msgspec.UNSET
    metadata: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    user_id: str | None = None


class HistoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """One change; the texts are null where there is none, and all of them once the memory is deleted."""

    change: Literal["ADD", "UPDATE", "SUPERSEDE", "DELETE"]
    old: str | None
    new: str | None
    actor: str
    time: datetime


class HistoryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to a memory, newest first."""

    items: list[HistoryItem]


@patch("/v1/memory/{memory_id:str}")
async def patch_memory(
    memory_id: FromPath[str],
    data: JSONBody[PatchRequest],
    access: NamedDependency[MemoryAccess],
    editing: NamedDependency[Editing],
    user_id: FromQuery[str | None] = None,
) -> MemoryItem:
    """Change a turn, or the statement of a fact, which nothing learnt replaces from then on."""
    scope = access.scope("memory:write", user_id if data.user_id is None else data.user_id)
    return to_item(await editing.edit(scope, MemoryId(memory_id), _edit(data)))


@delete("/v1/memory/{memory_id:str}", status_code=200)
async def delete_memory(
    memory_id: FromPath[str],
    access: NamedDependency[MemoryAccess],
    deletion: NamedDependency[Deletion],
    user_id: FromQuery[str | None] = None,
) -> DeleteAnswer:
    """Delete one memory for good; says what went with it, itself first."""
    scope = access.scope("memory:write", user_id)
    return DeleteAnswer(deleted=list(await deletion.delete(scope, MemoryId(memory_id))))


@get("/v1/memory/{memory_id:str}/history")
async def get_history(
    memory_id: FromPath[str],
    access: NamedDependency[MemoryAccess],
    library: NamedDependency[Library],
    history: NamedDependency[History],
    user_id: FromQuery[str | None] = None,
) -> HistoryAnswer:
    """Return what was done to a memory, newest first, also after it was deleted."""
    scope, id_ = access.scope("memory:read", user_id), MemoryId(memory_id)
    try:
        memory = await library.get(scope, id_)
    except NotFound:
        memory = None
    return HistoryAnswer(items=[_item(change) for change in await history.tell(scope, id_, memory)])


def _edit(request: PatchRequest) -> Edit:
    if request.text is msgspec.UNSET and request.metadata is msgspec.UNSET:
        raise InvalidInput("give text, metadata or both", param="text")
    return Edit(
        text=None if request.text is msgspec.UNSET else checked_content(request.text, "text"),
        metadata=None if request.metadata is msgspec.UNSET else checked_metadata(request.metadata),
    )


def _item(change: MemoryChange) -> HistoryItem:
    return HistoryItem(change=change.change, old=change.old, new=change.new, actor=change.actor, time=change.time)
