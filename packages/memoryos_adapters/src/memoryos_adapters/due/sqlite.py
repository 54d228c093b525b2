"""The due-set in SQLite: one row per scope that is due or claimed."""

import sqlite3
from datetime import datetime

from memoryos_adapters.micros import from_micros, to_micros
from memoryos_adapters.sqlite import Schema, SqliteDatabase
from memoryos_ports.clock import Clock
from memoryos_ports.due import Lease
from memoryos_ports.ids import Scope, TenantId, UserId

SCHEMA = Schema(
    name="due",
    steps=(
        """CREATE TABLE due_scopes (
            tenant TEXT NOT NULL,
            user TEXT NOT NULL,
            due_at INTEGER NOT NULL,  -- microseconds since 1970; of a claimed one it is the end of the lease
            fence INTEGER,            -- that of the lease, NULL: not claimed
            again_at INTEGER,         -- when it is due after the lease, NULL: nothing was added meanwhile
            PRIMARY KEY (tenant, user)
        ) WITHOUT ROWID""",
        "CREATE INDEX due_scopes_due ON due_scopes (due_at)",
        # one row; of all scopes together, so that a scope that was forgotten never gets an old fence anew
        "CREATE TABLE due_fence (last INTEGER NOT NULL)",
        "INSERT INTO due_fence VALUES (0)",
    ),
)

_ADD = """
    INSERT INTO due_scopes (tenant, user, due_at) VALUES (?, ?, ?)
    ON CONFLICT (tenant, user) DO UPDATE SET
        due_at = iif(fence IS NULL, min(due_at, excluded.due_at), due_at),
        again_at = iif(fence IS NULL, NULL, min(coalesce(again_at, excluded.due_at), excluded.due_at))
"""
_DUE = "SELECT tenant, user FROM due_scopes WHERE due_at <= ? ORDER BY due_at LIMIT ?"
_NEXT_FENCE = "UPDATE due_fence SET last = last + 1"
# what was added for later, under a lease that ran out, stays
_CLAIM = """
    UPDATE due_scopes SET fence = (SELECT last FROM due_fence), due_at = ?, again_at = iif(again_at > ?, again_at, NULL)
    WHERE tenant = ? AND user = ?
"""
_FENCE = "SELECT last FROM due_fence"
_HOLDS = "SELECT 1 FROM due_scopes WHERE tenant = ? AND user = ? AND fence = ?"
# min of two arguments is NULL when one of them is
_GIVE_BACK = """
    UPDATE due_scopes SET
        due_at = coalesce(min(again_at, :again_at), again_at, :again_at),
        fence = NULL,
        again_at = NULL
    WHERE tenant = :tenant AND user = :user AND fence = :fence AND coalesce(again_at, :again_at) IS NOT NULL
"""
_DROP = "DELETE FROM due_scopes WHERE tenant = :tenant AND user = :user AND fence = :fence"
# a claimed scope is due at the end of its lease: that is now, and what was added meanwhile is done with it
_RELEASE_ALL = "UPDATE due_scopes SET due_at = ?, fence = NULL, again_at = NULL WHERE fence IS NOT NULL"
_ERASE = "DELETE FROM due_scopes WHERE tenant = ? AND user = ?"


class SqliteDue:
    """A `DueSet` in a database that was opened with this module's SCHEMA."""

    def __init__(self, db: SqliteDatabase, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def add(self, scope: Scope, *, at: datetime) -> None:
        """Make a scope due at that moment or earlier; one that is claimed, after its lease."""
        row = (scope.tenant_id, scope.user_id, to_micros(at))
        await self._db.write(lambda connection: connection.execute(_ADD, row).rowcount)

    async def claim(self, *, limit: int, lease_s: float) -> list[Lease]:
        """Return leases on up to `limit` scopes; a lease that ran out counts as due since then."""
        now = to_micros(self._clock.now())
        until = now + round(lease_s * 1e6)

        def claim(connection: sqlite3.Connection) -> list[Lease]:
            due = connection.execute(_DUE, (now, limit)).fetchall()
            return [_take_lease(connection, tenant, user, now=now, until=until) for tenant, user in due]

        return await self._db.write(claim)

    async def holds(self, lease: Lease) -> bool:
        """Return whether nobody has claimed the scope since, even when the lease ran out."""
        row = (lease.scope.tenant_id, lease.scope.user_id, lease.fence)
        return await self._db.read(lambda connection: connection.execute(_HOLDS, row).fetchone() is not None)

    async def finish(self, lease: Lease, *, again_at: datetime | None = None) -> None:
        """Give a lease back; a scope that is due at no time any more is dropped."""
        row = {
            "tenant": lease.scope.tenant_id,
            "user": lease.scope.user_id,
            "fence": lease.fence,
            "again_at": to_micros(again_at) if again_at else None,
        }

        def finish(connection: sqlite3.Connection) -> None:
            connection.execute(_GIVE_BACK, row)
            connection.execute(_DROP, row)  # it has this fence still when there was no moment to give it back for

        await self._db.write(finish)

    async def release_all(self) -> int:
        """Make every claimed scope due now; return how many there were.

        For whoever knows that those who held the leases are no more; one of them that is alive still holds nothing.
        """
        now = to_micros(self._clock.now())
        return await self._db.write(lambda connection: connection.execute(_RELEASE_ALL, (now,)).rowcount)

    async def erase(self, scope: Scope) -> None:
        """Forget a scope and the lease on it."""
        key = (scope.tenant_id, scope.user_id)
        await self._db.erase(lambda connection: connection.execute(_ERASE, key).rowcount)

    async def ping(self) -> None:
        """Return when the database answers."""
        await self._db.ping()


def _take_lease(connection: sqlite3.Connection, tenant: TenantId, user: UserId, *, now: int, until: int) -> Lease:
    """Claim a scope."""
    connection.execute(_NEXT_FENCE)
    connection.execute(_CLAIM, (until, now, tenant, user))
    fence: int = connection.execute(_FENCE).fetchone()[0]
    return Lease(scope=Scope(tenant_id=tenant, user_id=user), fence=fence, until=from_micros(until))
