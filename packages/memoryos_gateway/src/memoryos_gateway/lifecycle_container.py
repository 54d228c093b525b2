"""The wiring of memory's lifecycle: what takes turns in, edits, deletes, exports and erases them."""

from collections.abc import Callable, Sequence

from dependency_injector import providers

from memoryos_adapters.container import AdapterContainer
from memoryos_adapters.registry import ConfiguredLlm
from memoryos_core.chat.conversations import Conversations
from memoryos_core.consolidation.backlog import Backlog
from memoryos_core.consolidation.derivatives import Derivatives
from memoryos_core.consolidation.fact_store import FactStore
from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.consolidation.places import Places
from memoryos_core.consolidation.profile import ProfileService
from memoryos_core.consolidation.segment_store import SegmentStore
from memoryos_core.lifecycle.deletion import Deletion
from memoryos_core.lifecycle.editing import Editing
from memoryos_core.lifecycle.erasure import Erasure, Forget, erasable_stores, residual_stores
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.history import History
from memoryos_core.lifecycle.intake import Intake
from memoryos_core.lifecycle.preferences import Preferences
from memoryos_core.lifecycle.profile_editing import ProfileEditing
from memoryos_core.lifecycle.quarantine import Quarantine
from memoryos_core.lifecycle.refusals import Refusals
from memoryos_core.lifecycle.registry import Registry
from memoryos_core.lifecycle.sessions import Sessions
from memoryos_core.memory.embedding_policy import GuardedEmbedder
from memoryos_core.memory.indexing import Indexer
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.library import Library
from memoryos_core.memory.recall import Recall
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.safety.redaction import Redactor
from memoryos_core.transfer.batch import BatchWriter
from memoryos_core.transfer.exporting import Exporter
from memoryos_core.transfer.importing import Importer
from memoryos_core.transfer.notes import NoteWriter
from memoryos_core.transfer.segments import SegmentRestorer
from memoryos_ports.embedding import Embedder, EmbeddingCache
from memoryos_ports.llm import OwnerCache


def caches_of(recall: Recall, embedder: Embedder, llms: Sequence[ConfiguredLlm]) -> list[Forget]:
    """Return what empties the caches that hold something of users' texts, those of vectors whoever is forgotten."""
    vectors = [recall.forget, *([embedder.forget] if isinstance(embedder, EmbeddingCache) else [])]
    adapters = [llm.adapter for llm in llms]
    return [*map(_of_all, vectors), *(adapter.forget for adapter in adapters if isinstance(adapter, OwnerCache))]


def _of_all(forget: Callable[[], None]) -> Forget:
    return lambda _: forget()


class LifecycleContainer(AdapterContainer):
    """Memory itself, without the chats that use it."""

    rules = providers.Singleton(SensitiveRules, AdapterContainer.settings.provided.router.sensitive)
    redactor = providers.Singleton(Redactor, AdapterContainer.settings.provided.privacy.redact)
    gate = providers.Singleton(ScopeGate)
    edit_locks = providers.Singleton(ScopeLocks)
    learning_locks = providers.Singleton(ScopeLocks)
    guarded_embedder = providers.Singleton(GuardedEmbedder, AdapterContainer.embedder, rules)
    indexer = providers.Singleton(Indexer, AdapterContainer.embedder, rules)
    conversations = providers.Singleton(Conversations, AdapterContainer.documents)
    refusals = providers.Singleton(Refusals, AdapterContainer.documents)
    registry = providers.Singleton(Registry, AdapterContainer.documents)
    history = providers.Singleton(History, documents=AdapterContainer.documents, clock=AdapterContainer.clock)
    preferences = providers.Singleton(Preferences, refusals=refusals, clock=AdapterContainer.clock)
    quarantine = providers.Singleton(
        Quarantine,
        documents=AdapterContainer.documents,
        storage=AdapterContainer.storage,
        clock=AdapterContainer.clock,
    )
    places = providers.Singleton(Places, AdapterContainer.documents)
    profile = providers.Singleton(ProfileService, AdapterContainer.documents, redactor)
    segment_store = providers.Singleton(
        SegmentStore,
        storage=AdapterContainer.storage,
        documents=AdapterContainer.documents,
        embedder=guarded_embedder,
    )
    fact_store = providers.Singleton(
        FactStore,
        storage=AdapterContainer.storage,
        documents=AdapterContainer.documents,
        embedder=guarded_embedder,
    )
    backlog = providers.Singleton(
        Backlog,
        documents=AdapterContainer.documents,
        due=AdapterContainer.due,
        clock=AdapterContainer.clock,
        quiet_s=AdapterContainer.settings.provided.consolidation.quiet_s,
    )
    derivatives = providers.Singleton(
        Derivatives,
        storage=AdapterContainer.storage,
        segments=segment_store,
        facts=fact_store,
        places=places,
        profile=profile,
        locks=learning_locks,
    )
    profile_editing = providers.Singleton(
        ProfileEditing,
        profile=profile,
        facts=fact_store,
        derivatives=derivatives,
        gate=gate,
        locks=learning_locks,
        clock=AdapterContainer.clock,
        rules=rules,
    )
    ingest = providers.Singleton(
        Ingest,
        events=AdapterContainer.events,
        short_term=AdapterContainer.short_term,
        storage=AdapterContainer.storage,
        embedder=AdapterContainer.embedder,
        sensitive=rules,
        redactor=redactor,
        quarantine=quarantine,
    )
    intake = providers.Singleton(
        Intake, ingest=ingest, preferences=preferences, gate=gate, clock=AdapterContainer.clock
    )
    recall = providers.Singleton(
        Recall,
        storage=AdapterContainer.storage,
        short_term=AdapterContainer.short_term,
        embedder=AdapterContainer.embedder,
        rules=rules,
        redactor=redactor,
    )
    library = providers.Singleton(Library, storage=AdapterContainer.storage, short_term=AdapterContainer.short_term)
    deletion = providers.Singleton(
        Deletion,
        library=library,
        derivatives=derivatives,
        history=history,
        quarantine=quarantine,
        gate=gate,
        locks=edit_locks,
    )
    editing = providers.Singleton(
        Editing,
        library=library,
        storage=AdapterContainer.storage,
        short_term=AdapterContainer.short_term,
        indexer=indexer,
        derivatives=derivatives,
        backlog=backlog,
        history=history,
        quarantine=quarantine,
        gate=gate,
        locks=edit_locks,
        rules=rules,
        redactor=redactor,
    )
    sessions = providers.Singleton(
        Sessions,
        library=library,
        events=AdapterContainer.events,
        conversations=conversations,
        deletion=deletion,
        refusals=refusals,
        registry=registry,
        gate=gate,
        clock=AdapterContainer.clock,
    )
    erasure = providers.Singleton(
        Erasure,
        stores=providers.Singleton(
            erasable_stores,
            events=AdapterContainer.events,
            short_term=AdapterContainer.short_term,
            documents=AdapterContainer.documents,
            storage=AdapterContainer.storage,
            due=AdapterContainer.due,
            quarantine=quarantine,
            registry=registry,
        ),
        residual=providers.Singleton(residual_stores, index=AdapterContainer.storage),
        refusals=refusals,
        caches=providers.Singleton(caches_of, recall, AdapterContainer.embedder, AdapterContainer.llms),
        preferences=preferences,
        gate=gate,
        locks=learning_locks,
        clock=AdapterContainer.clock,
    )
    exporter = providers.Singleton(
        Exporter,
        library=library,
        recall=recall,
        documents=AdapterContainer.documents,
        facts=fact_store,
        profile=profile,
        preferences=preferences,
        clock=AdapterContainer.clock,
    )
    importer = providers.Singleton(
        Importer,
        batches=providers.Singleton(
            BatchWriter,
            storage=AdapterContainer.storage,
            short_term=AdapterContainer.short_term,
            indexer=indexer,
            quarantine=quarantine,
            registry=registry,
            facts=fact_store,
            segments=providers.Singleton(SegmentRestorer, segments=segment_store, places=places),
            backlog=backlog,
        ),
        notes=providers.Singleton(
            NoteWriter,
            documents=AdapterContainer.documents,
            storage=AdapterContainer.storage,
            short_term=AdapterContainer.short_term,
        ),
        preferences=preferences,
        refusals=refusals,
        gate=gate,
        clock=AdapterContainer.clock,
        rules=rules,
        redactor=redactor,
    )
