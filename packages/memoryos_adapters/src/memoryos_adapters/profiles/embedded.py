"""The embedded profile: SQLite and the Qdrant engine in the data directory."""

from contextlib import AsyncExitStack
from pathlib import Path

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.documents.sqlite import SCHEMA as DOCUMENTS_SCHEMA
from memoryos_adapters.documents.sqlite import SqliteDocuments
from memoryos_adapters.due.sqlite import SCHEMA as DUE_SCHEMA
from memoryos_adapters.due.sqlite import SqliteDue
from memoryos_adapters.events.outbox import NoOutbox
from memoryos_adapters.events.sqlite import SCHEMA as EVENTS_SCHEMA
from memoryos_adapters.events.sqlite import SqliteEvents
from memoryos_adapters.faq.documents import DocumentFaq
from memoryos_adapters.http import Http
from memoryos_adapters.locks.local import LocalLocks
from memoryos_adapters.profiles.adapters import Adapters, ConfiguredLlm
from memoryos_adapters.profiles.embedders import open_embedder
from memoryos_adapters.settings import Settings
from memoryos_adapters.short_term.sqlite import SCHEMA as SHORT_TERM_SCHEMA
from memoryos_adapters.short_term.sqlite import SqliteShortTerm
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_adapters.storage.edge_stamp import read_stamped_shard
from memoryos_adapters.storage.qdrant_edge import QdrantEdgeMemory
from memoryos_ports.embedding import EmbedderStamp


async def open_embedded(
    stack: AsyncExitStack,
    settings: Settings,
    http: Http,
    llms: tuple[ConfiguredLlm, ...],
    *,
    database: Path,
    index: Path,
) -> Adapters:
    """Return the adapters, which `stack` closes."""
    clock = SystemClock()
    embedder, embedder_probes = await open_embedder(stack, settings, http, stored=stored_stamp(index))
    schemas = (SHORT_TERM_SCHEMA, EVENTS_SCHEMA, DOCUMENTS_SCHEMA, DUE_SCHEMA)
    db = await stack.enter_async_context(SqliteDatabase.open(database, schemas=schemas))
    storage = await stack.enter_async_context(QdrantEdgeMemory.open(index, embedder.stamp))
    documents, events = SqliteDocuments(db, clock), SqliteEvents(db, clock, max_queue=settings.storage.max_queue)
    due = SqliteDue(db, clock)
    await due.release_all()  # the data directory is ours alone, so who claimed them is dead
    return Adapters(
        clock=clock,
        short_term=SqliteShortTerm(db),
        events=events,
        documents=documents,
        due=due,
        dead_letters=events,
        outbox=NoOutbox(),
        locks=LocalLocks(),
        faq=DocumentFaq(documents, embedder, clock),
        storage=storage,
        embedder=embedder,
        llms=llms,
        probes={"sqlite": db.ping, "qdrant-edge": storage.ping, **embedder_probes},
    )


def stored_stamp(index: Path) -> EmbedderStamp | None:
    """Return whose vectors the index holds, None when there is none."""
    stored = read_stamped_shard(index)
    return None if stored is None else stored.stamp
