"""What the event log does to its dead letters in SQLite: each job a function of a connection."""

import re
import sqlite3
from collections.abc import Iterable
from typing import Final

from memoryos_adapters.micros import from_micros
from memoryos_ports.dead_letters import DeadLetter

_ID: Final = re.compile("[1-9][0-9]{0,17}")  # below 2**63, as SQLite's numbers are
_LETTERS = """
    SELECT seq, attempts, error, settled_at, payload, event_id, tenant, user
    FROM event_dead_letters JOIN events USING (seq)
"""
_LIST = _LETTERS + "WHERE seq > ? ORDER BY seq LIMIT ?"
_FIND = _LETTERS + "WHERE seq = ?"
_REQUEUE = "INSERT INTO event_queue (seq, due_at, payload) SELECT seq, ?, payload FROM event_dead_letters WHERE seq = ?"
_AS_NEVER_TRIED = """
    UPDATE events SET attempts = 0, error = NULL, settled_at = NULL
    WHERE seq IN (SELECT seq FROM event_dead_letters WHERE seq = ?)
"""
_NOTE_DROPPED = "INSERT INTO event_dropped_letters (seq) SELECT seq FROM event_dead_letters WHERE seq = ?"
_REMOVE = "DELETE FROM event_dead_letters WHERE seq = ?"


def list_letters(connection: sqlite3.Connection, *, limit: int, after: int) -> list[DeadLetter]:
    """Return dead letters whose number is above `after`, in its order."""
    return _read_letters(connection.execute(_LIST, (after, limit)))


def find_letter(connection: sqlite3.Connection, *, seq: int) -> list[DeadLetter]:
    """Return the dead letter of this number, nothing when there is none."""
    return _read_letters(connection.execute(_FIND, (seq,)))


def letter_seqs(ids: Iterable[str]) -> list[int]:
    """Return the numbers of those ids that can be a dead letter's."""
    return [int(id) for id in ids if _ID.fullmatch(id)]


def replay_letter(connection: sqlite3.Connection, *, seq: int, now: int) -> int:
    """Queue a dead letter again, as if it had never been tried; return how many there were."""
    connection.execute(_REQUEUE, (now, seq))
    connection.execute(_AS_NEVER_TRIED, (seq,))
    return connection.execute(_REMOVE, (seq,)).rowcount


def drop_letter(connection: sqlite3.Connection, *, seq: int) -> int:
    """Remove a dead letter and remember that its event is dead; return how many there were."""
    connection.execute(_NOTE_DROPPED, (seq,))
    return connection.execute(_REMOVE, (seq,)).rowcount


def _read_letters(rows: sqlite3.Cursor) -> list[DeadLetter]:
    return [
        DeadLetter(
            id=str(seq),
            source="event_queue",
            source_id=str(seq),
            attempts=attempts,
            error=error,
            failed_at=from_micros(settled_at),
            payload=payload,
            event_id=event_id,
            tenant_id=tenant,
            user_id=user,
        )
        for seq, attempts, error, settled_at, payload, event_id, tenant, user in rows
    ]
