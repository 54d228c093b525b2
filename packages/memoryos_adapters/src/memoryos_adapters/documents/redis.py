"""Documents in Redis: a hash of records per (scope, kind), beside it their ids in order."""

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

from memoryos_adapters.micros import from_micros, to_micros
from memoryos_adapters.redis_database import RedisDatabase, Script, scope_prefix
from memoryos_adapters.redis_servers import Argument
from memoryos_ports.clock import Clock
from memoryos_ports.documents import Change, Document, DocumentKey
from memoryos_ports.errors import Overloaded, VersionConflict
from memoryos_ports.ids import Scope

_SCRIPT = Script.beside(__file__, "redis.lua")

_ATTEMPTS = 50
_REST_S, _LONGEST_REST_S = 0.001, 0.05

_Write: TypeAlias = tuple[str, str, str | bytes, int, bytes]
"""Kind, id, what the document must be at, whether it is written, body: as the script takes it."""


class RedisDocuments:
    """A `DocumentStore` whose keys of a scope are in one slot; every call but `update` is one command."""

    def __init__(self, redis: RedisDatabase, clock: Clock, *, chance: random.Random | None = None) -> None:
        self._redis = redis
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - jitter, not a secret

    async def get(self, scope: Scope, kind: str, ids: Sequence[str]) -> dict[str, Document]:
        """Return those of the documents that exist, by id."""
        if not ids:
            return {}
        records = await self._redis.execute("HMGET", f"{_keys(scope)}:records:{kind}", *ids)
        return {id: _document(kind, id, record) for id, record in zip(ids, records, strict=True) if record is not None}

    async def put(
        self, scope: Scope, kind: str, id: str, body: bytes, *, expected_version: int | None = None
    ) -> Document:
        """Write a document; VersionConflict when it is not at `expected_version` (0: must not exist)."""
        updated_at = self._clock.now()
        expected = "*" if expected_version is None else str(expected_version)
        is_written, *rest = await self._write(scope, to_micros(updated_at), [(kind, id, expected, 1, body)])
        if not is_written and expected_version is not None:
            raise VersionConflict(kind=kind, identifier=id, expected=expected_version, found=int(rest[-1]))
        return Document(kind=kind, id=id, version=int(rest[0]), body=body, updated_at=updated_at)

    async def update(self, scope: Scope, changes: Mapping[DocumentKey, Change]) -> None:
        """Replace documents by what the functions make of them: read, compute, write if all are as they were read.

        When somebody else was faster it is done again after a moment. Raises Overloaded, which is retryable, when that
        has gone on for about a second.
        """
        if not changes:
            return
        updated_at = to_micros(self._clock.now())
        for attempt in range(_ATTEMPTS):
            writes = await self._changed(scope, changes)
            if not any(is_written for *_, is_written, _ in writes):
                return  # they were read in one step
            if (await self._write(scope, updated_at, writes))[0]:
                return
            await asyncio.sleep(self._chance.uniform(0, min(_LONGEST_REST_S, _REST_S * 2**attempt)))
        raise Overloaded("the queue of changes to the same documents")

    async def list_documents(self, scope: Scope, kind: str, *, limit: int, after: str | None = None) -> list[Document]:
        """Return up to `limit` documents in order of id (by code point), those after the id `after`."""
        found = await self._run(scope, "list", kind, "-" if after is None else f"({after}", limit)
        return [_document(kind, id.decode(), record) for id, record in zip(found[::2], found[1::2], strict=True)]

    async def delete(self, scope: Scope, kind: str, ids: Sequence[str]) -> int:
        """Delete documents; return how many existed."""
        if not ids:
            return 0
        count: int = await self._run(scope, "delete", kind, *ids, durable=True)
        return count

    async def erase(self, scope: Scope) -> int:
        """Remove every document of a scope; return how many there were."""
        count: int = await self._run(scope, "erase", durable=True)
        return count

    async def ping(self) -> None:
        """Return when the server answers."""
        await self._redis.ping()

    async def _changed(self, scope: Scope, changes: Mapping[DocumentKey, Change]) -> list[_Write]:
        """Read the documents and return what is to be written; each must still be the same then."""
        records = await self._run(scope, "read", *chain.from_iterable(changes))
        return [
            _changed(kind, id, record, change)
            for ((kind, id), change), record in zip(changes.items(), records, strict=True)
        ]

    async def _write(self, scope: Scope, updated_at: int, writes: Iterable[_Write]) -> Any:
        return await self._run(scope, "write", updated_at, *chain.from_iterable(writes), durable=True)

    async def _run(self, scope: Scope, command: str, *args: Argument, durable: bool = False) -> Any:
        return await self._redis.run(_SCRIPT, keys=[_keys(scope)], args=[command, *args], durable=durable)


def _changed(kind: str, id: str, record: bytes | None, change: Change) -> _Write:
    begin, before = (b"", None) if record is None else _split(record)
    after = change(before)
    return (kind, id, begin, 0, b"") if after == before else (kind, id, begin, 1, after)


def _document(kind: str, id: str, record: bytes) -> Document:
    begin, body = _split(record)
    version, updated_at = map(int, begin.split())
    return Document(kind=kind, id=id, version=version, body=body, updated_at=from_micros(updated_at))


def _split(record: bytes) -> tuple[bytes, bytes]:
    """Return how a record begins, ``VERSION MICROSECONDS``, and the body."""
    version, updated_at, body = record.split(b" ", 2)
    return b"%s %s" % (version, updated_at), body


def _keys(scope: Scope) -> str:
    return f"{scope_prefix(scope)}:documents"
