"""Reading memories of an index by their ids, listing and counting them, on whichever Qdrant engine.

The engine orders by one field only. So the memories of one timestamp, few as a rule, are read together and ordered
here.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from memoryos_adapters.storage.conditions import Clause, PointCondition, during, equals
from memoryos_adapters.storage.payload import kind_key, read_memory, read_position
from memoryos_adapters.storage.requests import Count, Payload, Plan, Retrieve, Scroll, ask
from memoryos_ports.cursor import Position, read_cursor, write_cursor
from memoryos_ports.ids import MemoryId, Scope, SessionId, scope_key
from memoryos_ports.memory import Memory, MemoryKind, MemoryList

_POSITION_FIELDS = ("timestamp", "accepted_at", "index")


def get(scope: Scope, ids: Sequence[MemoryId]) -> Plan[list[Memory]]:
    """Return the memories that exist, in the order asked for."""
    payloads = yield from owned(scope, ids, None)
    found = {id: read_memory(payload) for id, payload in payloads.items() if "page" in payload}
    return [found[id] for id in ids if id in found]


def list_memories(
    scope: Scope, kind: MemoryKind, limit: int, cursor: str | None, session_id: SessionId | None
) -> Plan[MemoryList]:
    """Return a stretch of the listing."""
    after = None if cursor is None else read_cursor(cursor)
    positions = yield from _Listing(kind_key(scope, kind), session_id).newest(limit + 1, after=after)
    memories = yield from get(scope, [position.id for position in positions[:limit]])
    next_cursor = write_cursor(positions[limit - 1]) if len(positions) > limit else None
    return MemoryList(memories=tuple(memories), next_cursor=next_cursor)


def count(scope: Scope, kind: MemoryKind) -> Plan[int]:
    """Return how many memories of a kind exist."""
    return (yield from ask(Count(wanted=Clause(must=(equals("list_scope", kind_key(scope, kind)),)))))


def owned(scope: Scope, ids: Iterable[MemoryId], fields: tuple[str, ...] | None) -> Plan[dict[MemoryId, Payload]]:
    """Return the payloads of points of the scope among `ids`, in their order, each once; `scope` is a field of all."""
    asked = [id for id in dict.fromkeys(ids) if _is_point_id(id)]
    payloads: dict[str, Payload] = (yield from ask(Retrieve(ids=asked, fields=fields))) if asked else {}
    key = scope_key(scope)
    return {id: payloads[id] for id in asked if id in payloads and payloads[id]["scope"] == key}


class _Listing:
    """The memories under one `kind_key`, or of one session of them."""

    def __init__(self, key: str, session_id: SessionId | None) -> None:
        self._conditions: list[PointCondition] = [equals("list_scope", key)]
        if session_id is not None:
            self._conditions.append(equals("session_id", session_id))

    def newest(self, limit: int, *, after: Position | None) -> Plan[list[Position]]:
        """Return up to `limit` positions, newest first, of the memories that come after `after` in the listing."""
        if after is None:
            return (yield from self._newest(limit, []))
        at = yield from self._at(after.timestamp)
        tied = sorted((position for position in at if position < after), reverse=True)
        older = yield from self._newest(limit, [during("timestamp", lt=after.timestamp)])
        return (tied + older)[:limit]

    def _newest(self, limit: int, when: Sequence[PointCondition]) -> Plan[list[Position]]:
        # One more than asked for shows whether the last timestamp goes on beyond what the engine returned.
        found = {*(yield from self._read(limit + 1, when, newest_first=True))}
        if len(found) > limit:
            oldest, second = sorted(found)[:2]
            if oldest.timestamp == second.timestamp:
                found |= {*(yield from self._at(oldest.timestamp))}
        return sorted(found, reverse=True)[:limit]

    def _at(self, timestamp: datetime) -> Plan[list[Position]]:
        return (yield from self._read(None, [during("timestamp", gte=timestamp, lte=timestamp)], newest_first=False))

    def _read(self, limit: int | None, when: Sequence[PointCondition], *, newest_first: bool) -> Plan[list[Position]]:
        wanted = Clause(must=(*self._conditions, *when))
        request = Scroll(wanted=wanted, limit=limit, fields=_POSITION_FIELDS, newest_first=newest_first)
        return [read_position(MemoryId(id), payload) for id, payload in (yield from ask(request))]


def _is_point_id(text: str) -> bool:
    """Tell whether the engine takes this text for an id; what it would not take cannot exist."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
