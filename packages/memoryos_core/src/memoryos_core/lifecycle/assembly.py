"""Everything of memory's lifecycle, put together: what takes turns in, edits, deletes and erases them."""

from collections.abc import Sequence

import msgspec

from memoryos_core.chat.conversations import Conversations
from memoryos_core.consolidation.assembly import Consolidation
from memoryos_core.consolidation.locks import ScopeLocks
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
from memoryos_core.memory.indexing import Indexer
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.library import Library
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.safety.redaction import Redactor
from memoryos_core.stores import Stores


class Lifecycle(msgspec.Struct, frozen=True, kw_only=True):
    """The doors through which memory is changed, and the books they keep. `gate` stands before all of them."""

    gate: ScopeGate
    refusals: Refusals
    preferences: Preferences
    registry: Registry
    history: History
    quarantine: Quarantine
    ingest: Ingest
    intake: Intake
    deletion: Deletion
    editing: Editing
    sessions: Sessions
    profile_editing: ProfileEditing
    erasure: Erasure


def assemble_lifecycle(
    stores: Stores,
    *,
    consolidation: Consolidation,
    conversations: Conversations,
    library: Library,
    indexer: Indexer,
    rules: SensitiveRules,
    redactor: Redactor,
    caches: Sequence[Forget],
) -> Lifecycle:
    """Return the lifecycle over open stores; `caches` hold something of users' texts."""
    storage, documents, clock = stores.storage, stores.documents, stores.clock
    gate, edit_locks = ScopeGate(), ScopeLocks(stores.locks, "editing")
    refusals, registry = Refusals(documents), Registry(documents)
    history = History(documents=documents, clock=clock)
    preferences = Preferences(refusals=refusals, clock=clock)
    quarantine = Quarantine(documents=documents, storage=storage, clock=clock)
    ingest = Ingest(
        events=stores.events,
        short_term=stores.short_term,
        storage=storage,
        embedder=stores.embedder,
        sensitive=rules,
        redactor=redactor,
        quarantine=quarantine,
        refusals=refusals if stores.are_shared else None,
    )
    deletion = Deletion(
        library=library,
        derivatives=consolidation.derivatives,
        history=history,
        quarantine=quarantine,
        gate=gate,
        locks=edit_locks,
    )
    editing = Editing(
        library=library,
        storage=storage,
        short_term=stores.short_term,
        indexer=indexer,
        derivatives=consolidation.derivatives,
        backlog=consolidation.backlog,
        history=history,
        quarantine=quarantine,
        refusals=refusals,
        gate=gate,
        locks=edit_locks,
        rules=rules,
        redactor=redactor,
    )
    sessions = Sessions(
        library=library,
        events=stores.events,
        conversations=conversations,
        deletion=deletion,
        refusals=refusals,
        registry=registry,
        gate=gate,
        locks=edit_locks,
        clock=clock,
    )
    profile_editing = ProfileEditing(
        profile=consolidation.profile,
        facts=consolidation.facts,
        derivatives=consolidation.derivatives,
        refusals=refusals,
        gate=gate,
        locks=consolidation.locks,
        clock=clock,
        rules=rules,
    )
    erasure = Erasure(
        stores=erasable_stores(
            events=stores.events,
            short_term=stores.short_term,
            documents=documents,
            storage=storage,
            due=stores.due,
            quarantine=quarantine,
            registry=registry,
        ),
        residual=residual_stores(index=storage),
        refusals=refusals,
        caches=caches,
        preferences=preferences,
        gate=gate,
        edit_locks=edit_locks,
        locks=consolidation.locks,
        clock=clock,
    )
    return Lifecycle(
        gate=gate,
        refusals=refusals,
        preferences=preferences,
        registry=registry,
        history=history,
        quarantine=quarantine,
        ingest=ingest,
        intake=Intake(ingest=ingest, preferences=preferences, gate=gate, clock=clock),
        deletion=deletion,
        editing=editing,
        sessions=sessions,
        profile_editing=profile_editing,
        erasure=erasure,
    )
