"""Every FAQ memory, by name: a new adapter is one more entry."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import msgspec

from memoryos_adapters.documents.sqlite import SCHEMA, SqliteDocuments
from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_adapters.faq.documents import DocumentFaq
from memoryos_adapters.faq.noop import NoopFaq
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_ports.documents import DocumentStore
from memoryos_ports.embedding import Embedder
from memoryos_ports.faq import FaqMemory
from tests.support.faults import Faults, faulty
from tests.support.memory_stack import FixedClock


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """An empty `DocumentFaq` over a real store, and what is behind it."""

    faq: FaqMemory
    documents: DocumentStore
    clock: FixedClock
    store_faults: Faults
    embedder_faults: Faults

    def beside(self, embedder: Embedder | None = None) -> FaqMemory:
        """Return the FAQ memory of another process over the same store, by another embedder if one is given."""
        return DocumentFaq(self.documents, embedder or HashedEmbedder(), self.clock)


@asynccontextmanager
async def open_shelf() -> AsyncIterator[Shelf]:
    """Open a store in memory."""
    clock, store_faults, embedder_faults = FixedClock(), Faults(), Faults()
    async with SqliteDatabase.open(":memory:", schemas=[SCHEMA]) as db:
        documents: DocumentStore = faulty(SqliteDocuments(db, clock), store_faults)
        embedder: Embedder = faulty(HashedEmbedder(), embedder_faults)
        yield Shelf(
            faq=DocumentFaq(documents, embedder, clock),
            documents=documents,
            clock=clock,
            store_faults=store_faults,
            embedder_faults=embedder_faults,
        )


@asynccontextmanager
async def open_documents() -> AsyncIterator[FaqMemory]:
    """Open an empty memory of documents."""
    async with open_shelf() as shelf:
        yield shelf.faq


@asynccontextmanager
async def open_noop() -> AsyncIterator[FaqMemory]:
    """Open the one that keeps nothing."""
    yield NoopFaq()


Opener: TypeAlias = Callable[[], AbstractAsyncContextManager[FaqMemory]]

KEEPING: dict[str, Opener] = {"documents": open_documents}
"""Those that keep entries."""

ALL: dict[str, Opener] = {**KEEPING, "noop": open_noop}
