"""The gateway's wiring: core services over the open adapters."""

from collections.abc import Mapping

from dependency_injector import providers

from memoryos_adapters.container import AdapterContainer
from memoryos_adapters.registry import ConfiguredLlm
from memoryos_adapters.settings import RouterTierSettings, Settings
from memoryos_core.chat.conversations import Conversations
from memoryos_core.chat.direct import DIRECT_MODEL, DIRECT_TIER, LOOKUP_TIMEOUT_S, DirectLlm
from memoryos_core.chat.memory import ChatMemory, ChatMemorySettings
from memoryos_core.chat.service import ChatService
from memoryos_core.consolidation.assembly import ConsolidationPolicy, assemble
from memoryos_core.consolidation.learning import Learner
from memoryos_core.consolidation.limits import Limits
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
from memoryos_core.routing.breakers import Breakers, BreakerSettings
from memoryos_core.routing.dispatch import Dispatcher, RetryPolicy
from memoryos_core.routing.plan import Provider, Route, Tier
from memoryos_core.routing.router import ModelRouter
from memoryos_core.routing.usage import UsageBook
from memoryos_gateway.app import Services
from memoryos_gateway.auth import Authenticator
from memoryos_gateway.lifecycle_container import LifecycleContainer
from memoryos_gateway.model_catalog import ModelCatalog
from memoryos_gateway.usage_log import note_usage
from memoryos_ports.clock import Clock
from memoryos_ports.embedding import Embedder
from memoryos_ports.errors import UpstreamUnavailable
from memoryos_ports.faq import FaqMemory
from memoryos_ports.llm import ChatAnswer, ChatRequest

CONSOLIDATION_TIER = "consolidation"
"""What the calls of consolidation are called in the log."""


def make_router(llms: tuple[ConfiguredLlm, ...], settings: Settings, faq: FaqMemory, embedder: Embedder) -> ModelRouter:
    """Return the router over the configured providers and tiers."""
    made = {llm.adapter.name: _make_provider(llm) for llm in llms}
    tiers = [_make_tier(tier, made, faq, embedder) for tier in settings.router.tiers]
    return ModelRouter(
        list(made.values()), default=settings.llm.default_provider, aliases=settings.llm.aliases, tiers=tiers
    )


def _make_provider(llm: ConfiguredLlm) -> Provider:
    return Provider(
        adapter=llm.adapter,
        models=llm.settings.models,
        local=llm.settings.local or llm.settings.kind == "noop",
        offline=llm.settings.kind == "noop",
        total_timeout_s=llm.settings.total_timeout_s,
    )


def _make_tier(tier: RouterTierSettings, made: Mapping[str, Provider], faq: FaqMemory, embedder: Embedder) -> Tier:
    if tier.name == DIRECT_TIER:
        direct = DirectLlm(faq, min_similarity=tier.min_similarity)
        # the question is embedded to find an answer
        local = embedder.local
        provider = Provider(adapter=direct, local=local, offline=True, direct=True, total_timeout_s=LOOKUP_TIMEOUT_S)
        return Tier(name=tier.name, routes=(Route(tier=tier.name, provider=provider, model=DIRECT_MODEL),))
    named = (model.partition("/") for model in tier.models)
    routes = tuple(Route(tier=tier.name, provider=made[name], model=model) for name, _, model in named)
    return Tier(name=tier.name, routes=routes, max_prompt_tokens=tier.max_prompt_tokens)


def make_dispatcher(settings: Settings, breakers: Breakers) -> Dispatcher:
    """Return what retries and falls back, as the settings say."""
    router = settings.router
    policy = RetryPolicy(max_tries=router.max_tries, backoff_s=router.backoff_s, max_wait_s=router.max_wait_s)
    return Dispatcher(policy=policy, breakers=breakers)


def make_breakers(settings: Settings) -> Breakers:
    """Return the circuit breakers, as the settings say."""
    router = settings.router
    return Breakers(BreakerSettings(failures=router.breaker_failures, cooldown_s=router.breaker_cooldown_s))


def make_local_embeddings(settings: Settings, embedder: Embedder) -> Provider:
    """Return the embedder of memory as a provider of one model, as local as the embedder is."""
    return Provider(adapter=LocalEmbeddings(embedder), models=(settings.embedding.kind,), local=embedder.local)


def make_learner(llms: tuple[ConfiguredLlm, ...], settings: Settings, dispatcher: Dispatcher) -> Learner:
    """Return what reads pages: the configured model behind the dispatcher, or rules alone."""
    if settings.consolidation.llm is None:
        return Learner()
    name, _, model = settings.consolidation.llm.partition("/")
    provider = next(_make_provider(llm) for llm in llms if llm.adapter.name == name)
    route = Route(tier=CONSOLIDATION_TIER, provider=provider, model=model)

    async def chat(request: ChatRequest) -> ChatAnswer:
        asked = await dispatcher.run(model, [route], lambda route: route.provider.adapter.chat(request))
        return asked.answer

    return Learner(LlmExtractor(chat, model=model), local=provider.local)


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


def with_llms(
    probes: Mapping[str, Probe | None], llms: tuple[ConfiguredLlm, ...], breakers: Breakers
) -> dict[str, Probe | None]:
    """Return the probes of the stores, and of the providers: of those the breakers tell, never a paid call."""
    asked = [llm.adapter.name for llm in llms if llm.settings.kind != "noop"]
    return {**probes, **{f"llm {name}": _probe_of(name, breakers) for name in asked}}


def _probe_of(provider: str, breakers: Breakers) -> Probe:
    async def probe() -> None:
        if breakers.is_down(provider):
            raise UpstreamUnavailable(upstream=provider, detail="failed too often lately")

    return probe


def make_chat_memory(
    settings: Settings,
    recall: Recall,
    ingest: Ingest,
    conversations: Conversations,
    clock: Clock,
    preferences: Preferences,
    gate: ScopeGate,
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
        enabled=settings.storage.profile != "noop",
    )


def probes_of(probes: Mapping[str, Probe | None]) -> list[Probe]:
    """Return the probes that there are."""
    return [probe for probe in probes.values() if probe is not None]


class GatewayContainer(LifecycleContainer):
    """Everything the gateway runs, resolved at start-up."""

    authenticator = providers.Singleton(Authenticator, AdapterContainer.settings.provided.auth.keys)
    router = providers.Singleton(
        make_router, AdapterContainer.llms, AdapterContainer.settings, AdapterContainer.faq, AdapterContainer.embedder
    )
    usage = providers.Singleton(UsageBook, note=providers.Object(note_usage))
    breakers = providers.Singleton(make_breakers, AdapterContainer.settings)
    dispatcher = providers.Singleton(make_dispatcher, AdapterContainer.settings, breakers)
    context = providers.Singleton(
        ContextService,
        recall=LifecycleContainer.recall,
        short_term=AdapterContainer.short_term,
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
    )
    chat = providers.Singleton(
        ChatService,
        router=router,
        dispatcher=dispatcher,
        memory=chat_memory,
        rules=LifecycleContainer.rules,
        usage=usage,
    )
    embeddings = providers.Singleton(
        EmbeddingsService,
        router=router,
        dispatcher=dispatcher,
        local=providers.Singleton(make_local_embeddings, AdapterContainer.settings, AdapterContainer.embedder),
        rules=LifecycleContainer.rules,
        usage=usage,
    )
    health = providers.Singleton(
        Health,
        probes=providers.Singleton(with_llms, AdapterContainer.probes, AdapterContainer.llms, breakers),
        clock=AdapterContainer.clock,
    )
    supersession = providers.Singleton(
        Supersession,
        documents=AdapterContainer.documents,
        storage=AdapterContainer.storage,
        short_term=AdapterContainer.short_term,
    )
    consolidation = providers.Singleton(
        assemble,
        storage=AdapterContainer.storage,
        documents=AdapterContainer.documents,
        short_term=AdapterContainer.short_term,
        due=AdapterContainer.due,
        events=AdapterContainer.events,
        embedder=AdapterContainer.embedder,
        clock=AdapterContainer.clock,
        learner=providers.Singleton(make_learner, AdapterContainer.llms, AdapterContainer.settings, dispatcher),
        rules=LifecycleContainer.rules,
        policy=providers.Singleton(make_consolidation_policy, AdapterContainer.settings),
        locks=LifecycleContainer.learning_locks,
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
        router=router,
        catalog=providers.Singleton(ModelCatalog, router, embeddings),
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
        erasure=LifecycleContainer.erasure,
        exporter=LifecycleContainer.exporter,
        importer=LifecycleContainer.importer,
        quarantine=LifecycleContainer.quarantine,
        gate=LifecycleContainer.gate,
        health=health,
        authenticator=authenticator,
        clock=AdapterContainer.clock,
    )
