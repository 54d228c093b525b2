"""How much is kept, and for how long. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from memoryos_core.consolidation.facts import KnownFact
from memoryos_core.consolidation.heat import heat
from memoryos_ports.ids import MemoryId
from memoryos_ports.knowledge import Segment


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Days for which a turn, a fact or a segment is kept after it was last said or visited (0: for ever), and numbers.

    Pages are never given up for their number.
    """

    page_ttl_days: int = 0
    fact_ttl_days: int = 0
    segment_ttl_days: int = 0
    max_segments: int = 200
    max_facts: int = 1000

    @property
    def expire(self) -> bool:
        """Whether time alone ends anything."""
        return bool(self.page_ttl_days or self.fact_ttl_days or self.segment_ttl_days)


def segments_to_evict(segments: Iterable[Segment], limits: Limits, now: datetime) -> list[Segment]:
    """Return the segments that are too old, and, beyond the number that is kept, the coldest.

    The newest tenth of those kept is spared: a newcomer nobody could visit yet is not the one to go.
    """
    live = [segment for segment in segments if not segment.evicted]
    old = [s for s in live if _is_older(max(s.timestamp, s.last_visit), limits.segment_ttl_days, now)]
    rest = sorted((s for s in live if s not in old), key=lambda s: (s.accepted_at, s.id), reverse=True)
    spared = max(1, limits.max_segments // 10)
    coldest = sorted(rest[spared:], key=lambda s: (heat(s, now), s.timestamp, s.id))
    return old + coldest[: max(0, len(rest) - limits.max_segments)]


def facts_to_forget(facts: Sequence[KnownFact], limits: Limits, now: datetime) -> list[MemoryId]:
    """Return the facts that are too old, and, beyond the number that is kept, those that ended, then the oldest.

    Age counts from the last confirmation; of equally old ones the less certain go first. Pinned ones stay.
    """
    loose = [fact for fact in facts if not fact.pinned]
    old = [fact for fact in loose if _is_older(_last_said(fact), limits.fact_ttl_days, now)]
    rest = sorted((f for f in loose if f not in old), key=lambda f: (_is_current(f), _last_said(f), f.confidence, f.id))
    excess = len(facts) - len(old) - limits.max_facts
    return [fact.id for fact in (*old, *rest[: max(0, excess)])]


def expiry(days: int, now: datetime) -> datetime:
    """Return the moment before which things are too old."""
    return now - timedelta(days=days)


def _is_older(moment: datetime, days: int, now: datetime) -> bool:
    return days > 0 and moment < expiry(days, now)


def _last_said(fact: KnownFact) -> datetime:
    return max(fact.confirmed_at, fact.valid_to or fact.confirmed_at)


def _is_current(fact: KnownFact) -> bool:
    return fact.valid_to is None and fact.superseded_by is None
