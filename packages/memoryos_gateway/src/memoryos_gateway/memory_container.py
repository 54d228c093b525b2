"""The wiring of memory: core's assembly over the open stores, and its parts by name for whoever serves them."""

from collections.abc import Sequence

import msgspec
from dependency_injector import providers

from memoryos_adapters.container import AdapterContainer
from memoryos_adapters.profiles.adapters import ConfiguredLlm
from memoryos_adapters.settings import Settings
from memoryos_core.assembly import assemble_memory
from memoryos_core.consolidation.assembly import ConsolidationPolicy
from memoryos_core.consolidation.learning import Learner
from memoryos_core.consolidation.limits import Limits
from memoryos_core.consolidation.model_learner import model_learner
from memoryos_core.lifecycle.erasure import Forget
from memoryos_core.routing.dispatch import Dispatcher
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.safety.redaction import Redactor
from memoryos_core.stores import Stores
from memoryos_gateway.counted_events import CountedEvents
from memoryos_gateway.routing_container import RoutingContainer, make_provider
from memoryos_ports.llm import OwnerCache


def make_learner(
    llms: Sequence[ConfiguredLlm], settings: Settings, dispatcher: Dispatcher, rules: SensitiveRules
) -> Learner:
    """Return what reads pages: the configured model behind the dispatcher, or rules alone."""
    if settings.consolidation.llm is None:
        return Learner()
    name, _, model = settings.consolidation.llm.partition("/")
    provider = next(make_provider(llm) for llm in llms if llm.adapter.name == name)
    return model_learner(provider, model, dispatcher, rules)


def make_consolidation_policy(settings: Settings) -> ConsolidationPolicy:
    """Return when pages become segments and facts, and what is kept, as the settings say: they have the same names."""
    policy = msgspec.convert(settings.consolidation, ConsolidationPolicy, from_attributes=True)
    limits = msgspec.convert(settings.memory, Limits, from_attributes=True)
    return msgspec.structs.replace(policy, limits=limits)


def caches_of(llms: Sequence[ConfiguredLlm]) -> list[Forget]:
    """Return what empties the caches of adapters that hold something of users' texts."""
    return [llm.adapter.forget for llm in llms if isinstance(llm.adapter, OwnerCache)]


def are_shared(settings: Settings) -> bool:
    """Return whether other processes may use the stores: the data directory of the embedded profile is one's own."""
    return settings.storage.profile == "server"


class MemoryContainer(RoutingContainer):
    """Memory itself, without the chats that use it."""

    rules = providers.Singleton(SensitiveRules, AdapterContainer.settings.provided.router.sensitive)
    redactor = providers.Singleton(Redactor, AdapterContainer.settings.provided.privacy.redact)
    stores = providers.Singleton(
        Stores,
        clock=AdapterContainer.clock,
        events=providers.Singleton(CountedEvents, AdapterContainer.events, RoutingContainer.gateway_metrics),
        short_term=AdapterContainer.short_term,
        documents=AdapterContainer.documents,
        due=AdapterContainer.due,
        storage=AdapterContainer.storage,
        embedder=AdapterContainer.embedder,
        locks=AdapterContainer.locks,
        are_shared=providers.Callable(are_shared, AdapterContainer.settings),
    )
    memory = providers.Singleton(
        assemble_memory,
        stores,
        learner=providers.Singleton(
            make_learner, AdapterContainer.llms, AdapterContainer.settings, RoutingContainer.dispatcher, rules
        ),
        rules=rules,
        redactor=redactor,
        policy=providers.Singleton(make_consolidation_policy, AdapterContainer.settings),
        caches=providers.Singleton(caches_of, AdapterContainer.llms),
    )
    recall = memory.provided.recall
    library = memory.provided.library
    conversations = memory.provided.conversations
    admission = memory.provided.admission
    exporter = memory.provided.exporter
    importer = memory.provided.importer
    consolidation = memory.provided.consolidation
    derivatives = consolidation.derivatives
    fact_store = consolidation.facts
    segment_store = consolidation.segments
    learning_locks = consolidation.locks
    profile = consolidation.profile
    visits = consolidation.visits
    lifecycle = memory.provided.lifecycle
    gate = lifecycle.gate
    preferences = lifecycle.preferences
    refusals = lifecycle.refusals
    registry = lifecycle.registry
    history = lifecycle.history
    quarantine = lifecycle.quarantine
    ingest = lifecycle.ingest
    intake = lifecycle.intake
    deletion = lifecycle.deletion
    editing = lifecycle.editing
    sessions = lifecycle.sessions
    profile_editing = lifecycle.profile_editing
    erasure = lifecycle.erasure
