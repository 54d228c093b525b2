"""A FAQ memory in a document store: few entries per tenant, compared one by one."""

from collections import OrderedDict
from collections.abc import AsyncIterator

import msgspec

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


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    """An entry with the vector of its question, and the stamp of the embedder that made it."""

    entry: FaqEntry
    stamp: str
    vector: Vector


class DocumentFaq:
    """A `FaqMemory` of documents; a tenant's entries are read again after 5 s, or at once after a write here.

    An entry whose vector another embedder made is not found until it is written again.
    """

    def __init__(self, documents: DocumentStore, embedder: Embedder, clock: Clock) -> None:
        self._documents, self._embedder, self._clock = documents, embedder, clock
        self._known: OrderedDict[TenantId, tuple[float, list[_Stored]]] = OrderedDict()
        self._writes = 0  # what was read before a write and comes in after it is not kept

    async def match(self, tenant_id: TenantId, question: str) -> FaqMatch | None:
        """Return the approved entry that is nearest to the question."""
        entries = await self._approved(tenant_id)
        if not entries:
            return None
        (vector,) = await self._embedder.embed([question])
        return max(
            (FaqMatch(entry=stored.entry, similarity=_dot(vector, stored.vector)) for stored in entries),
            key=lambda match: (match.similarity, match.entry.id),
        )

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

    async def _approved(self, tenant_id: TenantId) -> list[_Stored]:
        now = self._clock.monotonic()
        if (known := self._known.get(tenant_id)) is not None and now - known[0] < _FRESH_S:
            return known[1]
        stamp, writes = str(self._embedder.stamp), self._writes
        entries = [s async for s in self._read(tenant_id) if s.entry.approved and s.stamp == stamp]
        if writes == self._writes:
            self._known[tenant_id] = now, entries
        while len(self._known) > _TENANTS_KEPT:
            self._known.popitem(last=False)
        return entries

    async def _read(self, tenant_id: TenantId) -> AsyncIterator[_Stored]:
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


def _dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
