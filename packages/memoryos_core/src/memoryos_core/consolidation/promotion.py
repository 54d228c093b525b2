"""Promotion: what hot segments have to say becomes facts, and the profile that is made of them."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from memoryos_core.consolidation.fence import Fence
from memoryos_core.consolidation.heat import heat
from memoryos_core.consolidation.learning import Learner, Learnt
from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.consolidation.memo import Memo
from memoryos_core.consolidation.own_pages import own_pages
from memoryos_core.consolidation.recording import Recorder
from memoryos_core.consolidation.segment_store import SegmentStore
from memoryos_ports.clock import Clock
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Segment
from memoryos_ports.memory import MemoryStorage

HEAT_THRESHOLD = 5.0
"""The heat τ from which a segment is promoted (MemoryOS paper, section 3)."""

SEGMENTS_AT_ONCE = 8
"""How many segments of a scope are promoted before anybody else's turn."""


class Promoted(msgspec.Struct, frozen=True, kw_only=True):
    """`more`: there may be hot segments left. `refused`: the model did not answer about some and is asked later."""

    more: bool
    refused: bool


class Promoter:
    """Promotes what is hot: facts and profile first, the segment's own mark last."""

    def __init__(
        self,
        *,
        storage: MemoryStorage,
        segments: SegmentStore,
        recorder: Recorder,
        learner: Learner,
        locks: ScopeLocks,
        clock: Clock,
        threshold: float = HEAT_THRESHOLD,
    ) -> None:
        self._storage = storage
        self._segments = segments
        self._recorder = recorder
        self._learner = learner
        self._locks = locks
        self._clock = clock
        self._threshold = threshold

    async def promote(self, scope: Scope, fence: Fence) -> Promoted:
        """Promote the hottest segments of a scope. Raises what the ports raise, and LeaseLost."""
        now = self._clock.now()
        hot = self._hot(await self._segments.all(scope), now)
        outcomes = [await self._promote_one(segment, fence) for segment in hot[:SEGMENTS_AT_ONCE]]
        return Promoted(more=bool(hot), refused=not all(outcomes))

    def _hot(self, segments: Collection[Segment], now: datetime) -> list[Segment]:
        """Return what is hot and has something to tell, the hottest first."""
        warmth = {s.id: heat(s, now) for s in segments}
        hot = [s for s in segments if warmth[s.id] >= self._threshold and self._learner.wants(s)]
        return sorted(hot, key=lambda segment: (-warmth[segment.id], segment.id))

    async def _promote_one(self, segment: Segment, fence: Fence) -> bool:
        """Learn from a portion of a segment's pages; return whether the model answered."""
        pages = await own_pages(self._storage, segment.scope, segment.pending)
        learnt = await self._learner.learn(segment, pages) if pages else Learnt(pages=(), statements=())
        if learnt is None:
            return False
        unread = {page.id for page in pages} - {page.id for page in learnt.pages}
        memo, read = self._segments.memo(), {page.id: page for page in learnt.pages}
        await self._recorder.read_ahead(segment.scope, read, learnt.statements, memo)
        async with self._locks.of(segment.scope):
            fresh = await self._segments.get(segment.scope, [segment.id])
            if fresh:
                await self._keep(fresh[0], learnt, set(segment.pending) - unread, fence, memo)
        return True

    async def _keep(self, segment: Segment, learnt: Learnt, done: set[MemoryId], fence: Fence, memo: Memo) -> None:
        """Write what was learnt from the pages that were not forgotten meanwhile."""
        pages = {page.id: page for page in learnt.pages if page.id in segment.pending}
        await self._recorder.record(segment.scope, pages, learnt.statements, fence, memo)
        await self._segments.put(segment.scope, [_analysed(segment, learnt, done)])


def _analysed(segment: Segment, learnt: Learnt, done: set[MemoryId]) -> Segment:
    """Return the segment with these pages done; what a model wrote of them goes behind what it wrote before."""
    read = [page for page in learnt.pages if page.id in segment.pages and page.id in done]
    pending = tuple(id_ for id_ in segment.pending if id_ not in done)
    if not learnt.summary or len(read) < len(learnt.pages):
        return msgspec.structs.replace(segment, pending=pending)
    before = f"{segment.text}\n" if segment.summarised else ""
    return msgspec.structs.replace(
        segment, pending=pending, text=before + learnt.summary, summarised=segment.summarised + len(read)
    )
