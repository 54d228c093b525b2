"""Memories that are taken in together: embedded in one go, written insert-only."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from memoryos_core.consolidation.backlog import Backlog
from memoryos_core.consolidation.fact_store import EmbeddedFact, FactStore
from memoryos_core.consolidation.facts import KnownFact
from memoryos_core.consolidation.segment_store import Cluster
from memoryos_core.lifecycle.quarantine import Quarantine
from memoryos_core.lifecycle.registry import Registry
from memoryos_core.memory.indexing import Indexer
from memoryos_core.transfer.segments import SegmentRestorer
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Segment
from memoryos_ports.memory import IndexEntry, Memory, MemoryStorage, Page, only_pages
from memoryos_ports.short_term import ShortTermStore

BATCH_MEMORIES = 64
BATCH_CHARS = 1024 * 1024


class Batch:
    """What waits to be written, and which pages are in no segment so far."""

    def __init__(self) -> None:
        self.memories: list[Memory] = []
        self.unsorted: dict[MemoryId, datetime] = {}
        self._chars = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self.memories

    def is_full_for(self, memory: Memory) -> bool:
        """Return whether what is here must be written before this memory is added: one kind, and not too much."""
        return bool(self.memories) and (
            len(self.memories) >= BATCH_MEMORIES
            or self._chars + len(memory.text) > BATCH_CHARS
            or type(memory) is not type(self.memories[0])
        )

    def add(self, memory: Memory) -> None:
        """Add a memory."""
        self.memories.append(memory)
        self._chars += len(memory.text)

    def taken(self) -> list[Memory]:
        """Return what is here, each once, and begin anew."""
        memories = list({memory.id: memory for memory in reversed(self.memories)}.values())[::-1]
        self.memories, self._chars = [], 0
        return memories


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that only waits to be written: all its memories, those of them that are new, and what they become."""

    memories: Sequence[Memory]
    fresh: Sequence[Memory]
    pages: Sequence[IndexEntry] = ()
    facts: Sequence[EmbeddedFact] = ()
    segments: Sequence[Cluster] = ()


class BatchWriter:
    """Writes batches. What is there already, or was deleted here, stays as it is."""

    def __init__(
        self,
        *,
        storage: MemoryStorage,
        short_term: ShortTermStore,
        indexer: Indexer,
        quarantine: Quarantine,
        registry: Registry,
        facts: FactStore,
        segments: SegmentRestorer,
        backlog: Backlog,
    ) -> None:
        self._storage = storage
        self._short_term = short_term
        self._indexer = indexer
        self._quarantine = quarantine
        self._registry = registry
        self._facts = facts
        self._segments = segments
        self._backlog = backlog

    async def ready(self, scope: Scope, batch: Batch) -> Ready:
        """Take what a batch holds and embed what of it is new."""
        memories = await self._released(batch.taken())
        known = {memory.id for memory in await self._storage.get(scope, [memory.id for memory in memories])}
        fresh = [memory for memory in memories if memory.id not in known]
        facts = [memory for memory in fresh if isinstance(memory, KnownFact)]
        segments = [memory for memory in fresh if isinstance(memory, Segment)]
        return Ready(
            memories=memories,
            fresh=fresh,
            pages=await self._indexer.entries(only_pages(fresh)),
            facts=await self._facts.embedded(facts, self._facts.memo()),
            segments=await self._segments.completed(scope, segments) if segments else (),
        )

    async def write(self, scope: Scope, batch: Batch, ready: Ready) -> list[tuple[str, bool]]:
        """Write what is ready of a batch; return the kind of each memory, and whether it is new."""
        await self._put(scope, ready)
        there = {memory.id for memory in await self._storage.get(scope, [memory.id for memory in ready.memories])}
        added = {memory.id for memory in ready.fresh if memory.id in there}
        for memory in ready.fresh:
            if memory.id in added:
                _note_sorting(batch, memory)
        return [(_kind_of(memory), memory.id in added) for memory in ready.memories]

    async def finish(self, scope: Scope, batch: Batch) -> None:
        """Have the pages that came without a segment sorted like new ones."""
        pages = sorted(batch.unsorted.items(), key=lambda page: (page[1], page[0]))
        for start in range(0, len(pages), BATCH_MEMORIES):
            part = pages[start : start + BATCH_MEMORIES]
            await self._backlog.note(scope, [id_ for id_, _ in part], said_at=part[0][1])

    async def _released(self, memories: Sequence[Memory]) -> list[Memory]:
        """Return memories, of one kind, with the pages that an operator released here before not held back."""
        pages = only_pages(memories)
        return list(await self._quarantine.as_released(pages)) if pages else list(memories)

    async def _put(self, scope: Scope, ready: Ready) -> None:
        if pages := only_pages(ready.fresh):
            await self._storage.insert(ready.pages)
            await self._note_pages(scope, pages)
        await self._facts.write(scope, ready.facts)
        if ready.segments:
            await self._segments.restore(scope, ready.segments)

    async def _note_pages(self, scope: Scope, pages: Sequence[Page]) -> None:
        recent = [page for page in pages if not page.is_hidden and page.session_id is not None]
        await self._short_term.append(recent, indexed=True)
        await self._quarantine.note(pages)
        for session_id in dict.fromkeys(page.session_id for page in pages):
            times = [page.timestamp for page in pages if page.session_id == session_id]
            await self._registry.note_times(scope, session_id, times)


def _note_sorting(batch: Batch, memory: Memory) -> None:
    if isinstance(memory, Page) and not memory.is_hidden:
        batch.unsorted[memory.id] = memory.timestamp
    if isinstance(memory, Segment):
        for page in memory.pages:
            batch.unsorted.pop(page, None)


def _kind_of(memory: Memory) -> str:
    return str(memory.__struct_config__.tag)
