"""Everything held of a user, line by line."""

from collections.abc import AsyncIterator, Sequence
from typing import get_args

import msgspec

from memoryos_core.consolidation.fact_store import FactStore
from memoryos_core.consolidation.profile import ProfileService
from memoryos_core.lifecycle.history import HISTORY_KIND, read_changes
from memoryos_core.lifecycle.preferences import Preferences
from memoryos_core.memory.library import Library
from memoryos_core.memory.recall import Recall
from memoryos_core.transfer.lines import (
    ConversationLine,
    ConversationPart,
    DeletedLine,
    Header,
    HistoryLine,
    MemoryLine,
    ProfileLine,
    SettingsLine,
    TurnRef,
    encode_memory,
    encode_note,
)
from memoryos_ports.clock import Clock
from memoryos_ports.documents import Document, DocumentStore
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.memory import Memory, MemoryKind, only_pages

_AT_ONCE = 200
_LISTED: tuple[MemoryKind, ...] = ("page", "segment")
_PARTS: tuple[ConversationPart, ...] = get_args(ConversationPart)


class Exporter:
    """Tells everything that is held of a user, in an order that depends on nothing else."""

    def __init__(
        self,
        *,
        library: Library,
        recall: Recall,
        documents: DocumentStore,
        facts: FactStore,
        profile: ProfileService,
        preferences: Preferences,
        clock: Clock,
    ) -> None:
        self._library = library
        self._recall = recall
        self._documents = documents
        self._facts = facts
        self._profile = profile
        self._preferences = preferences
        self._clock = clock

    async def lines(self, scope: Scope) -> AsyncIterator[bytes]:
        """Yield lines of JSON, each with its end: the header, then memories newest first, then what is about them.

        Turns that wait to be indexed are among the others; vectors are not told. Raises what the stores raise.
        """
        header = Header(tenant_id=scope.tenant_id, user_id=scope.user_id, exported_at=self._clock.now().isoformat())
        yield encode_note(header)
        async for memories in self._memories(scope):
            for line in await self._with_turns(scope, memories):
                yield encode_memory(line)
        async for document in self._documents_of(scope, HISTORY_KIND):
            for told in _history_lines(document):
                yield told
        for part in _PARTS:
            async for document in self._documents_of(scope, part):
                yield encode_note(ConversationLine(part=part, id=document.id, value=msgspec.Raw(document.body)))
        profile, version = await self._profile.read(scope)
        if version:
            yield encode_note(ProfileLine(profile=profile))
        yield encode_note(SettingsLine(remember=(await self._preferences.get(scope)).remember))

    async def _memories(self, scope: Scope) -> AsyncIterator[Sequence[Memory]]:
        for kind in _LISTED:
            async for memories in self._listed(scope, kind):
                yield memories
        yield await self._facts.all(scope)

    async def _listed(self, scope: Scope, kind: MemoryKind) -> AsyncIterator[Sequence[Memory]]:
        cursor = None
        while True:
            listed = await self._library.browse(scope, limit=_AT_ONCE, kind=kind, cursor=cursor)
            yield listed.memories
            if (cursor := listed.next_cursor) is None:
                return

    async def _with_turns(self, scope: Scope, memories: Sequence[Memory]) -> list[MemoryLine]:
        follows = {page.id: page.follows for page in only_pages(memories) if page.follows is not None}
        found = await self._recall.memories(scope, list(dict.fromkeys(follows.values())))
        turns = {page.id: TurnRef(event_id=page.event_id, index=page.index) for page in only_pages(found)}
        return [MemoryLine(memory=m, follows=turns.get(follows[m.id]) if m.id in follows else None) for m in memories]

    async def _documents_of(self, scope: Scope, kind: str) -> AsyncIterator[Document]:
        after = None
        while documents := await self._documents.list_documents(scope, kind, limit=_AT_ONCE, after=after):
            for document in documents:
                yield document
            after = documents[-1].id


def _history_lines(document: Document) -> list[bytes]:
    id_, changes = MemoryId(document.id), read_changes(document.body)
    told = encode_note(HistoryLine(id=id_, changes=changes))
    return [told, encode_note(DeletedLine(id=id_))] if changes[-1].change == "DELETE" else [told]
