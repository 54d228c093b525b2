"""A FAQ memory in a document store: few entries per tenant, compared one by one."""

from collections import OrderedDict
from collections.abc import AsyncIterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from memoryos_ports.clock import Clock
from memoryos_ports.documents import DocumentStore
from memoryos_ports.embedding import Embedder, Vector
from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.faq import FaqEntry, FaqMatch
from memoryos_ports.ids import Scope, TenantId, UserId

KIND = "faq"

_OWNER = UserId("#faq")  # no user can be called so: outer ids begin with a letter or digit
_PAGE = 200
_FRESH_S = 5.0  # another process may have changed the entries
_TENANTS_KEPT = 64
_SAME = 1e-6  # cosines that are nearer to each other are one: their sums may be made in another order


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    """An entry with the vector of its question, and the stamp of the embedder that made it."""

    entry: FaqEntry
    stamp: str
    vector: Vector


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """The approved entries of a tenant; row i of `vectors` belongs to entry i."""

    read_at: float
    entries: list[FaqEntry]
    vectors: NDArray[np.float32]

    def nearest(self, vector: Vector) -> FaqMatch:
        """Return the entry whose vector is nearest, of equal ones that with the greatest id; there must be one."""
        cosines = np.clip(self.vectors @ np.asarray(vector, np.float32), -1.0, 1.0)
        best = np.flatnonzero(cosines >= cosines.max() - _SAME)
        row = max(best.tolist(), key=lambda row: self.entries[row].id)
        return FaqMatch(entry=self.entries[row], similarity=float(cosines[row]))


class DocumentFaq:
    """A `FaqMemory` of documents; a tenant's entries are read again after 5 s, or at once after a write here.

    An entry whose vector another embedder made is not found until it is written again.
    """

    def __init__(self, documents: DocumentStore, embedder: Embedder, clock: Clock) -> None:
        self._documents, self._embedder, self._clock = documents, embedder, clock
        self._known: OrderedDict[TenantId, _Known] = OrderedDict()
        self._writes = 0  # what was read before a write and comes in after it is not kept

    async def match(self, tenant_id: TenantId, question: str) -> FaqMatch | None:
        """Return the approved entry that is nearest to the question."""
        known = await self._approved(tenant_id)
        if not known.entries:
            return None
        (vector,) = await self._embedder.embed([question])
        return known.nearest(vector)

    async def put(self, tenant_id: TenantId, entry: FaqEntry) -> None:
        """Write an entry, with the vector of its question."""
        (vector,) = await self._embedder.embed([entry.question])
        stored = _Stored(entry=entry, stamp=str(self._embedder.stamp), vector=vector)
        await self._documents.put(_scope(tenant_id), KIND, entry.id, msgspec.json.encode(stored))
        self._forget(tenant_id)

    async def delete(self, tenant_id: TenantId, entry_id: str) -> bool:
        """Delete an entry."""
        existed = await self._documents.delete(_scope(tenant_id), KIND, [entry_id])
        self._forget(tenant_id)
        return bool(existed)

    def _forget(self, tenant_id: TenantId) -> None:
        self._writes += 1
        self._known.pop(tenant_id, None)

    async def _approved(self, tenant_id: TenantId) -> _Known:
        now = self._clock.monotonic()
        known = self._known.get(tenant_id)
        if known is None or now - known.read_at >= _FRESH_S:
            writes, known = self._writes, await self._read(tenant_id, now)
            if writes != self._writes:
                return known
            self._known[tenant_id] = known
        self._known.move_to_end(tenant_id)
        while len(self._known) > _TENANTS_KEPT:
            self._known.popitem(last=False)
        return known

    async def _read(self, tenant_id: TenantId, now: float) -> _Known:
        stamp = self._embedder.stamp
        entries: list[FaqEntry] = []
        rows: list[NDArray[np.float32]] = []
        async for stored in self._stored(tenant_id):
            if stored.entry.approved and stored.stamp == str(stamp):
                entries.append(stored.entry)
                rows.append(_row(stored.vector, stamp.dimensions))
        vectors = np.stack(rows) if rows else np.empty((0, stamp.dimensions), np.float32)
        return _Known(read_at=now, entries=entries, vectors=vectors)

    async def _stored(self, tenant_id: TenantId) -> AsyncIterator[_Stored]:
        last: str | None = None
        while True:
            documents = await self._documents.list_documents(_scope(tenant_id), KIND, limit=_PAGE, after=last)
            for document in documents:
                yield _decoded(document.body)
            if len(documents) < _PAGE:
                return
            last = documents[-1].id


def _decoded(body: bytes) -> _Stored:
    try:
        return msgspec.json.decode(body, type=_Stored)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise UpstreamProtocolError(upstream="faq", detail="an entry that cannot be read") from exc


def _scope(tenant_id: TenantId) -> Scope:
    return Scope(tenant_id=tenant_id, user_id=_OWNER)


def _row(vector: Vector, dimensions: int) -> NDArray[np.float32]:
    if len(vector) != dimensions:
        raise UpstreamProtocolError(upstream="faq", detail="a vector of another length than its embedder's")
    return np.asarray(vector, np.float32)
