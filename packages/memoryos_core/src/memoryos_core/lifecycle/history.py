"""What was done to a memory: added, updated, superseded, deleted; the texts are cleared when it is deleted."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from memoryos_ports.clock import Clock
from memoryos_ports.documents import Change, DocumentStore
from memoryos_ports.errors import NotFound, UpstreamProtocolError
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.memory import Memory, Page

HISTORY_KIND = "history"
CHANGES_KEPT = 100
MAX_KEPT_CHARS = 2 * 1024 * 1024
"""How much text the history of one memory may hold; beyond it the oldest changes go, never the newest."""

CONSOLIDATION = "consolidation"
"""The actor of what was learnt, rather than said by somebody."""

ChangeKind: TypeAlias = Literal["ADD", "UPDATE", "SUPERSEDE", "DELETE"]


class MemoryChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of a memory's text. `actor` is who did it: a source (api, chat, ...), or ``consolidation``.

    `old` and `new` are None where there is no such text, and in what is left once the memory is deleted.
    """

    change: ChangeKind
    actor: str
    time: datetime
    old: str | None = None
    new: str | None = None


_Merge: TypeAlias = Callable[[list[MemoryChange]], list[MemoryChange]]

_decoder = msgspec.json.Decoder(list[MemoryChange])


class History:
    """Notes and tells what was done to memories. That a memory was added is told by itself, and not noted."""

    def __init__(self, *, documents: DocumentStore, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    async def note(
        self, scope: Scope, memory_id: MemoryId, *, change: ChangeKind, old: str | None, new: str | None, actor: str
    ) -> None:
        """Note a change; the same one right after itself (a step that was done again) is noted once."""
        noted = MemoryChange(change=change, old=old, new=new, actor=actor, time=self._clock.now())
        await self._update(scope, memory_id, lambda known: _appended(known, noted))

    async def note_deleted(self, scope: Scope, memory: Memory, *, actor: str) -> None:
        """Note that a memory was deleted: that it was there is remembered, its texts are not."""
        added = msgspec.structs.replace(_addition(memory), new=None)
        deleted = MemoryChange(change="DELETE", actor=actor, time=self._clock.now())
        await self._update(scope, memory.id, lambda known: _appended(_textless(_complete(known, added)), deleted))

    async def tell(self, scope: Scope, memory_id: MemoryId, memory: Memory | None) -> list[MemoryChange]:
        """Return the changes of a memory, newest first; `memory` is what it is now, None once it is deleted.

        Raises NotFound when there is neither a memory nor a change.
        """
        found = await self._documents.get(scope, HISTORY_KIND, [memory_id])
        known = read_changes(found[memory_id].body) if found else []
        if memory is None and not known:
            raise NotFound("memory", memory_id)
        return (known if memory is None else _complete(known, _addition(memory)))[::-1]

    async def touched(self, scope: Scope, ids: Sequence[MemoryId]) -> set[MemoryId]:
        """Return those of the memories to which something was done since they were added."""
        return {MemoryId(id_) for id_ in await self._documents.get(scope, HISTORY_KIND, ids)}

    async def _update(self, scope: Scope, memory_id: MemoryId, merge: _Merge) -> None:
        await self._documents.update(scope, {(HISTORY_KIND, memory_id): _change(merge)})


def read_changes(body: bytes) -> list[MemoryChange]:
    """Return the changes that a document holds, oldest first."""
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError as exc:
        raise UpstreamProtocolError(upstream="documents", detail="a history that cannot be read") from exc


def _change(merge: _Merge) -> Change:
    return lambda body: msgspec.json.encode(_bounded(merge([] if body is None else read_changes(body))))


def _addition(memory: Memory) -> MemoryChange:
    actor = memory.source if isinstance(memory, Page) else CONSOLIDATION
    return MemoryChange(change="ADD", actor=actor, time=memory.accepted_at, new=memory.text)


def _complete(known: list[MemoryChange], added: MemoryChange) -> list[MemoryChange]:
    """Return the changes with the addition before them, as it was then, unless it was noted itself."""
    if any(change.change == "ADD" for change in known):
        return known
    first = next((change.old for change in known if change.old is not None), added.new)
    return [msgspec.structs.replace(added, new=first), *known]


def _appended(known: list[MemoryChange], noted: MemoryChange) -> list[MemoryChange]:
    if known and msgspec.structs.replace(known[-1], time=noted.time) == noted:
        return known
    return [*known, noted]


def _textless(changes: Iterable[MemoryChange]) -> list[MemoryChange]:
    return [msgspec.structs.replace(change, old=None, new=None) for change in changes]


def _bounded(changes: list[MemoryChange]) -> list[MemoryChange]:
    kept, room = changes[-CHANGES_KEPT:], MAX_KEPT_CHARS
    for place in range(len(kept) - 1, -1, -1):
        room -= len(kept[place].old or "") + len(kept[place].new or "")
        if room < 0:
            return kept[place + 1 :] or kept[-1:]
    return kept
