"""The event log in SQLite: what is known of an event for ever, and beside it, while it waits or is dead, its payload.

Where the payload is tells the event's state: in the queue with a due time it is queued, there without one it is being
processed, among the dead letters it is dead, nowhere it is stored.
"""

import asyncio
import math
import sqlite3
from contextlib import suppress
from datetime import datetime
from functools import partial
from weakref import WeakValueDictionary

import msgspec

from memoryos_adapters.sqlite import Schema, SqliteDatabase, to_micros
from memoryos_ports.clock import Clock
from memoryos_ports.errors import MemoryOSError, Overloaded
from memoryos_ports.event_wire import encode_event
from memoryos_ports.events import Delivery, Event, Published, QueueStats, Receipt, content_hash
from memoryos_ports.ids import EventId, Scope, page_id

SCHEMA = Schema(
    name="events",
    steps=(
        """CREATE TABLE events (
            seq INTEGER PRIMARY KEY,
            tenant TEXT NOT NULL,
            user TEXT NOT NULL,
            event_id TEXT NOT NULL,
            content_hash TEXT NOT NULL,
            pages INTEGER NOT NULL,         -- how many memory ids the event has
            published_at INTEGER NOT NULL,  -- microseconds since 1970, as all times
            settled_at INTEGER,             -- when it was stored or buried
            attempts INTEGER NOT NULL DEFAULT 0,
            error TEXT,
            UNIQUE (tenant, user, event_id)
        )""",
        """CREATE TABLE event_queue (
            seq INTEGER PRIMARY KEY REFERENCES events,
            due_at INTEGER,                 -- NULL: handed out
            payload BLOB NOT NULL
        )""",
        "CREATE INDEX event_queue_due ON event_queue (due_at)",
        "CREATE TABLE event_dead_letters (seq INTEGER PRIMARY KEY REFERENCES events, payload BLOB NOT NULL)",
    ),
    at_open=(  # what was handed out belonged to a process that is gone
        """UPDATE events SET attempts = attempts + 1, error = 'the process that applied it ended'
            WHERE seq IN (SELECT seq FROM event_queue WHERE due_at IS NULL)""",
        "UPDATE event_queue SET due_at = 0 WHERE due_at IS NULL",
    ),
)

_FIND = """
    SELECT content_hash, pages, attempts, error, CASE
        WHEN event_queue.seq IS NOT NULL THEN iif(due_at IS NULL, 'processing', 'queued')
        WHEN event_dead_letters.seq IS NOT NULL THEN 'dead'
        ELSE 'stored'
    END
    FROM events LEFT JOIN event_queue USING (seq) LEFT JOIN event_dead_letters USING (seq)
    WHERE tenant = ? AND user = ? AND event_id = ?
"""
_INSERT = """
    INSERT INTO events (tenant, user, event_id, content_hash, pages, published_at) VALUES (?, ?, ?, ?, ?, ?)
"""
_ENQUEUE = "INSERT INTO event_queue (seq, due_at, payload) VALUES (?, ?, ?)"
_LENGTH = "SELECT count(*) FROM event_queue"
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
    SELECT (SELECT count(*) FROM event_queue),
        (SELECT published_at FROM events WHERE seq = (SELECT min(seq) FROM event_queue)),
        (SELECT count(*) FROM event_dead_letters)
"""
_PURGE = "DELETE FROM events WHERE settled_at < ? AND seq NOT IN (SELECT seq FROM event_dead_letters)"


class SqliteEvents:
    """An `EventLog` in a database that was opened with this module's SCHEMA, for consumers in this process.

    At most `max_queue` events wait to be applied; beyond it a publication raises Overloaded. `attempts` counts every
    try that ended, the one that succeeded included.
    """

    def __init__(self, db: SqliteDatabase, clock: Clock, *, max_queue: int = 100_000) -> None:
        self._db = db
        self._clock = clock
        self._max_queue = max_queue
        self._news = asyncio.Event()
        self._endings: WeakValueDictionary[EventId, asyncio.Event] = WeakValueDictionary()

    async def publish(self, event: Event) -> Published:
        """Take an event in, unless its (scope, event_id) is known."""
        insert = partial(
            _insert,
            event=event,
            content=content_hash(event.messages),
            payload=encode_event(event),
            now=self._now(),
            max_queue=self._max_queue,
        )
        try:
            return await self._db.write(insert)
        finally:  # also when cancelled: the insertion goes on, and a look that starts now comes after it
            self._announce()

    async def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
        """Return up to `limit` events that are due, oldest first; wait up to `wait_s` when there are none."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while True:
            news = self._news  # taken before the look: what comes after the look sets this one
            deliveries, due_in_s = await self._take(limit)
            patience_s = deadline - loop.time()
            if deliveries or patience_s <= 0:
                return deliveries
            with suppress(TimeoutError):
                async with asyncio.timeout(min(patience_s, due_in_s)):
                    await news.wait()

    async def ack(self, delivery: Delivery) -> None:
        """Note that the event is applied; its payload is dropped."""
        await self._settle(delivery, error=None)

    async def leave(self, delivery: Delivery, *, error: str, retry_in_s: float, attempted: bool = True) -> None:
        """Give an event back, due again after `retry_in_s`."""
        seq, due_at = int(delivery.handle), self._now() + round(retry_in_s * 1e6)

        def leave(connection: sqlite3.Connection) -> None:
            if connection.execute(_GIVE_BACK, (due_at, seq)).rowcount:
                connection.execute(_FAILED, (attempted, error, seq))

        await self._db.write(leave)
        self._announce()

    async def bury(self, delivery: Delivery, *, error: str) -> None:
        """Move an event to the dead letters with the reason."""
        await self._settle(delivery, error=error)

    async def receipt(self, scope: Scope, event_id: EventId) -> Receipt | None:
        """Return what became of an event, None when it is not known."""
        known = await self._db.read(partial(_find, scope=scope, event_id=event_id))
        return known[0] if known else None

    async def settled(self, scope: Scope, event_id: EventId, *, timeout_s: float) -> Receipt | None:
        """Return the receipt as soon as it says stored or dead, or whatever it says after `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while True:
                    ending = self._endings.setdefault(event_id, asyncio.Event())
                    receipt = await self.receipt(scope, event_id)
                    if receipt is not None and receipt.state in ("stored", "dead"):
                        return receipt
                    await ending.wait()
        return await self.receipt(scope, event_id)

    async def stats(self) -> QueueStats:
        """Return the state of the queue; an event's age counts from its publication."""
        length, oldest, dead = await self._db.read(lambda connection: connection.execute(_STATS).fetchone())
        age_s = max(0.0, (self._now() - oldest) / 1e6) if oldest is not None else 0.0
        return QueueStats(length=length, oldest_age_s=age_s, dead=dead)

    async def purge(self, *, before: datetime) -> int:
        """Forget receipts of events stored before this moment; return how many."""
        moment = to_micros(before)
        return await self._db.write(lambda connection: connection.execute(_PURGE, (moment,)).rowcount)

    async def ping(self) -> None:
        """Return when the database answers."""
        await self._db.ping()

    async def _take(self, limit: int) -> tuple[list[Delivery], float]:
        """Hand out what is due; return it, and in how many seconds the next is due (infinite: none is queued)."""
        now = self._now()
        seqs: list[int] = []
        try:
            deliveries, next_due = await self._db.write(partial(_hand_out, now=now, limit=limit, seqs=seqs))
        except asyncio.CancelledError:  # nobody will hold what is handed out, and the writer's queue is in order
            with suppress(MemoryOSError):
                await self._db.write(lambda connection: connection.executemany(_GIVE_BACK, [(now, s) for s in seqs]))
            self._announce()
            raise
        return deliveries, math.inf if next_due is None else (next_due - now) / 1e6

    async def _settle(self, delivery: Delivery, *, error: str | None) -> None:
        seq, now = int(delivery.handle), self._now()

        def settle(connection: sqlite3.Connection) -> None:
            if error is not None:
                connection.execute(_BURY, (seq,))
            if connection.execute(_DEQUEUE, (seq,)).rowcount:
                connection.execute(_SETTLED, (error, now, seq))

        await self._db.write(settle)
        if delivery.event_id is not None and (ending := self._endings.pop(delivery.event_id, None)) is not None:
            ending.set()

    def _announce(self) -> None:
        """Make every consumer that waits look again."""
        self._news.set()
        self._news = asyncio.Event()

    def _now(self) -> int:
        return to_micros(self._clock.now())


def _insert(
    connection: sqlite3.Connection, *, event: Event, content: str, payload: bytes, now: int, max_queue: int
) -> Published:
    scope, pages = event.scope, len(event.messages)
    if (known := _find(connection, scope=scope, event_id=event.event_id)) is not None:
        receipt, known_content = known
        return Published(outcome="same" if known_content == content else "other", receipt=receipt)
    if connection.execute(_LENGTH).fetchone()[0] >= max_queue:
        raise Overloaded("event queue")
    row = (scope.tenant_id, scope.user_id, event.event_id, content, pages, now)
    seq = connection.execute(_INSERT, row).lastrowid
    connection.execute(_ENQUEUE, (seq, now, payload))
    return Published(outcome="new", receipt=_receipt(scope, event.event_id, pages=pages))


def _find(connection: sqlite3.Connection, *, scope: Scope, event_id: EventId) -> tuple[Receipt, str] | None:
    """Return an event's receipt and the hash of its content."""
    row = connection.execute(_FIND, (scope.tenant_id, scope.user_id, event_id)).fetchone()
    if row is None:
        return None
    content, pages, attempts, error, state = row
    receipt = _receipt(scope, event_id, pages=pages)
    return msgspec.structs.replace(receipt, state=state, attempts=attempts, error=error), content


def _receipt(scope: Scope, event_id: EventId, *, pages: int) -> Receipt:
    """Return the receipt of an event that was just taken in."""
    memory_ids = tuple(page_id(scope, event_id, index) for index in range(pages))
    return Receipt(event_id=event_id, state="queued", memory_ids=memory_ids)


def _hand_out(
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
