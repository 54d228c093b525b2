"""Visits of segments: that pages of theirs entered a prompt. Gathered in memory; what a crash takes of them is lost."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec

from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.consolidation.places import Places
from memoryos_core.consolidation.segment_store import SegmentStore
from memoryos_ports.clock import Clock
from memoryos_ports.due import DueSet
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.knowledge import Segment

MAX_PROMPTS = 10_000
"""How many prompts are kept in mind at most, should the stores be down; more are not counted."""


class Visits:
    """Counts a visit for each segment of which pages entered a prompt, once per prompt."""

    def __init__(self, *, segments: SegmentStore, places: Places, due: DueSet, locks: ScopeLocks, clock: Clock) -> None:
        self._segments = segments
        self._places = places
        self._due = due
        self._locks = locks
        self._clock = clock
        self._prompts: dict[Scope, list[tuple[MemoryId, ...]]] = {}

    def note(self, scope: Scope, pages: Sequence[MemoryId]) -> None:
        """Note that these pages entered a prompt; never waits, never fails."""
        if pages and sum(map(len, self._prompts.values())) < MAX_PROMPTS:
            self._prompts.setdefault(scope, []).append(tuple(pages))

    async def flush(self) -> None:
        """Count what was noted; a scope of which segments were visited is due, since they may be hot now.

        Raises what the stores raise; what was noted of the other scopes is kept then.
        """
        while self._prompts:
            scope, prompts = self._prompts.popitem()
            await self._count(scope, prompts)

    async def _count(self, scope: Scope, prompts: Sequence[Sequence[MemoryId]]) -> None:
        now = self._clock.now()
        async with self._locks.of(scope):
            visits = await self._visits(scope, prompts)
            visited = await self._segments.get(scope, list(visits))
            await self._segments.put(
                scope, [_visited(segment, visits[segment.id], now) for segment in visited if not segment.evicted]
            )
        if visited:
            await self._due.add(scope, at=now)

    async def _visits(self, scope: Scope, prompts: Sequence[Sequence[MemoryId]]) -> Counter[MemoryId]:
        places = await self._places.get(scope, list({page: None for prompt in prompts for page in prompt}))
        per_prompt = [{places[page].segment for page in prompt} for prompt in prompts]
        return Counter(segment for segments in per_prompt for segment in segments if segment)


def _visited(segment: Segment, visits: int, now: datetime) -> Segment:
    return msgspec.structs.replace(segment, visits=segment.visits + visits, last_visit=max(segment.last_visit, now))
