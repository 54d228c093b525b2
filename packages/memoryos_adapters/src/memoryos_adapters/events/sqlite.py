"""The event log in SQLite: what is known of an event for ever, and beside it, while it waits or is dead, its payload.

Where the payload is tells the event's state: in the queue with a due time it is queued, there without one it is being
processed, among the dead letters it is dead, nowhere it is stored, or dead when its letter was dropped.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from weakref import WeakValueDictionary

from memoryos_adapters.events.sqlite_jobs import (
    erase_events,
    erase_session,
    find_event,
    give_back,
    hand_out,
    insert_event,
    leave_event,
    purge_events,
    read_stats,
    settle_event,
)
from memoryos_adapters.events.sqlite_letters import drop_letter, find_letter, letter_seqs, list_letters, replay_letter
from memoryos_adapters.micros import to_micros
from memoryos_adapters.sqlite import Schema, SqliteDatabase
from memoryos_ports.clock import Clock
from memoryos_ports.dead_letters import DeadLetter
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.event_wire import encode_event
from memoryos_ports.events import Delivery, Event, Published, QueueStats, Receipt, content_hash
from memoryos_ports.ids import EventId, Scope, SessionId

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
        """CREATE TABLE event_counters (  -- one row
            last_seq INTEGER NOT NULL,  -- the highest ever given: the handle of a forgotten event is never another's
            waiting INTEGER NOT NULL    -- rows of event_queue
        )""",
        """INSERT INTO event_counters
            SELECT (SELECT coalesce(max(seq), 0) FROM events), (SELECT count(*) FROM event_queue)""",
        """CREATE TRIGGER event_queue_grows AFTER INSERT ON event_queue
            BEGIN UPDATE event_counters SET waiting = waiting + 1; END""",
        """CREATE TRIGGER event_queue_shrinks AFTER DELETE ON event_queue
            BEGIN UPDATE event_counters SET waiting = waiting - 1; END""",
        "CREATE TABLE event_dropped_letters (seq INTEGER PRIMARY KEY REFERENCES events)",  # dead, without a payload
    ),
    at_open=(  # what was handed out belonged to a process that is gone
        """UPDATE events SET attempts = attempts + 1, error = 'the process that applied it ended'
            WHERE seq IN (SELECT seq FROM event_queue WHERE due_at IS NULL)""",
        "UPDATE event_queue SET due_at = 0 WHERE due_at IS NULL",
    ),
)


class SqliteEvents:
    """An `EventLog` with its `DeadLetters`, for consumers in this process.

    Its database was opened with this module's SCHEMA.

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
            insert_event,
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
        await self._db.write(partial(leave_event, seq=seq, due_at=due_at, error=error, attempted=attempted))
        self._announce()

    async def bury(self, delivery: Delivery, *, error: str) -> None:
        """Move an event to the dead letters with the reason."""
        await self._settle(delivery, error=error)

    async def receipt(self, scope: Scope, event_id: EventId) -> Receipt | None:
        """Return what became of an event, None when it is not known."""
        known = await self._db.read(partial(find_event, scope=scope, event_id=event_id))
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
        length, oldest, dead = await self._db.read(read_stats)
        age_s = max(0.0, (self._now() - oldest) / 1e6) if oldest is not None else 0.0
        return QueueStats(length=length, oldest_age_s=age_s, dead=dead)

    async def purge(self, *, before: datetime) -> int:
        """Forget receipts of events stored before this moment; return how many."""
        return await self._db.write(partial(purge_events, before=to_micros(before)))

    async def erase(self, scope: Scope, *, session_id: SessionId | None = None) -> int:
        """Remove events of a scope; a delivery of one that is still held has a handle without an event then."""
        if session_id is None:
            return await self._db.erase(partial(erase_events, scope=scope))
        return await self._db.erase(partial(erase_session, scope=scope, session_id=session_id))

    async def ping(self) -> None:
        """Return when the database answers."""
        await self._db.ping()

    async def list_dead(self, *, limit: int, after: str | None = None) -> list[DeadLetter]:
        """Return up to `limit` dead letters, oldest first, those after the id `after`."""
        number = int(after) if after and after.isdecimal() else 0
        return await self._db.read(partial(list_letters, limit=limit, after=number))

    async def find(self, ids: Sequence[str]) -> AsyncIterator[DeadLetter]:
        """Yield the dead letters with these ids, oldest first; one is held at a time, as they may be large."""
        for seq in sorted(set(letter_seqs(ids))):
            for letter in await self._db.read(partial(find_letter, seq=seq)):
                yield letter

    async def replay(self, ids: Sequence[str]) -> int:
        """Queue dead letters again; return how many there were."""
        now = self._now()
        replayed = [await self._db.write(partial(replay_letter, seq=seq, now=now)) for seq in letter_seqs(ids)]
        self._announce()
        return sum(replayed)

    async def drop(self, ids: Sequence[str]) -> int:
        """Remove dead letters for good; return how many there were."""
        return sum([await self._db.erase(partial(drop_letter, seq=seq)) for seq in letter_seqs(ids)])

    async def _take(self, limit: int) -> tuple[list[Delivery], float]:
        """Hand out what is due; return it, and in how many seconds the next is due (infinite: none is queued)."""
        now = self._now()
        seqs: list[int] = []
        try:
            deliveries, next_due = await self._db.write(partial(hand_out, now=now, limit=limit, seqs=seqs))
        except asyncio.CancelledError:  # nobody will hold what is handed out, and the writer's queue is in order
            with suppress(MemoryOSError):
                await self._db.write(partial(give_back, seqs=seqs, due_at=now))
            self._announce()
            raise
        return deliveries, math.inf if next_due is None else (next_due - now) / 1e6

    async def _settle(self, delivery: Delivery, *, error: str | None) -> None:
        await self._db.write(partial(settle_event, seq=int(delivery.handle), error=error, now=self._now()))
        if delivery.event_id is not None and (ending := self._endings.pop(delivery.event_id, None)) is not None:
            ending.set()

    def _announce(self) -> None:
        """Make every consumer that waits look again."""
        self._news.set()
        self._news = asyncio.Event()

    def _now(self) -> int:
        return to_micros(self._clock.now())
