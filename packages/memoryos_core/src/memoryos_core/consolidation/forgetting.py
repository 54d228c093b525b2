"""Forgetting: what is too old, and what is too much."""

from datetime import datetime

import msgspec

from memoryos_core.consolidation.fact_store import FactStore
from memoryos_core.consolidation.fence import Fence
from memoryos_core.consolidation.limits import Limits, expiry, facts_to_forget, segments_to_evict
from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.consolidation.profile import ProfileService
from memoryos_core.consolidation.segment_store import Cluster, SegmentStore
from memoryos_ports.clock import Clock
from memoryos_ports.cursor import Position, write_cursor
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Segment
from memoryos_ports.memory import MemoryStorage
from memoryos_ports.short_term import ShortTermStore

_PAGES_AT_ONCE = 200


class Forgetting:
    """Keeps a scope within its limits.

    An evicted segment loses summary and vector; its pages stay, and stay sorted. A page, a segment and a fact have
    their times each for itself: a fact outlives the turn that told it when it is to be kept longer.
    """

    def __init__(
        self,
        *,
        storage: MemoryStorage,
        short_term: ShortTermStore,
        segments: SegmentStore,
        facts: FactStore,
        profile: ProfileService,
        locks: ScopeLocks,
        clock: Clock,
        limits: Limits | None = None,
    ) -> None:
        self._storage = storage
        self._short_term = short_term
        self._segments = segments
        self._facts = facts
        self._profile = profile
        self._locks = locks
        self._clock = clock
        self._limits = limits or Limits()

    @property
    def is_timed(self) -> bool:
        """Whether time alone makes work."""
        return self._limits.expire

    async def tidy(self, scope: Scope, fence: Fence) -> None:
        """Forget what a scope has too much of. Raises what the ports raise, and LeaseLost."""
        now = self._clock.now()
        async with self._locks.of(scope):
            await fence.check()
            await self._forget_segments(scope, now)
            await self._forget_facts(scope, now)
            if self._limits.page_ttl_days:
                await self._forget_pages(scope, expiry(self._limits.page_ttl_days, now))

    async def _forget_segments(self, scope: Scope, now: datetime) -> None:
        doomed = segments_to_evict(await self._segments.all(scope), self._limits, now)
        await self._segments.save(scope, [self._evicted(segment) for segment in doomed])

    def _evicted(self, segment: Segment) -> Cluster:
        empty = msgspec.structs.replace(segment, text="", keywords=(), summarised=0, evicted=True)
        return Cluster(segment=empty, centroid=self._segments.empty_centroid)

    async def _forget_facts(self, scope: Scope, now: datetime) -> None:
        facts = await self._facts.all(scope)
        if doomed := facts_to_forget(facts, self._limits, now):
            await self._profile.refresh(scope, [fact for fact in facts if fact.id not in doomed])
            await self._facts.delete(scope, doomed)

    async def _forget_pages(self, scope: Scope, before: datetime) -> None:
        oldest = write_cursor(Position(before, before, 0, MemoryId("")))
        while pages := (await self._storage.list_memories(scope, limit=_PAGES_AT_ONCE, cursor=oldest)).memories:
            ids = [page.id for page in pages]
            await self._short_term.remove(scope, ids)
            await self._storage.delete(scope, ids)
