"""The memory index of the server profile, on a Qdrant server that many processes share."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from typing import Self, TypeAlias, TypeVar

from loguru import logger

from memoryos_adapters.settings import QdrantSettings
from memoryos_adapters.storage import inserting, writing
from memoryos_adapters.storage.coalescer import Coalescer
from memoryos_adapters.storage.known import Known
from memoryos_adapters.storage.planned import PlannedMemory
from memoryos_adapters.storage.points import check_entries, check_query
from memoryos_adapters.storage.qdrant_collection import QdrantCollection
from memoryos_adapters.storage.qdrant_engine import QdrantEngine
from memoryos_adapters.storage.qdrant_http import UPSTREAM, QdrantHttp
from memoryos_adapters.storage.requests import Plan
from memoryos_adapters.storage.searching import search
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import EmbedderMismatch, UpstreamError, UpstreamProtocolError
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.memory import Found, IndexEntry, MemoryQuery

T = TypeVar("T")
Inserts: TypeAlias = Coalescer[Sequence[IndexEntry], list[MemoryId]]

# More of them would hold the event loop while they are made into points: .2 ms each.
_ENTRIES_AT_ONCE = 64
_CALLS_AT_ONCE = 64


class QdrantMemory(PlannedMemory):
    """A `MemoryStorage` on a collection of a Qdrant server (1.19 or later), spoken to over REST; built by `open`.

    What other processes write is seen at once: nothing is kept between calls. Calls of `insert` that arrive while
    one is under way share their round trips. An index that turns out later to be another embedder's refuses every
    call with EmbedderMismatch, and `ping` says so as UpstreamProtocolError.
    """

    def __init__(self, collection: QdrantCollection, engine: QdrantEngine, inserts: Inserts) -> None:
        self._collection, self._engine, self._inserts = collection, engine, inserts
        self._has_erased = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: QdrantSettings, stamp: EmbedderStamp, *, ca_file: str | None = None
    ) -> AsyncIterator[Self]:
        """Open the connections. The collection is made or checked now or, when the server is absent, once it is there.

        `ca_file` (PEM) is trusted beside the system's authorities. Raises EmbedderMismatch when the server is there
        and its index holds the vectors of another embedder.
        """
        async with QdrantHttp.open(settings, ca_file=ca_file) as http:
            collection = QdrantCollection(http, settings, stamp)
            try:
                await collection.ready()
            except UpstreamError as exc:
                logger.bind(reason=str(exc)).warning("memory index not reached at the start")
            engine = QdrantEngine(collection, quantized=settings.quantization != "none")
            work = partial(_insert_together, engine)
            async with Coalescer.open(work, at_once=_CALLS_AT_ONCE, upstream=UPSTREAM) as inserts:
                yield cls(collection, engine, inserts)

    @property
    def stamp(self) -> EmbedderStamp:
        """The embedder whose vectors this index holds."""
        return self._collection.stamp

    async def insert(self, entries: Sequence[IndexEntry]) -> list[MemoryId]:
        """Store pages that are not known and return the ids of those that are; durable and searchable on return."""
        check_entries(entries, self.stamp)
        known = [await self._inserts(part) for part in _parts(inserting.first_of_each(entries))]
        return [id for ids in known for id in ids]

    async def put(self, entries: Sequence[IndexEntry]) -> None:
        """Store memories over what their ids had; durable and searchable on return."""
        check_entries(entries, self.stamp)
        for part in _parts([*{entry.memory.id: entry for entry in entries}.values()]):
            await self._run(writing.put(part))

    async def search(self, query: MemoryQuery) -> Found:
        """Return the candidates of a query, in two to four round trips."""
        check_query(query, self.stamp)
        points: dict[str, Known] = {}
        return await self._engine.run(search(points, query), points)

    async def erase(self, scope: Scope) -> int:
        """Remove everything of a scope."""
        self._has_erased = True
        return await super().erase(scope)

    def residue(self) -> str | None:
        """Return what the server's files wait for, as far as this process knows: None when it erased nothing."""
        return "the server keeps its bytes until its optimizer rewrites the segments" if self._has_erased else None

    async def ping(self) -> None:
        """Return when the server answers and its collection is ours."""
        try:
            await self._collection.check()
        except EmbedderMismatch as exc:
            raise UpstreamProtocolError(upstream=UPSTREAM, detail=str(exc)) from exc

    async def _run(self, plan: Plan[T]) -> T:
        return await self._engine.run(plan)


async def _insert_together(engine: QdrantEngine, calls: Sequence[Sequence[IndexEntry]]) -> list[list[MemoryId]]:
    return await engine.run(inserting.insert(calls, inserting.new_claim()))


def _parts(entries: Sequence[IndexEntry]) -> Iterator[list[IndexEntry]]:
    rest = iter(entries)
    while part := [*islice(rest, _ENTRIES_AT_ONCE)]:
        yield part
