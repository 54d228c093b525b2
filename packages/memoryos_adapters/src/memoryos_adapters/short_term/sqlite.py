"""Short-term memory in SQLite: one row per turn, and one per removed id."""

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from memoryos_adapters.micros import to_micros
from memoryos_adapters.sqlite import Schema, SqliteDatabase
from memoryos_ports.cursor import Position
from memoryos_ports.ids import MemoryId, Scope, SessionId
from memoryos_ports.memory import Page

SCHEMA = Schema(
    name="short_term",
    steps=(
        """CREATE TABLE turns (
            tenant TEXT NOT NULL,
            user TEXT NOT NULL,
            id TEXT NOT NULL,
            session TEXT NOT NULL,          -- empty: a turn of no session
            timestamp INTEGER NOT NULL,     -- this and the next two give the order
            accepted_at INTEGER NOT NULL,
            place INTEGER NOT NULL,
            indexed INTEGER NOT NULL,
            page BLOB NOT NULL,             -- JSON
            PRIMARY KEY (tenant, user, id)
        )""",
        "CREATE INDEX turns_of_session ON turns (tenant, user, session, timestamp, accepted_at, place, id)",
        """CREATE INDEX turns_not_indexed ON turns (tenant, user, timestamp, accepted_at, place, id)
            WHERE indexed = 0""",
        """CREATE TABLE removed_turns (
            tenant TEXT NOT NULL,
            user TEXT NOT NULL,
            id TEXT NOT NULL,
            PRIMARY KEY (tenant, user, id)
        ) WITHOUT ROWID""",
    ),
)

_RECENT = """
    SELECT page FROM turns WHERE tenant = ? AND user = ? AND session = ?
    ORDER BY timestamp DESC, accepted_at DESC, place DESC, id DESC LIMIT ?
"""
# The order is that of an index, so that only turns that are returned are read.
_LATEST = """
    SELECT page FROM turns WHERE rowid IN (
        SELECT rowid FROM turns INDEXED BY turns_of_session WHERE tenant = ? AND user = ?
        ORDER BY timestamp DESC, accepted_at DESC, place DESC, id DESC LIMIT ?
    )
    ORDER BY timestamp DESC, accepted_at DESC, place DESC, id DESC
"""
_UNINDEXED = """
    SELECT page FROM turns WHERE tenant = :tenant AND user = :user AND indexed = 0
    AND (:session IS NULL OR session = :session)
    AND (:timestamp IS NULL OR (timestamp, accepted_at, place, id) < (:timestamp, :accepted_at, :place, :id))
    ORDER BY timestamp DESC, accepted_at DESC, place DESC, id DESC LIMIT :limit
"""
_GET = "SELECT page FROM turns WHERE tenant = ? AND user = ? AND id IN (SELECT value FROM json_each(?))"
_IS_REMOVED = "SELECT 1 FROM removed_turns WHERE tenant = ? AND user = ? AND id = ?"
_INSERT = """
    INSERT INTO turns (tenant, user, id, session, timestamp, accepted_at, place, indexed, page)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant, user, id) DO UPDATE SET indexed = 1 WHERE excluded.indexed > turns.indexed
"""
_SESSIONS = """
    SELECT DISTINCT tenant, user, session FROM turns
    WHERE tenant = ? AND user = ? AND id IN (SELECT value FROM json_each(?))
"""
_MARK = """
    UPDATE turns SET indexed = 1
    WHERE tenant = ? AND user = ? AND id IN (SELECT value FROM json_each(?)) AND indexed = 0
"""
_TRIM = """
    DELETE FROM turns WHERE indexed = 1 AND rowid IN (
        SELECT rowid FROM turns WHERE tenant = ? AND user = ? AND session = ?
        ORDER BY timestamp DESC, accepted_at DESC, place DESC, id DESC LIMIT -1 OFFSET ?
    )
"""
_NOTE_REMOVED = "INSERT OR IGNORE INTO removed_turns SELECT ?, ?, value FROM json_each(?)"
_REMOVE = "DELETE FROM turns WHERE tenant = ? AND user = ? AND id IN (SELECT value FROM json_each(?))"
_REPLACE = """
    UPDATE turns SET session = ?, timestamp = ?, accepted_at = ?, place = ?, page = ?
    WHERE tenant = ? AND user = ? AND id = ?
"""
_ERASE = "DELETE FROM turns WHERE tenant = ? AND user = ?"
_ERASE_REMOVED = "DELETE FROM removed_turns WHERE tenant = ? AND user = ?"

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Page)


class SqliteShortTerm:
    """A `ShortTermStore` in a database that was opened with this module's SCHEMA.

    Holds the newest `per_session` turns of each session, and older ones as long as the index lacks them.
    """

    def __init__(self, db: SqliteDatabase, *, per_session: int = 200) -> None:
        self._db = db
        self._per_session = per_session

    async def append(self, pages: Sequence[Page], *, indexed: bool = False) -> None:
        """Keep these turns; of one that is known only `indexed` may change, from no to yes."""
        rows = [_row(page, indexed) for page in pages]

        def append(connection: sqlite3.Connection) -> None:
            for row in rows:
                if connection.execute(_IS_REMOVED, row[:3]).fetchone() is None:
                    connection.execute(_INSERT, row)
            self._trim(connection, {(tenant, user, session) for tenant, user, _, session, *_ in rows})

        await self._db.write(append)

    async def mark_indexed(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Note that the index holds these turns; those beyond the session's bound go now."""
        key = _key(scope, ids)

        def mark(connection: sqlite3.Connection) -> None:
            if connection.execute(_MARK, key).rowcount:
                self._trim(connection, connection.execute(_SESSIONS, key).fetchall())

        await self._db.write(mark)

    async def recent(self, scope: Scope, session_id: SessionId, *, limit: int) -> list[Page]:
        """Return the newest `limit` turns of a session, newest last."""
        return await self._select(_RECENT, (scope.tenant_id, scope.user_id, session_id, limit))

    async def latest(self, scope: Scope, *, limit: int) -> list[Page]:
        """Return the newest `limit` turns of a scope, newest last."""
        return await self._select(_LATEST, (scope.tenant_id, scope.user_id, limit))

    async def get(self, scope: Scope, ids: Sequence[MemoryId]) -> list[Page]:
        """Return those of the turns that are kept, in the order asked for."""
        found = {page.id: page for page in await self._select(_GET, _key(scope, ids))}
        return [found[id] for id in ids if id in found]

    async def unindexed(
        self, scope: Scope, *, limit: int, session_id: SessionId | None = None, after: Position | None = None
    ) -> list[Page]:
        """Return the newest `limit` turns of the scope that the index lacks, newest last."""
        wanted: dict[str, str | int | None] = {
            "tenant": scope.tenant_id,
            "user": scope.user_id,
            "session": session_id,
            "timestamp": to_micros(after.timestamp) if after else None,
            "accepted_at": to_micros(after.accepted_at) if after else None,
            "place": after.index if after else None,
            "id": after.id if after else None,
            "limit": limit,
        }
        return await self._select(_UNINDEXED, wanted)

    async def remove(self, scope: Scope, ids: Sequence[MemoryId]) -> None:
        """Forget these turns and note their ids, known or not."""
        key = _key(scope, ids)

        def remove(connection: sqlite3.Connection) -> None:
            connection.execute(_NOTE_REMOVED, key)
            connection.execute(_REMOVE, key)

        await self._db.write(remove)

    async def replace(self, page: Page) -> None:
        """Keep this content of a turn that is kept; whether the index holds it stays as noted."""
        *key, session, timestamp, accepted_at, place, _, body = _row(page, indexed=False)
        row = (session, timestamp, accepted_at, place, body, *key)
        await self._db.write(lambda connection: connection.execute(_REPLACE, row).rowcount)

    async def erase(self, scope: Scope) -> int:
        """Remove every turn of a scope, and the ids of removed ones; return how many turns there were."""
        key = (scope.tenant_id, scope.user_id)

        def erase(connection: sqlite3.Connection) -> int:
            connection.execute(_ERASE_REMOVED, key)
            return connection.execute(_ERASE, key).rowcount

        return await self._db.erase(erase)

    async def ping(self) -> None:
        """Return when the database answers."""
        await self._db.ping()

    def _trim(self, connection: sqlite3.Connection, sessions: Iterable[tuple[str, str, str]]) -> None:
        connection.executemany(_TRIM, [(*session, self._per_session) for session in sessions])

    async def _select(self, statement: str, row: tuple[str | int, ...] | dict[str, str | int | None]) -> list[Page]:
        """Return the pages of a statement that gives the newest first, newest last."""
        return await self._db.read(
            lambda connection: [_decoder.decode(page) for (page,) in connection.execute(statement, row)][::-1]
        )


def _row(page: Page, indexed: bool) -> tuple[str, str, str, str, int, int, int, bool, bytes]:
    return (
        page.scope.tenant_id,
        page.scope.user_id,
        page.id,
        page.session_id or "",
        to_micros(page.timestamp),
        to_micros(page.accepted_at),
        page.index,
        indexed,
        _encoder.encode(page),
    )


def _key(scope: Scope, ids: Sequence[MemoryId]) -> tuple[str, str, str]:
    return scope.tenant_id, scope.user_id, msgspec.json.encode(ids).decode()
