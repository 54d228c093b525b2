"""Listing memories of a kind, newest first, from a shard of the in-process Qdrant engine.

The engine orders by one field only. So the memories of one timestamp, few as a rule, are read together and ordered
here.
"""

from datetime import datetime

from qdrant_edge import (
    Direction,
    EdgeShard,
    FieldCondition,
    Filter,
    MatchValue,
    OrderBy,
    RangeDateTime,
    ScrollRequest,
)

from memoryos_adapters.storage.payload import read_position
from memoryos_ports.cursor import Position
from memoryos_ports.ids import MemoryId, SessionId

_POSITION_FIELDS = ["timestamp", "accepted_at", "index"]
_ALL = 2**31


class Listing:
    """The memories under one `kind_key`, or of one session of them, in a shard."""

    def __init__(self, shard: EdgeShard, key: str, session_id: SessionId | None) -> None:
        self._shard = shard
        self._conditions = [FieldCondition("list_scope", match=MatchValue(key))]
        if session_id is not None:
            self._conditions.append(FieldCondition("session_id", match=MatchValue(session_id)))

    def newest(self, limit: int, *, after: Position | None) -> list[Position]:
        """Return up to `limit` positions, newest first, of the memories that come after `after` in the listing."""
        if after is None:
            return self._newest(limit)
        tied = sorted((position for position in self._at(after.timestamp) if position < after), reverse=True)
        older = RangeDateTime(lt=after.timestamp.isoformat())
        return (tied + self._newest(limit, when=older))[:limit]

    def _newest(self, limit: int, *, when: RangeDateTime | None = None) -> list[Position]:
        # One more than asked for shows whether the last timestamp goes on beyond what the engine returned.
        found = {*self._read(limit + 1, when, OrderBy("timestamp", Direction.Desc))}
        if len(found) > limit:
            oldest, second = sorted(found)[:2]
            if oldest.timestamp == second.timestamp:
                found |= {*self._at(oldest.timestamp)}
        return sorted(found, reverse=True)[:limit]

    def _at(self, timestamp: datetime) -> list[Position]:
        moment = timestamp.isoformat()
        return self._read(_ALL, RangeDateTime(gte=moment, lte=moment), None)

    def _read(self, limit: int, when: RangeDateTime | None, order: OrderBy | None) -> list[Position]:
        during = [] if when is None else [FieldCondition("timestamp", range=when)]
        wanted = Filter(must=[*self._conditions, *during])
        request = ScrollRequest(limit=limit, filter=wanted, with_payload=_POSITION_FIELDS, order_by=order)
        records, _ = self._shard.scroll(request)
        return [read_position(MemoryId(str(record.id)), record.payload or {}) for record in records]
