"""Everything of consolidation, put together over open stores."""

import msgspec

from memoryos_core.consolidation.backlog import QUIET_S, Backlog
from memoryos_core.consolidation.consolidator import Consolidator
from memoryos_core.consolidation.derivatives import Derivatives
from memoryos_core.consolidation.fact_store import FactStore
from memoryos_core.consolidation.forgetting import Forgetting
from memoryos_core.consolidation.learning import Learner
from memoryos_core.consolidation.limits import Limits
from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.consolidation.loop import ConsolidationLoop
from memoryos_core.consolidation.places import Places
from memoryos_core.consolidation.profile import ProfileService
from memoryos_core.consolidation.promotion import HEAT_THRESHOLD, Promoter
from memoryos_core.consolidation.recording import Recorder
from memoryos_core.consolidation.segment_store import SegmentStore
from memoryos_core.consolidation.segments import SIMILARITY
from memoryos_core.consolidation.sorting import Sorter
from memoryos_core.consolidation.visit_loop import VisitLoop
from memoryos_core.consolidation.visits import Visits
from memoryos_core.memory.embedding_policy import GuardedEmbedder
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.safety.redaction import Redactor
from memoryos_core.stores import Stores


class ConsolidationPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When pages are sorted (`quiet_s` seconds after the first of them), joined and promoted, and what is kept."""

    quiet_s: float = QUIET_S
    similarity: float = SIMILARITY
    heat_threshold: float = HEAT_THRESHOLD
    limits: Limits = Limits()


class Consolidation(msgspec.Struct, frozen=True, kw_only=True):
    """What others use of consolidation, and what runs it. `locks` are for whoever changes what was learnt.

    `loop` is for processes that apply events, `visit_loop` for those that answer questions.
    """

    locks: ScopeLocks
    places: Places
    segments: SegmentStore
    facts: FactStore
    profile: ProfileService
    backlog: Backlog
    derivatives: Derivatives
    visits: Visits
    consolidator: Consolidator
    loop: ConsolidationLoop
    visit_loop: VisitLoop


def assemble_consolidation(
    stores: Stores,
    *,
    learner: Learner,
    rules: SensitiveRules | None = None,
    redactor: Redactor | None = None,
    policy: ConsolidationPolicy | None = None,
) -> Consolidation:
    """Return consolidation over open stores; `learner` reads the pages."""
    policy, locks = policy or ConsolidationPolicy(), ScopeLocks(stores.locks, "learning")
    storage, documents, clock = stores.storage, stores.documents, stores.clock
    guarded, places = GuardedEmbedder(stores.embedder, rules), Places(documents)
    segments = SegmentStore(storage=storage, documents=documents, embedder=guarded)
    facts = FactStore(storage=storage, documents=documents, embedder=guarded)
    profile = ProfileService(documents, redactor)
    recorder = Recorder(facts=facts, places=places, profile=profile, clock=clock)
    backlog = Backlog(documents=documents, due=stores.due, clock=clock, quiet_s=policy.quiet_s)
    visits = Visits(segments=segments, places=places, due=stores.due, locks=locks, clock=clock)
    sorter = Sorter(
        storage=storage,
        segments=segments,
        places=places,
        backlog=backlog,
        recorder=recorder,
        locks=locks,
        similarity=policy.similarity,
    )
    promoter = Promoter(
        storage=storage,
        segments=segments,
        recorder=recorder,
        learner=learner,
        locks=locks,
        clock=clock,
        threshold=policy.heat_threshold,
    )
    forgetting = Forgetting(
        storage=storage,
        short_term=stores.short_term,
        segments=segments,
        facts=facts,
        profile=profile,
        locks=locks,
        clock=clock,
        limits=policy.limits,
    )
    consolidator = Consolidator(due=stores.due, sorter=sorter, promoter=promoter, forgetting=forgetting, clock=clock)
    return Consolidation(
        locks=locks,
        places=places,
        segments=segments,
        facts=facts,
        profile=profile,
        backlog=backlog,
        derivatives=Derivatives(
            storage=storage, segments=segments, facts=facts, places=places, profile=profile, locks=locks
        ),
        visits=visits,
        consolidator=consolidator,
        loop=ConsolidationLoop(consolidator=consolidator, events=stores.events, clock=clock),
        visit_loop=VisitLoop(visits),
    )
