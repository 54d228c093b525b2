"""The gateway's wiring: core services over the open adapters."""

from collections.abc import Mapping

from dependency_injector import providers

from memoryos_adapters.container import AdapterContainer
from memoryos_adapters.registry import ConfiguredLlm
from memoryos_adapters.settings import Settings
from memoryos_core.chat.conversations import Conversations
from memoryos_core.chat.memory import ChatMemory, ChatMemorySettings
from memoryos_core.chat.service import ChatService
from memoryos_core.consolidation.assembly import ConsolidationPolicy, assemble
from memoryos_core.consolidation.learning import Learner
from memoryos_core.consolidation.limits import Limits
from memoryos_core.consolidation.visits import Visits
from memoryos_core.embeddings.local import LocalEmbeddings
from memoryos_core.embeddings.service import EmbeddingsService
from memoryos_core.extraction.llm import LlmExtractor
from memoryos_core.health import Health
from memoryos_core.lifecycle.admission import Admission
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.preferences import Preferences
from memoryos_core.memory.context import ContextService
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.recall import Recall
from memoryos_core.memory.supersede import Supersession
from memoryos_core.pipeline.handlers import Handlers
from memoryos_core.pipeline.housekeeping import Housekeeping
from memoryos_core.pipeline.runner import Probe, Runner
from memoryos_core.routing.dispatch import Dispatcher
from memoryos_core.routing.plan import Provider, Route
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.safety.redaction import Redactor
from memoryos_gateway.app import Services
from memoryos_gateway.auth import Authenticator
from memoryos_gateway.lifecycle_container import LifecycleContainer
from memoryos_gateway.model_catalog import ModelCatalog
from memoryos_gateway.routing_container import RoutingContainer, make_provider, with_llms
from memoryos_ports.clock import Clock
from memoryos_ports.embedding import Embedder
from memoryos_ports.llm import ChatAnswer, ChatRequest

CONSOLIDATION_TIER = "consolidation"
"""What the calls of consolidation are called in the log."""


def make_local_embeddings(settings: Settings, embedder: Embedder) -> Provider:
    """Return the embedder of memory as a provider of one model, as local as the embedder is."""
    return Provider(adapter=LocalEmbeddings(embedder), models=(settings.embedding.kind,), local=embedder.local)


def make_learner(
    llms: tuple[ConfiguredLlm, ...], settings: Settings, dispatcher: Dispatcher, rules: SensitiveRules
) -> Learner:
    """Return what reads pages: the configured model behind the dispatcher, or rules alone."""
    if settings.consolidation.llm is None:
        return Learner()
    name, _, model = settings.consolidation.llm.partition("/")
    provider = next(make_provider(llm) for llm in llms if llm.adapter.name == name)
    route = Route(tier=CONSOLIDATION_TIER, provider=provider, model=model)

    async def chat(request: ChatRequest) -> ChatAnswer:
        asked = await dispatcher.run(model, [route], lambda route: route.provider.adapter.chat(request))
        return asked.answer

    return Learner(LlmExtractor(chat, model=model), local=provider.local, rules=rules)


def make_consolidation_policy(settings: Settings) -> ConsolidationPolicy:
    """Return when pages become segments and facts, and what is kept, as the settings say."""
    memory, consolidation = settings.memory, settings.consolidation
    return ConsolidationPolicy(
        quiet_s=consolidation.quiet_s,
        similarity=consolidation.similarity,
        heat_threshold=consolidation.heat_threshold,
        limits=Limits(
            page_ttl_days=memory.page_ttl_days,
            fact_ttl_days=memory.fact_ttl_days,
            segment_ttl_days=memory.segment_ttl_days,
            max_segments=memory.max_segments,
            max_facts=memory.max_facts,
        ),
    )


def make_chat_memory(
    settings: Settings,
    recall: Recall,
    ingest: Ingest,
    conversations: Conversations,
    clock: Clock,
    preferences: Preferences,
    gate: ScopeGate,
    redactor: Redactor,
    visits: Visits,
) -> ChatMemory:
    """Return the memory side of chats, switched off by the noop profile."""
    limits = ChatMemorySettings(
        budget_tokens=settings.memory.budget_tokens, recall_timeout_s=settings.memory.recall_timeout_ms / 1000
    )
    return ChatMemory(
        recall=recall,
        ingest=ingest,
        conversations=conversations,
        clock=clock,
        settings=limits,
        preferences=preferences,
        gate=gate,
        redactor=redactor,
        visits=visits,
        enabled=settings.storage.profile != "noop",
    )


def probes_of(probes: Mapping[str, Probe | None]) -> list[Probe]:
    """Return the probes that there are."""
    return [probe for probe in probes.values() if probe is not None]


class GatewayContainer(RoutingContainer, LifecycleContainer):
    """Everything the gateway runs, resolved at start-up."""

    authenticator = providers.Singleton(Authenticator, AdapterContainer.settings.provided.auth.keys)
    consolidation = providers.Singleton(
        assemble,
        storage=AdapterContainer.storage,
        documents=AdapterContainer.documents,
        short_term=AdapterContainer.short_term,
        due=AdapterContainer.due,
        events=AdapterContainer.events,
        embedder=AdapterContainer.embedder,
        clock=AdapterContainer.clock,
        learner=providers.Singleton(
            make_learner,
            AdapterContainer.llms,
            AdapterContainer.settings,
            RoutingContainer.dispatcher,
            LifecycleContainer.rules,
        ),
        rules=LifecycleContainer.rules,
        policy=providers.Singleton(make_consolidation_policy, AdapterContainer.settings),
        locks=LifecycleContainer.learning_locks,
    )
    context = providers.Singleton(
        ContextService,
        recall=LifecycleContainer.recall,
        short_term=AdapterContainer.short_term,
        profile=LifecycleContainer.profile,
        visits=consolidation.provided.visits,
        budget_tokens=AdapterContainer.settings.provided.memory.budget_tokens,
    )
    chat_memory = providers.Singleton(
        make_chat_memory,
        settings=AdapterContainer.settings,
        recall=LifecycleContainer.recall,
        ingest=LifecycleContainer.ingest,
        conversations=LifecycleContainer.conversations,
        clock=AdapterContainer.clock,
        preferences=LifecycleContainer.preferences,
        gate=LifecycleContainer.gate,
        redactor=LifecycleContainer.redactor,
        visits=consolidation.provided.visits,
    )
    chat = providers.Singleton(
        ChatService,
        router=RoutingContainer.router,
        dispatcher=RoutingContainer.dispatcher,
        memory=chat_memory,
        rules=LifecycleContainer.rules,
        usage=RoutingContainer.usage,
    )
    embeddings = providers.Singleton(
        EmbeddingsService,
        router=RoutingContainer.router,
        dispatcher=RoutingContainer.dispatcher,
        local=providers.Singleton(make_local_embeddings, AdapterContainer.settings, AdapterContainer.embedder),
        rules=LifecycleContainer.rules,
        usage=RoutingContainer.usage,
    )
    health = providers.Singleton(
        Health,
        probes=providers.Singleton(
            with_llms, AdapterContainer.probes, AdapterContainer.llms, RoutingContainer.breakers
        ),
        clock=AdapterContainer.clock,
    )
    supersession = providers.Singleton(
        Supersession,
        documents=AdapterContainer.documents,
        storage=AdapterContainer.storage,
        short_term=AdapterContainer.short_term,
    )
    handlers = providers.Singleton(
        Handlers,
        ingest=LifecycleContainer.ingest,
        supersession=supersession,
        conversations=LifecycleContainer.conversations,
        backlog=consolidation.provided.backlog,
        derivatives=consolidation.provided.derivatives,
    )
    admission = providers.Singleton(
        Admission,
        handlers=handlers,
        refusals=LifecycleContainer.refusals,
        registry=LifecycleContainer.registry,
        conversations=LifecycleContainer.conversations,
        storage=AdapterContainer.storage,
        short_term=AdapterContainer.short_term,
        gate=LifecycleContainer.gate,
    )
    runner = providers.Singleton(
        Runner,
        events=AdapterContainer.events,
        handlers=admission,
        probes=providers.Callable(probes_of, AdapterContainer.probes),
        clock=AdapterContainer.clock,
        concurrency=AdapterContainer.settings.provided.worker.concurrency,
    )
    housekeeping = providers.Singleton(Housekeeping, events=AdapterContainer.events, clock=AdapterContainer.clock)
    services = providers.Singleton(
        Services,
        chat=chat,
        embeddings=embeddings,
        router=RoutingContainer.router,
        catalog=providers.Singleton(ModelCatalog, RoutingContainer.router, embeddings),
        ingest=LifecycleContainer.ingest,
        recall=LifecycleContainer.recall,
        context=context,
        library=LifecycleContainer.library,
        intake=LifecycleContainer.intake,
        deletion=LifecycleContainer.deletion,
        editing=LifecycleContainer.editing,
        history=LifecycleContainer.history,
        registry=LifecycleContainer.registry,
        sessions=LifecycleContainer.sessions,
        preferences=LifecycleContainer.preferences,
        profile=LifecycleContainer.profile,
        profile_editing=LifecycleContainer.profile_editing,
        erasure=LifecycleContainer.erasure,
        exporter=LifecycleContainer.exporter,
        importer=LifecycleContainer.importer,
        quarantine=LifecycleContainer.quarantine,
        gate=LifecycleContainer.gate,
        health=health,
        authenticator=authenticator,
        clock=AdapterContainer.clock,
    )
