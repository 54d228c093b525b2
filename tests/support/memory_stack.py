"""The real stores of the embedded profile under the whole of core, on a clock that stands still until it is told."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from memoryos_adapters.documents.sqlite import SCHEMA as DOCUMENTS
from memoryos_adapters.documents.sqlite import SqliteDocuments
from memoryos_adapters.due.sqlite import SCHEMA as DUE
from memoryos_adapters.due.sqlite import SqliteDue
from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_adapters.events.sqlite import SCHEMA as EVENTS
from memoryos_adapters.events.sqlite import SqliteEvents
from memoryos_adapters.locks.local import LocalLocks
from memoryos_adapters.short_term.sqlite import SCHEMA as SHORT_TERM
from memoryos_adapters.short_term.sqlite import SqliteShortTerm
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_adapters.storage.qdrant_edge import QdrantEdgeMemory
from memoryos_core.chat.conversations import Conversations
from memoryos_core.chat.copies import Copies
from memoryos_core.chat.memory import ChatMemory, ChatMemorySettings
from memoryos_core.chat.service import ChatService
from memoryos_core.consolidation.assembly import Consolidation, ConsolidationPolicy, assemble_consolidation
from memoryos_core.consolidation.learning import Learner
from memoryos_core.lifecycle.admission import AppliesEvents
from memoryos_core.lifecycle.history import History
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.library import Library
from memoryos_core.memory.pack import chronological
from memoryos_core.memory.recall import Recall
from memoryos_core.memory.supersede import Supersession
from memoryos_core.pipeline.handlers import Handlers
from memoryos_core.pipeline.policy import RetryPolicy
from memoryos_core.pipeline.runner import Runner
from memoryos_core.routing.plan import Provider
from memoryos_core.stores import Stores
from memoryos_ports.documents import DocumentStore
from memoryos_ports.due import DueSet
from memoryos_ports.embedding import Embedder
from memoryos_ports.event_wire import decode_event
from memoryos_ports.events import EventLog, TurnsEvent
from memoryos_ports.ids import Scope
from memoryos_ports.llm import LlmAdapter
from memoryos_ports.locks import Locks
from memoryos_ports.memory import MemoryStorage, Page, only_pages
from memoryos_ports.short_term import ShortTermStore
from tests.support.faults import Faults, faulty
from tests.support.makers import ANA, NOON, make_event, make_question
from tests.support.routing import chat_service

AT_ONCE = RetryPolicy(base_s=0.0)
_SHARED_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2**30
PATIENT = ChatMemorySettings(recall_timeout_s=5.0, store_wait_s=5.0)


class FixedClock:
    """A clock that goes on only when it is told, or by `tick_s` seconds with every look."""

    def __init__(self, moment: datetime = NOON, *, tick_s: float = 0.0) -> None:
        self.moment = moment
        self._tick = timedelta(seconds=tick_s)

    def now(self) -> datetime:
        """Return the moment that was set."""
        self.moment += self._tick
        return self.moment

    def monotonic(self) -> float:
        """Return the same moment in seconds."""
        return self.moment.timestamp()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)


class StoreFaults(msgspec.Struct, frozen=True, kw_only=True):
    """The switches of the stores of a stack."""

    events: Faults
    short_term: Faults
    documents: Faults
    due: Faults
    storage: Faults
    embedder: Faults


class MemoryStack(msgspec.Struct, frozen=True, kw_only=True):
    """Open stores, and core over them."""

    clock: FixedClock
    faults: StoreFaults
    events: EventLog
    short_term: ShortTermStore
    documents: DocumentStore
    due: DueSet
    storage: MemoryStorage
    embedder: Embedder
    locks: Locks
    ingest: Ingest
    recall: Recall
    library: Library
    conversations: Conversations
    supersession: Supersession
    handlers: AppliesEvents
    learner: Learner
    consolidation: Consolidation
    memory: ChatMemory

    def chat(self, llm: LlmAdapter, *, offline: bool = False) -> ChatService:
        """Return the chat service in front of this memory; `offline` says that no model stands behind `llm`."""
        return chat_service([Provider(adapter=llm, offline=offline, local=offline)], memory=self.memory)

    def runner(self, *, policy: RetryPolicy = AT_ONCE, concurrency: int = 32) -> Runner:
        """Return a runner over the stores."""
        return Runner(
            events=self.events,
            handlers=self.handlers,
            probes=[self.events.ping, self.storage.ping],
            clock=self.clock,
            policy=policy,
            concurrency=concurrency,
        )

    async def take(self) -> list[TurnsEvent]:
        """Return what is queued, acknowledged but not applied."""
        await self.memory.drain()
        events = []
        for delivery in await self.events.receive(limit=1000, wait_s=0):
            events.append(decode_event(delivery.payload, entry_id=delivery.handle, received_at=self.clock.now()))
            await self.events.ack(delivery)
        return events

    async def settle(self) -> None:
        """Apply all that is queued."""
        for event in await self.take():
            await self.handlers.apply(event)

    async def ingest_text(self, text: str, scope: Scope = ANA) -> None:
        """Remember one more turn of the user, applied at once."""
        now = self.clock.now()
        await self.handlers.apply(make_event(f"text-{now.timestamp()}", text, scope=scope, at=now))

    async def pages(self, scope: Scope = ANA) -> list[Page]:
        """Return every page of a scope that the index holds, oldest first."""
        return chronological(only_pages((await self.storage.list_memories(scope, limit=1000)).memories))

    async def turns(self, scope: Scope = ANA) -> list[tuple[str, str]]:
        """Return role and text of what is remembered, applied or not, oldest first."""
        await self.settle()
        return [(page.role, page.text) for page in await self.pages(scope)]

    async def found(self, text: str, scope: Scope = ANA) -> set[str]:
        """Return the texts of the pages that a question brings up."""
        return {hit.page.text for hit in (await self.recall.search(make_question(text, scope=scope))).hits}


@contextmanager
def fast_directory() -> Iterator[Path]:
    """Make a directory for as long as the block lasts: in memory where the machine offers it, because a shard syncs."""
    offered = _SHARED_MEMORY.is_dir() and shutil.disk_usage(_SHARED_MEMORY).free > _ROOM_BYTES
    with TemporaryDirectory(dir=_SHARED_MEMORY if offered else None) as directory:
        yield Path(directory)


@asynccontextmanager
async def open_stack(
    directory: Path,
    *,
    settings: ChatMemorySettings = PATIENT,
    database: Path | str = ":memory:",
    learner: Learner | None = None,
    policy: ConsolidationPolicy | None = None,
) -> AsyncIterator[MemoryStack]:
    """Open the stores, the index in `directory`, the rest in memory unless told otherwise."""
    clock = FixedClock(tick_s=0.001)
    faults = StoreFaults(
        events=Faults(),
        short_term=Faults(),
        documents=Faults(),
        due=Faults(),
        storage=Faults(),
        embedder=Faults(),
    )
    embedder: Embedder = faulty(HashedEmbedder(), faults.embedder)
    async with (
        SqliteDatabase.open(database, schemas=(SHORT_TERM, EVENTS, DOCUMENTS, DUE)) as db,
        QdrantEdgeMemory.open(directory / "index", embedder.stamp) as index,
    ):
        events: EventLog = faulty(SqliteEvents(db, clock), faults.events)
        short_term: ShortTermStore = faulty(SqliteShortTerm(db), faults.short_term)
        documents: DocumentStore = faulty(SqliteDocuments(db, clock), faults.documents)
        due: DueSet = faulty(SqliteDue(db, clock), faults.due)
        storage: MemoryStorage = faulty(index, faults.storage)
        stores = Stores(
            clock=clock,
            events=events,
            short_term=short_term,
            documents=documents,
            due=due,
            storage=storage,
            embedder=embedder,
            locks=LocalLocks(),
        )
        ingest = Ingest(events=events, short_term=short_term, storage=storage, embedder=embedder)
        recall = Recall(storage=storage, short_term=short_term, embedder=embedder)
        conversations = Conversations(documents)
        supersession = Supersession(documents=documents, storage=storage, short_term=short_term)
        learner = learner or Learner()
        consolidation = assemble_consolidation(stores, learner=learner, policy=policy)
        yield MemoryStack(
            clock=clock,
            faults=faults,
            events=events,
            short_term=short_term,
            documents=documents,
            due=due,
            storage=storage,
            embedder=embedder,
            locks=stores.locks,
            ingest=ingest,
            recall=recall,
            library=Library(storage=storage, short_term=short_term),
            conversations=conversations,
            supersession=supersession,
            handlers=Handlers(
                ingest=ingest,
                supersession=supersession,
                copies=Copies(
                    conversations=conversations, history=History(documents=documents, clock=clock), storage=storage
                ),
                backlog=consolidation.backlog,
                derivatives=consolidation.derivatives,
            ),
            learner=learner,
            consolidation=consolidation,
            memory=ChatMemory(
                recall=recall,
                ingest=ingest,
                conversations=conversations,
                clock=clock,
                settings=settings,
                visits=consolidation.visits,
            ),
        )


def stores_of(stack: MemoryStack) -> Stores:
    """Return the stores of a stack."""
    return Stores(**{name: getattr(stack, name) for name in Stores.__struct_fields__ if name != "are_shared"})
