"""What an export tells beside memories, put back where it was."""

from datetime import UTC, datetime
from typing import assert_never

import msgspec

from memoryos_core.chat.conversations import check_conversation
from memoryos_core.consolidation.profile import PROFILE_ID, PROFILE_KIND
from memoryos_core.lifecycle.history import HISTORY_KIND
from memoryos_core.memory.indexing import textless_entry
from memoryos_core.safety.suspicion import find_instructions
from memoryos_core.transfer.identity import Names
from memoryos_core.transfer.lines import ConversationLine, DeletedLine, HistoryLine, ProfileLine
from memoryos_ports.documents import DocumentStore
from memoryos_ports.errors import InvalidInput, VersionConflict
from memoryos_ports.ids import EventId, MemoryId, Scope
from memoryos_ports.memory import MemoryStorage, Page
from memoryos_ports.short_term import ShortTermStore

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class NoteWriter:
    """Writes documents that are not there yet; what is there stays as it is."""

    def __init__(self, *, documents: DocumentStore, storage: MemoryStorage, short_term: ShortTermStore) -> None:
        self._documents = documents
        self._storage = storage
        self._short_term = short_term

    async def write(
        self, scope: Scope, line: HistoryLine | DeletedLine | ConversationLine | ProfileLine, names: Names
    ) -> bool:
        """Put back what a line tells; return whether it was new. Raises InvalidInput for what cannot be.

        How conversations went, and what was deleted in them, is no matter of another user.
        """
        match line:
            case HistoryLine():
                if not line.changes:
                    raise InvalidInput("a history without changes", param="changes")
                return await self._create(scope, HISTORY_KIND, names.of(line.id), msgspec.json.encode(line.changes))
            case ProfileLine():
                return await self._write_profile(scope, line, names)
            case ConversationLine():
                check_conversation(line.part, bytes(line.value))
                return not names.moves and await self._create(scope, line.part, line.id, bytes(line.value))
            case DeletedLine():
                return not names.moves and await self._bury(scope, line.id)
            case _ as never:
                assert_never(never)

    async def _write_profile(self, scope: Scope, line: ProfileLine, names: Names) -> bool:
        for entry in line.profile.entries:
            if (rule := find_instructions(f"{entry.text}\n{entry.value}")) is not None:
                raise InvalidInput(f"it looks like an instruction to a model ({rule})", param="profile")
        entries = tuple(
            msgspec.structs.replace(
                entry,
                sources=tuple(map(names.of, entry.sources)),
                fact_id=None if entry.fact_id is None else names.of(entry.fact_id),
            )
            for entry in line.profile.entries
        )
        removed = tuple(map(names.of, line.profile.removed))
        body = msgspec.json.encode(msgspec.structs.replace(line.profile, entries=entries, removed=removed))
        return await self._create(scope, PROFILE_KIND, PROFILE_ID, body)

    async def _bury(self, scope: Scope, memory_id: MemoryId) -> bool:
        """Leave a tombstone under an id that nothing has."""
        if await self._storage.get(scope, [memory_id]) or await self._short_term.get(scope, [memory_id]):
            return False
        await self._storage.insert([textless_entry(_nothing(scope, memory_id))])
        await self._short_term.remove(scope, [memory_id])
        return bool(await self._storage.delete(scope, [memory_id]))

    async def _create(self, scope: Scope, kind: str, id_: str, body: bytes) -> bool:
        try:
            await self._documents.put(scope, kind, id_, body, expected_version=0)
        except VersionConflict:
            return False
        return True


def _nothing(scope: Scope, memory_id: MemoryId) -> Page:
    return Page(
        id=memory_id,
        scope=scope,
        event_id=EventId("deleted"),
        index=0,
        role="user",
        text="",
        timestamp=_LONG_AGO,
        accepted_at=_LONG_AGO,
        content_hash="",
    )
