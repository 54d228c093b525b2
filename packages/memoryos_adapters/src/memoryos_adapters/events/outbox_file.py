"""The file of an outbox: an event log in SQLite whose queue can be read without a byte of it being written."""

import sqlite3
from collections.abc import Collection
from functools import partial

from memoryos_adapters.events.sqlite import SqliteEvents
from memoryos_ports.events import Delivery

_QUEUED = "SELECT seq FROM event_queue ORDER BY seq LIMIT ?"
_READ = "SELECT payload, attempts, event_id FROM event_queue JOIN events USING (seq) WHERE seq = ?"
_SPEND = "UPDATE event_counters SET last_seq = last_seq + 1"


class OutboxFile(SqliteEvents):
    """What waits is looked at where it is, not handed out: a disk that is full stops no delivery."""

    async def peek(self, *, limit: int, without: Collection[str] = ()) -> list[Delivery]:
        """Return up to `limit` events that wait, oldest first, but for those of the handles `without`."""
        return await self._db.read(partial(_peek, limit=limit, without=without))

    async def ping(self) -> None:
        """Return when the file has been written. Raises StorageFull or UpstreamUnavailable when it cannot be."""
        await self._db.write(_spend)


def _peek(connection: sqlite3.Connection, *, limit: int, without: Collection[str]) -> list[Delivery]:
    queued = [seq for (seq,) in connection.execute(_QUEUED, (limit + len(without),))]
    wanted = [seq for seq in queued if str(seq) not in without][:limit]
    return [_read(connection, seq) for seq in wanted]


def _read(connection: sqlite3.Connection, seq: int) -> Delivery:
    payload, attempts, event_id = connection.execute(_READ, (seq,)).fetchone()
    return Delivery(handle=str(seq), payload=payload, attempts=attempts, event_id=event_id)


def _spend(connection: sqlite3.Connection) -> None:
    """Write a page: the number that the next event would have had is left out, as after one that was refused."""
    connection.execute(_SPEND)
