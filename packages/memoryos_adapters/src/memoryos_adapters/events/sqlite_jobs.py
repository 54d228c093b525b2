"""What the event log does to its tables in SQLite: each job a function of a connection, times in microseconds."""

import sqlite3
from collections.abc import Sequence

import msgspec

from memoryos_ports.errors import Overloaded
from memoryos_ports.events import Delivery, Event, Published, Receipt
from memoryos_ports.ids import EventId, Scope, SessionId, page_id

_FIND = """
    SELECT content_hash, pages, attempts, error, CASE
        WHEN event_queue.seq IS NOT NULL THEN iif(due_at IS NULL, 'processing', 'queued')
        WHEN event_dead_letters.seq IS NOT NULL OR event_dropped_letters.seq IS NOT NULL THEN 'dead'
        ELSE 'stored'
    END
    FROM events LEFT JOIN event_queue USING (seq)
        LEFT JOIN event_dead_letters USING (seq) LEFT JOIN event_dropped_letters USING (seq)
    WHERE tenant = ? AND user = ? AND event_id = ?
"""
_NEXT_SEQ = "UPDATE event_counters SET last_seq = last_seq + 1"
_INSERT = """
    INSERT INTO events (seq, tenant, user, event_id, content_hash, pages, published_at)
    VALUES ((SELECT last_seq FROM event_counters), ?, ?, ?, ?, ?, ?)
"""
_ENQUEUE = "INSERT INTO event_queue (seq, due_at, payload) VALUES (?, ?, ?)"
_LENGTH = "SELECT waiting FROM event_counters"
# CROSS JOIN and the plus keep SQLite to the queue's own order, so that it stops at the limit
_DUE = """
    SELECT seq, payload, attempts, event_id FROM event_queue CROSS JOIN events USING (seq)
    WHERE +due_at <= ? ORDER BY seq LIMIT ?
"""
_HAND_OUT = "UPDATE event_queue SET due_at = NULL WHERE seq = ?"
_GIVE_BACK = "UPDATE event_queue SET due_at = ? WHERE seq = ? AND due_at IS NULL"
_NEXT_DUE = "SELECT min(due_at) FROM event_queue"
_BURY = "INSERT INTO event_dead_letters (seq, payload) SELECT seq, payload FROM event_queue WHERE seq = ?"
_DEQUEUE = "DELETE FROM event_queue WHERE seq = ?"
_FAILED = "UPDATE events SET attempts = attempts + ?, error = ? WHERE seq = ?"
_SETTLED = "UPDATE events SET attempts = attempts + 1, error = coalesce(?, error), settled_at = ? WHERE seq = ?"
_STATS = """
    SELECT (SELECT waiting FROM event_counters),
        (SELECT published_at FROM events WHERE seq = (SELECT min(seq) FROM event_queue)),
        (SELECT count(*) FROM event_dead_letters)
"""
_PURGE = """
    DELETE FROM events WHERE settled_at < ? AND seq NOT IN (
        SELECT seq FROM event_dead_letters UNION ALL SELECT seq FROM event_dropped_letters
    )
"""
_ERASE_QUEUED = """
    DELETE FROM event_queue WHERE seq IN (SELECT seq FROM events WHERE tenant = ? AND user = ?)
"""
_ERASE_DEAD = """
    DELETE FROM event_dead_letters WHERE seq IN (SELECT seq FROM events WHERE tenant = ? AND user = ?)
"""
_ERASE_DROPPED = """
    DELETE FROM event_dropped_letters WHERE seq IN (SELECT seq FROM events WHERE tenant = ? AND user = ?)
"""
_ERASE = "DELETE FROM events WHERE tenant = ? AND user = ?"
_PAYLOADS = """
    SELECT seq, payload FROM events JOIN (
        SELECT seq, payload FROM event_queue UNION ALL SELECT seq, payload FROM event_dead_letters
    ) USING (seq) WHERE tenant = ? AND user = ?
"""
_ERASE_ONE = (
    "DELETE FROM event_queue WHERE seq = ?",
    "DELETE FROM event_dead_letters WHERE seq = ?",
    "DELETE FROM events WHERE seq = ?",
)


class _OfSession(msgspec.Struct, frozen=True):
    session_id: str | None = None


_session_decoder = msgspec.json.Decoder(_OfSession)


def insert_event(
    connection: sqlite3.Connection, *, event: Event, content: str, payload: bytes, now: int, max_queue: int
) -> Published:
    """Take an event in, unless its (scope, event_id) is known; Overloaded when `max_queue` events wait."""
    scope, pages = event.scope, len(event.messages)
    if (known := find_event(connection, scope=scope, event_id=event.event_id)) is not None:
        receipt, known_content = known
        return Published(outcome="same" if known_content == content else "other", receipt=receipt)
    if connection.execute(_LENGTH).fetchone()[0] >= max_queue:
        raise Overloaded("event queue")
    row = (scope.tenant_id, scope.user_id, event.event_id, content, pages, now)
    connection.execute(_NEXT_SEQ)
    seq = connection.execute(_INSERT, row).lastrowid
    connection.execute(_ENQUEUE, (seq, now, payload))
    return Published(outcome="new", receipt=_receipt(scope, event.event_id, pages=pages))


def find_event(connection: sqlite3.Connection, *, scope: Scope, event_id: EventId) -> tuple[Receipt, str] | None:
    """Return an event's receipt and the hash of its content."""
    row = connection.execute(_FIND, (scope.tenant_id, scope.user_id, event_id)).fetchone()
    if row is None:
        return None
    content, pages, attempts, error, state = row
    receipt = _receipt(scope, event_id, pages=pages)
    return msgspec.structs.replace(receipt, state=state, attempts=attempts, error=error), content


def hand_out(
    connection: sqlite3.Connection, *, now: int, limit: int, seqs: list[int]
) -> tuple[list[Delivery], int | None]:
    """Return what is due and when the next one is; `seqs` is filled with what was handed out."""
    rows = connection.execute(_DUE, (now, limit)).fetchall()
    seqs += (seq for seq, *_ in rows)
    connection.executemany(_HAND_OUT, [(seq,) for seq in seqs])
    deliveries = [
        Delivery(handle=str(seq), payload=payload, attempts=attempts, event_id=event_id)
        for seq, payload, attempts, event_id in rows
    ]
    return deliveries, connection.execute(_NEXT_DUE).fetchone()[0]


def leave_event(connection: sqlite3.Connection, *, seq: int, due_at: int, error: str, attempted: bool) -> None:
    """Give an event back that is handed out; of any other nothing changes."""
    if connection.execute(_GIVE_BACK, (due_at, seq)).rowcount:
        connection.execute(_FAILED, (attempted, error, seq))


def give_back(connection: sqlite3.Connection, *, seqs: Sequence[int], due_at: int) -> None:
    """Make what is handed out due again, as if nobody had received it."""
    connection.executemany(_GIVE_BACK, [(due_at, seq) for seq in seqs])


def settle_event(connection: sqlite3.Connection, *, seq: int, error: str | None, now: int) -> None:
    """Note an event as stored, or with an error as dead; of one that waits no more nothing changes."""
    if error is not None:
        connection.execute(_BURY, (seq,))
    if connection.execute(_DEQUEUE, (seq,)).rowcount:
        connection.execute(_SETTLED, (error, now, seq))


def read_stats(connection: sqlite3.Connection) -> tuple[int, int | None, int]:
    """Return how many events wait, when the oldest of them was published (microseconds), how many are dead."""
    length, oldest, dead = connection.execute(_STATS).fetchone()
    return length, oldest, dead


def purge_events(connection: sqlite3.Connection, *, before: int) -> int:
    """Forget receipts of events stored before this moment; return how many."""
    return connection.execute(_PURGE, (before,)).rowcount


def erase_events(connection: sqlite3.Connection, *, scope: Scope) -> int:
    """Remove every event of a scope, whatever its state; return how many."""
    key = (scope.tenant_id, scope.user_id)
    connection.execute(_ERASE_QUEUED, key)
    connection.execute(_ERASE_DEAD, key)
    connection.execute(_ERASE_DROPPED, key)
    return connection.execute(_ERASE, key).rowcount


def erase_session(connection: sqlite3.Connection, *, scope: Scope, session_id: SessionId) -> int:
    """Remove the events of a session that wait or are dead; return how many."""
    rows = connection.execute(_PAYLOADS, (scope.tenant_id, scope.user_id))
    seqs = [(seq,) for seq, payload in rows if _session_decoder.decode(payload).session_id == session_id]
    for statement in _ERASE_ONE:
        connection.executemany(statement, seqs)
    return len(seqs)


def _receipt(scope: Scope, event_id: EventId, *, pages: int) -> Receipt:
    """Return the receipt of an event that was just taken in."""
    memory_ids = tuple(page_id(scope, event_id, index) for index in range(pages))
    return Receipt(event_id=event_id, state="queued", memory_ids=memory_ids)
