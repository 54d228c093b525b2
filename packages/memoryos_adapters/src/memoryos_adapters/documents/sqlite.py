"""Documents in SQLite: one row per (scope, kind, id)."""

import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from memoryos_adapters.micros import from_micros, to_micros
from memoryos_adapters.sqlite import Schema, SqliteDatabase
from memoryos_ports.clock import Clock
from memoryos_ports.documents import Change, Document, DocumentKey
from memoryos_ports.errors import VersionConflict
from memoryos_ports.ids import Scope

SCHEMA = Schema(
    name="documents",
    steps=(
        """CREATE TABLE documents (
            tenant TEXT NOT NULL,
            user TEXT NOT NULL,
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            version INTEGER NOT NULL,
            body BLOB NOT NULL,
            updated_at INTEGER NOT NULL,  -- microseconds since 1970
            PRIMARY KEY (tenant, user, kind, id)
        )""",
    ),
)

_SOME = """
    SELECT kind, id, version, body, updated_at FROM documents
    WHERE tenant = ? AND user = ? AND kind = ? AND id IN (SELECT value FROM json_each(?))
"""
_LIST = """
    SELECT kind, id, version, body, updated_at FROM documents
    WHERE tenant = ? AND user = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?
"""
_VERSION = "SELECT version FROM documents WHERE tenant = ? AND user = ? AND kind = ? AND id = ?"
_BODY = "SELECT version, body FROM documents WHERE tenant = ? AND user = ? AND kind = ? AND id = ?"
_PUT = """
    INSERT INTO documents (tenant, user, kind, id, version, body, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant, user, kind, id)
    DO UPDATE SET version = excluded.version, body = excluded.body, updated_at = excluded.updated_at
"""
_DELETE = """
    DELETE FROM documents WHERE tenant = ? AND user = ? AND kind = ? AND id IN (SELECT value FROM json_each(?))
"""
_ERASE = "DELETE FROM documents WHERE tenant = ? AND user = ?"


class SqliteDocuments:
    """A `DocumentStore` in a database that was opened with this module's SCHEMA."""

    def __init__(self, db: SqliteDatabase, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def get(self, scope: Scope, kind: str, ids: Sequence[str]) -> dict[str, Document]:
        """Return those of the documents that exist, by id."""
        row = (scope.tenant_id, scope.user_id, kind, _json(ids))
        return {document.id: document for document in await self._select(_SOME, row)}

    async def put(
        self, scope: Scope, kind: str, id: str, body: bytes, *, expected_version: int | None = None
    ) -> Document:
        """Write a document; VersionConflict when it is not at `expected_version` (0: must not exist)."""
        updated_at = self._clock.now()

        def put(connection: sqlite3.Connection) -> Document:
            key = (scope.tenant_id, scope.user_id, kind, id)
            row = connection.execute(_VERSION, key).fetchone()
            found: int = row[0] if row else 0
            if expected_version is not None and expected_version != found:
                raise VersionConflict(kind=kind, identifier=id, expected=expected_version, found=found)
            connection.execute(_PUT, (*key, found + 1, body, to_micros(updated_at)))
            return Document(kind=kind, id=id, version=found + 1, body=body, updated_at=updated_at)

        return await self._db.write(put)

    async def update(self, scope: Scope, changes: Mapping[DocumentKey, Change]) -> None:
        """Replace documents by what the functions, called in the writer's thread, make of them."""
        updated_at = to_micros(self._clock.now())

        def update(connection: sqlite3.Connection) -> None:
            for (kind, id), change in changes.items():
                key = (scope.tenant_id, scope.user_id, kind, id)
                version, before = connection.execute(_BODY, key).fetchone() or (0, None)
                after = change(before)
                if after != before:
                    connection.execute(_PUT, (*key, version + 1, after, updated_at))

        await self._db.write(update)

    async def list_documents(self, scope: Scope, kind: str, *, limit: int, after: str | None = None) -> list[Document]:
        """Return up to `limit` documents in order of id (by code point), those after the id `after`."""
        return await self._select(_LIST, (scope.tenant_id, scope.user_id, kind, after or "", limit))

    async def delete(self, scope: Scope, kind: str, ids: Sequence[str]) -> int:
        """Delete documents; return how many existed."""
        row = (scope.tenant_id, scope.user_id, kind, _json(ids))
        return await self._db.write(lambda connection: connection.execute(_DELETE, row).rowcount)

    async def erase(self, scope: Scope) -> int:
        """Remove every document of a scope; return how many there were."""
        key = (scope.tenant_id, scope.user_id)
        return await self._db.erase(lambda connection: connection.execute(_ERASE, key).rowcount)

    async def ping(self) -> None:
        """Return when the database answers."""
        await self._db.ping()

    async def _select(self, statement: str, row: tuple[str | int, ...]) -> list[Document]:
        return await self._db.read(
            lambda connection: [_document(*found) for found in connection.execute(statement, row)]
        )


def _document(kind: str, id: str, version: int, body: bytes, updated_at: int) -> Document:
    return Document(kind=kind, id=id, version=version, body=body, updated_at=from_micros(updated_at))


def _json(ids: Sequence[str]) -> str:
    return msgspec.json.encode(ids).decode()
