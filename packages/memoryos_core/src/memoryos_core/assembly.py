"""The whole of memory, put together over open stores: what every process of MemoryOS runs, and who imports core alone.

::

    memory = assemble_memory(stores)
    receipt = await memory.lifecycle.intake.accept(event)
"""

from collections.abc import Callable, Sequence

import msgspec

from memoryos_core.chat.conversations import Conversations
from memoryos_core.chat.copies import Copies
from memoryos_core.consolidation.assembly import Consolidation, ConsolidationPolicy, assemble_consolidation
from memoryos_core.consolidation.learning import Learner
from memoryos_core.lifecycle.admission import Admission
from memoryos_core.lifecycle.assembly import Lifecycle, assemble_lifecycle
from memoryos_core.lifecycle.erasure import Forget
from memoryos_core.memory.indexing import Indexer
from memoryos_core.memory.library import Library
from memoryos_core.memory.recall import Recall
from memoryos_core.memory.supersede import Supersession
from memoryos_core.pipeline.handlers import Handlers
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.safety.redaction import Redactor
from memoryos_core.stores import Stores
from memoryos_core.transfer.batch import BatchWriter
from memoryos_core.transfer.exporting import Exporter
from memoryos_core.transfer.importing import Importer
from memoryos_core.transfer.notes import NoteWriter
from memoryos_core.transfer.segments import SegmentRestorer
from memoryos_ports.embedding import EmbeddingCache


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Memory over its stores. `admission` applies events; a runner feeds it."""

    recall: Recall
    library: Library
    conversations: Conversations
    consolidation: Consolidation
    lifecycle: Lifecycle
    admission: Admission
    exporter: Exporter
    importer: Importer


def assemble_memory(
    stores: Stores,
    *,
    learner: Learner | None = None,
    rules: SensitiveRules | None = None,
    redactor: Redactor | None = None,
    policy: ConsolidationPolicy | None = None,
    caches: Sequence[Forget] = (),
) -> Memory:
    """Return memory over open stores.

    `learner` reads pages (None: rules alone), `rules` say what is sensitive, `redactor` what is taken out of texts;
    `caches` hold something of users' texts and drop it when they are erased.
    """
    rules, redactor = rules or SensitiveRules(), redactor or Redactor()
    recall = Recall(
        storage=stores.storage,
        short_term=stores.short_term,
        embedder=stores.embedder,
        rules=rules,
        redactor=redactor,
    )
    library = Library(storage=stores.storage, short_term=stores.short_term)
    conversations, indexer = Conversations(stores.documents), Indexer(stores.embedder, rules)
    consolidation = assemble_consolidation(
        stores, learner=learner or Learner(), rules=rules, redactor=redactor, policy=policy
    )
    lifecycle = assemble_lifecycle(
        stores,
        consolidation=consolidation,
        conversations=conversations,
        library=library,
        indexer=indexer,
        rules=rules,
        redactor=redactor,
        caches=[*_vector_caches(stores, recall), *caches],
    )
    return Memory(
        recall=recall,
        library=library,
        conversations=conversations,
        consolidation=consolidation,
        lifecycle=lifecycle,
        admission=_admission(stores, consolidation, lifecycle, conversations),
        exporter=Exporter(
            library=library,
            recall=recall,
            documents=stores.documents,
            facts=consolidation.facts,
            profile=consolidation.profile,
            preferences=lifecycle.preferences,
            clock=stores.clock,
        ),
        importer=_importer(stores, consolidation, lifecycle, indexer, rules, redactor),
    )


def _vector_caches(stores: Stores, recall: Recall) -> list[Forget]:
    """Return what empties the caches of vectors, whoever is forgotten: they cannot tell."""
    forgets = [recall.forget, *([stores.embedder.forget] if isinstance(stores.embedder, EmbeddingCache) else [])]
    return [_of_all(forget) for forget in forgets]


def _of_all(forget: Callable[[], None]) -> Forget:
    return lambda _: forget()


def _admission(
    stores: Stores, consolidation: Consolidation, lifecycle: Lifecycle, conversations: Conversations
) -> Admission:
    supersession = Supersession(documents=stores.documents, storage=stores.storage, short_term=stores.short_term)
    handlers = Handlers(
        ingest=lifecycle.ingest,
        supersession=supersession,
        copies=Copies(conversations=conversations, history=lifecycle.history, storage=stores.storage),
        backlog=consolidation.backlog,
        derivatives=consolidation.derivatives,
    )
    return Admission(
        handlers=handlers,
        refusals=lifecycle.refusals,
        registry=lifecycle.registry,
        conversations=conversations,
        ingest=lifecycle.ingest,
        gate=lifecycle.gate,
    )


def _importer(
    stores: Stores,
    consolidation: Consolidation,
    lifecycle: Lifecycle,
    indexer: Indexer,
    rules: SensitiveRules,
    redactor: Redactor,
) -> Importer:
    batches = BatchWriter(
        storage=stores.storage,
        short_term=stores.short_term,
        indexer=indexer,
        quarantine=lifecycle.quarantine,
        registry=lifecycle.registry,
        facts=consolidation.facts,
        segments=SegmentRestorer(segments=consolidation.segments, places=consolidation.places),
        backlog=consolidation.backlog,
    )
    notes = NoteWriter(documents=stores.documents, storage=stores.storage, short_term=stores.short_term)
    return Importer(
        batches=batches,
        notes=notes,
        preferences=lifecycle.preferences,
        refusals=lifecycle.refusals,
        gate=lifecycle.gate,
        locks=consolidation.locks,
        clock=stores.clock,
        rules=rules,
        redactor=redactor,
    )
