"""What is held back in a tenant: looked at, released or deleted by its operator."""

from datetime import datetime

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from memoryos_core.lifecycle.deletion import Deletion
from memoryos_core.lifecycle.editing import Editing
from memoryos_core.lifecycle.quarantine import HeldPage, Quarantine
from memoryos_gateway.routes.access import MemoryAccess
from memoryos_gateway.routes.memory_convert import checked_limit
from memoryos_gateway.routes.memory_items import MemoryItem, to_item
from memoryos_gateway.routes.memory_schema import DeleteAnswer
from memoryos_ports.errors import NotFound
from memoryos_ports.ids import TenantId
from memoryos_ports.memory import Page


class QuarantineItem(msgspec.Struct, frozen=True, kw_only=True):
    """A memory that is held back, and the rule that found it."""

    id: str
    user_id: str
    rule: str
    held_at: datetime
    memory: MemoryItem | None


class QuarantineList(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of what is held back."""

    items: list[QuarantineItem]
    next_cursor: str | None


@get("/v1/admin/quarantine")
async def list_quarantine(
    access: NamedDependency[MemoryAccess],
    quarantine: NamedDependency[Quarantine],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> QuarantineList:
    """List what is held back in the tenant."""
    tenant_id = access.whole_tenant("admin")
    listed = await quarantine.list_held(tenant_id, limit=checked_limit(limit), cursor=cursor)
    return QuarantineList(items=[_item(held) for held in listed.items], next_cursor=listed.next_cursor)


@post("/v1/admin/quarantine/{entry_id:str}/release", status_code=200)
async def release_memory(
    entry_id: FromPath[str],
    access: NamedDependency[MemoryAccess],
    quarantine: NamedDependency[Quarantine],
    editing: NamedDependency[Editing],
) -> MemoryItem:
    """Make a memory one like any other."""
    return to_item(await editing.release(await _held_page(quarantine, access.whole_tenant("admin"), entry_id)))


@delete("/v1/admin/quarantine/{entry_id:str}", status_code=200)
async def delete_quarantined(
    entry_id: FromPath[str],
    access: NamedDependency[MemoryAccess],
    quarantine: NamedDependency[Quarantine],
    deletion: NamedDependency[Deletion],
) -> DeleteAnswer:
    """Delete a memory that is held back, for good."""
    page = await _held_page(quarantine, access.whole_tenant("admin"), entry_id)
    return DeleteAnswer(deleted=list(await deletion.delete(page.scope, page.id, actor="admin")))


async def _held_page(quarantine: Quarantine, tenant_id: TenantId, entry_id: str) -> Page:
    held = await quarantine.get(tenant_id, entry_id)
    if held.page is None:
        raise NotFound("quarantined memory", entry_id)
    return held.page


def _item(held: HeldPage) -> QuarantineItem:
    return QuarantineItem(
        id=held.id,
        user_id=held.user_id,
        rule=held.rule,
        held_at=held.held_at,
        memory=None if held.page is None else to_item(held.page),
    )
