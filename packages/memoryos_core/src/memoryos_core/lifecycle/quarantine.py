"""Pages that look like an attack: kept apart until somebody has looked at them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec

from memoryos_core.lifecycle.registry import Stretch, read_place, write_place
from memoryos_core.safety.suspicion import find_instructions
from memoryos_ports.clock import Clock
from memoryos_ports.documents import DocumentStore
from memoryos_ports.errors import NotFound, UpstreamProtocolError
from memoryos_ports.ids import MemoryId, Scope, TenantId, UserId, digest, scope_key, tenant_scope
from memoryos_ports.memory import MemoryStorage, Page, only_pages

QUARANTINE_KIND = "quarantine"
RELEASED_KIND = "released"
"""Fingerprints of what an operator released. They hold no text, and stay through an erasure and an import."""

_AT_ONCE = 500

_READ_AT_ONCE_CHARS = 16 * 1024
"""Up to this size texts are read on the event loop: some ten milliseconds."""


class HeldPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page in quarantine: whose it is, which rule found it, since when. `page` is None when it is gone."""

    id: str
    user_id: UserId
    memory_id: MemoryId
    rule: str
    held_at: datetime
    page: Page | None = None


class _Note(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UserId
    memory_id: MemoryId
    rule: str
    held_at: datetime


_decoder = msgspec.json.Decoder(_Note)


class Quarantine:
    """The list of pages that are held back, for the operator of a tenant."""

    def __init__(self, *, documents: DocumentStore, storage: MemoryStorage, clock: Clock) -> None:
        self._documents = documents
        self._storage = storage
        self._clock = clock

    async def note(self, pages: Sequence[Page]) -> None:
        """Make known which of these pages, all of one scope and stored, are held back now."""
        held = [page for page in pages if page.quarantined]
        stored = await self._storage.get(held[0].scope, [page.id for page in held]) if held else []
        for page in only_pages(stored):
            if page.quarantined:  # and not released before this event came again
                await self._put(page)

    async def list_held(self, tenant_id: TenantId, *, limit: int, cursor: str | None = None) -> Stretch[HeldPage]:
        """Return what is held back in a tenant, in the order of its ids. Raises InvalidInput(param="cursor")."""
        home, after = tenant_scope(tenant_id), None if cursor is None else read_place(cursor)
        found = await self._documents.list_documents(home, QUARANTINE_KIND, limit=limit + 1, after=after)
        items = [await self._with_page(tenant_id, held.id, _read(held.body)) for held in found[:limit]]
        return Stretch(items=items, next_cursor=write_place(items[-1].id) if len(found) > limit else None)

    async def get(self, tenant_id: TenantId, id_: str) -> HeldPage:
        """Return one entry. Raises NotFound."""
        found = await self._documents.get(tenant_scope(tenant_id), QUARANTINE_KIND, [id_])
        if not found:
            raise NotFound("quarantined memory", id_)
        return await self._with_page(tenant_id, id_, _read(found[id_].body))

    async def note_release(self, page: Page) -> None:
        """Make known that what this page says was looked at and released."""
        body, home = _fingerprint(page), tenant_scope(page.scope.tenant_id)
        await self._documents.update(home, {(RELEASED_KIND, _key(page.scope, page.id)): lambda _: body})

    async def as_released(self, pages: Sequence[Page]) -> list[Page]:
        """Return pages of one scope as they may be kept: what was released here, and says the same, is not held."""
        held = {_key(page.scope, page.id): page for page in pages if page.quarantined}
        if not held:
            return list(pages)
        home = tenant_scope(pages[0].scope.tenant_id)
        known = await self._documents.get(home, RELEASED_KIND, list(held))
        released = {held[key].id for key, document in known.items() if document.body == _fingerprint(held[key])}
        return [msgspec.structs.replace(p, quarantined=False) if p.id in released else p for p in pages]

    async def drop(self, scope: Scope, ids: Sequence[MemoryId]) -> int:
        """Forget the entries of pages that are deleted or released; return how many there were."""
        keys = [_key(scope, id_) for id_ in ids]
        return await self._documents.delete(tenant_scope(scope.tenant_id), QUARANTINE_KIND, keys)

    async def drop_user(self, scope: Scope) -> int:
        """Forget every entry of a user; return how many there were."""
        home, prefix, dropped = tenant_scope(scope.tenant_id), f"{scope_key(scope)}:", 0
        while True:
            found = await self._documents.list_documents(home, QUARANTINE_KIND, limit=_AT_ONCE, after=prefix)
            mine = [document.id for document in found if document.id.startswith(prefix)]
            if not mine:
                return dropped
            dropped += await self._documents.delete(home, QUARANTINE_KIND, mine)

    async def _put(self, page: Page) -> None:
        note = _Note(
            user_id=page.scope.user_id,
            memory_id=page.id,
            rule=rule_against(page) or "edited",
            held_at=self._clock.now(),
        )
        body, home = msgspec.json.encode(note), tenant_scope(page.scope.tenant_id)
        await self._documents.update(home, {(QUARANTINE_KIND, _key(page.scope, page.id)): lambda known: known or body})

    async def _with_page(self, tenant_id: TenantId, id_: str, note: _Note) -> HeldPage:
        scope = Scope(tenant_id=tenant_id, user_id=note.user_id)
        pages = only_pages(await self._storage.get(scope, [note.memory_id]))
        return HeldPage(
            id=id_,
            user_id=note.user_id,
            memory_id=note.memory_id,
            rule=note.rule,
            held_at=note.held_at,
            page=pages[0] if pages else None,
        )


async def screened_pages(pages: Sequence[Page]) -> list[Page]:
    """Return pages as they may be kept; long ones are read beside the event loop."""
    if sum(len(page.text) for page in pages) < _READ_AT_ONCE_CHARS:
        return [screened(page) for page in pages]
    return await asyncio.to_thread(lambda: [screened(page) for page in pages])


def screened(page: Page) -> Page:
    """Return a page as it may be kept: held back when it came from outside a chat and gives orders to a model."""
    if page.quarantined or page.source == "chat" or rule_against(page) is None:
        return page
    return msgspec.structs.replace(page, quarantined=True)


def rule_against(page: Page) -> str | None:
    """Return the name of the rule by which a page looks like an attack, in what is said or in who is said to say it."""
    return find_instructions(page.text) or (find_instructions(page.name) if page.name else None)


def _key(scope: Scope, memory_id: MemoryId) -> str:
    return f"{scope_key(scope)}:{memory_id}"  # the first part has a fixed length; all of a user stand together


def _fingerprint(page: Page) -> bytes:
    return digest("released", scope_key(page.scope), page.id, page.text, page.name or "").hex().encode()


def _read(body: bytes) -> _Note:
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError as exc:
        raise UpstreamProtocolError(upstream="documents", detail="an entry that cannot be read") from exc
