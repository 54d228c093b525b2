"""Changing what is remembered: the text and metadata of a page, the statement of a fact."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.extraction.extract import find_value
from memoryos_core.lifecycle.derivatives import Amends, Forgets, Renews
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.history import History
from memoryos_core.lifecycle.quarantine import Quarantine, rule_against
from memoryos_core.lifecycle.refusals import Refusals, Span
from memoryos_core.memory.indexing import Indexer
from memoryos_core.memory.library import Library
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.safety.redaction import Redactor
from memoryos_ports.errors import InvalidInput, NotFound
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import IndexEntry, Memory, MemoryStorage, Page
from memoryos_ports.short_term import ShortTermStore


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change; None stays as it is. `metadata` replaces the whole of it."""

    text: str | None = None
    metadata: dict[str, Any] | None = None


class Learnt(Forgets, Amends, Protocol):
    """What was learnt, as an edit changes it."""


class Editing:
    """Edits memories in their place: ids stay, and what is delivered again later never reverts an edit.

    What is slow comes before the last look: an edit that an erasure did not wait for writes nothing.
    """

    def __init__(
        self,
        *,
        library: Library,
        storage: MemoryStorage,
        short_term: ShortTermStore,
        indexer: Indexer,
        derivatives: Learnt,
        backlog: Renews,
        history: History,
        quarantine: Quarantine,
        refusals: Refusals,
        gate: ScopeGate,
        locks: ScopeLocks,
        rules: SensitiveRules | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self._library = library
        self._storage = storage
        self._short_term = short_term
        self._indexer = indexer
        self._derivatives = derivatives
        self._backlog = backlog
        self._history = history
        self._quarantine = quarantine
        self._refusals = refusals
        self._gate = gate
        self._rules = rules or SensitiveRules()
        self._redactor = redactor or Redactor()
        self._locks = locks

    async def edit(self, scope: Scope, memory_id: MemoryId, edit: Edit, *, actor: str = "api") -> Memory:
        """Change a memory and return it; searchable by its new words on return.

        Raises NotFound when the scope has none of that id, InvalidInput for what cannot be changed, Conflict when the
        user is erased meanwhile.
        """
        async with self._gate.writing(scope), self._locks.of(scope):
            erasure = await self._refusals.erasure(scope)
            before = await self._library.get(scope, memory_id)
            match before:
                case Page():
                    return await self._edit_page(before, edit, actor, erasure)
                case Fact():
                    return await self._edit_fact(before, edit, actor)
                case Segment():
                    raise InvalidInput("a segment is made of its pages: edit these instead", param="memory_id")

    async def release(self, page: Page) -> Page:
        """Make a page that was held back one like any other."""
        async with self._gate.writing(page.scope), self._locks.of(page.scope):
            erasure = await self._refusals.erasure(page.scope)
            held = await self._library.get(page.scope, page.id)
            if not isinstance(held, Page):
                raise NotFound("memory", page.id)
            released = msgspec.structs.replace(held, quarantined=False)
            entries = await self._indexer.entries([released])
            await self._refusals.require_same(page.scope, erasure)
            await self._quarantine.note_release(released)
            await self._put(released, entries)
            await self._quarantine.drop(page.scope, [page.id])
            await self._learn_again(released)
            return released

    async def _edit_page(self, before: Page, edit: Edit, actor: str, erasure: Span | None) -> Page:
        text, sensitive = self._taken(before, edit)
        metadata = before.metadata if edit.metadata is None else edit.metadata
        after = msgspec.structs.replace(before, text=text, metadata=metadata, sensitive=sensitive)
        if text != before.text:
            after = _screened(after)
        entries = await self._indexer.entries([after]) if after != before else []
        await self._refusals.require_same(before.scope, erasure)
        if text != before.text:  # before the page itself: an edit that is cut short is then made again as a whole
            await self._learn_again(after)
            await self._note(after, old=before.text, actor=actor)
        if entries:
            await self._put(after, entries)
        await self._quarantine.note([after])
        return after

    async def _edit_fact(self, before: Fact, edit: Edit, actor: str) -> Fact:
        if edit.metadata is not None:
            raise InvalidInput("a fact has no metadata", param="metadata")
        text, sensitive = self._taken(before, edit)
        value = before.value if text == before.text else _value_of(before, text)
        edited = msgspec.structs.replace(before, text=text, value=value, pinned=True, sensitive=sensitive)
        after = await self._derivatives.amend(edited)
        if text != before.text:
            await self._note(after, old=before.text, actor=actor)
        return after

    def _taken(self, before: Page | Fact, edit: Edit) -> tuple[str, bool]:
        """Return the text as it will be, redacted, and whether it is sensitive, going by what was written."""
        if edit.text is None:
            return before.text, before.sensitive
        return self._redactor.redact(edit.text), before.sensitive or self._rules.match(edit.text)

    async def _put(self, page: Page, entries: Sequence[IndexEntry]) -> None:
        await self._storage.put(entries)
        await self._short_term.replace(page)

    async def _note(self, memory: Memory, *, old: str, actor: str) -> None:
        await self._history.note(memory.scope, memory.id, change="UPDATE", old=old, new=memory.text, actor=actor)

    async def _learn_again(self, page: Page) -> None:
        await self._derivatives.forget(page.scope, [page.id])
        if not page.is_hidden:
            await self._backlog.renew(page.scope, page.id, said_at=page.timestamp)


def _value_of(fact: Fact, text: str) -> str:
    """Return what fills the slot of a fact by its new text: what rules find there, else the whole text."""
    return (find_value(text, slot=fact.slot, subject=fact.subject) if fact.slot else None) or text


def _screened(page: Page) -> Page:
    """Return a page whose new text came by the memory interface, whatever the old one came by."""
    return msgspec.structs.replace(page, quarantined=page.quarantined or rule_against(page) is not None)
