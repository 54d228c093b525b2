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
from memoryos_core.embeddings.local import LocalEmbeddings
from memoryos_core.embeddings.service import EmbeddingsService
from memoryos_core.health import Health
from memoryos_core.memory.context import ContextService
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.library import Library
from memoryos_core.memory.recall import Recall
from memoryos_core.memory.supersede import Supersession
from memoryos_core.pipeline.handlers import Handlers
from memoryos_core.pipeline.housekeeping import Housekeeping
from memoryos_core.pipeline.runner import Probe, Runner
from memoryos_core.routing.breakers import Breakers, BreakerSettings
from memoryos_core.routing.dispatch import Dispatcher, RetryPolicy
from memoryos_core.routing.plan import Provider, Route, Tier
from memoryos_core.routing.router import ModelRouter
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.routing.usage import UsageBook
from memoryos_gateway.app import Services
from memoryos_gateway.auth import Authenticator
from memoryos_gateway.model_catalog import ModelCatalog
from memoryos_gateway.usage_log import note_usage
from memoryos_ports.clock import Clock
from memoryos_ports.embedding import Embedder
from memoryos_ports.errors import UpstreamUnavailable
from memoryos_ports.faq import FaqMemory


def make_router(llms: tuple[ConfiguredLlm, ...], settings: Settings, faq: FaqMemory) -> ModelRouter:
    """Return the router over the configured providers and tiers."""
    made = {
        llm.adapter.name: Provider(
            adapter=llm.adapter,
            models=llm.settings.models,
            local=llm.settings.local or llm.settings.kind == "noop",
            offline=llm.settings.kind == "noop",
            total_timeout_s=llm.settings.total_timeout_s,
        )
        for llm in llms
    }
    tiers = [_make_tier(tier, made, faq) for tier in settings.router.tiers]
    return ModelRouter(
        list(made.values()), default=settings.llm.default_provider, aliases=settings.llm.aliases, tiers=tiers
    )


def _make_tier(tier: RouterTierSettings, made: Mapping[str, Provider], faq: FaqMemory) -> Tier:
    if tier.name == DIRECT_TIER:
        direct = DirectLlm(faq, min_similarity=tier.min_similarity)
        provider = Provider(adapter=direct, local=True, offline=True, direct=True, total_timeout_s=LOOKUP_TIMEOUT_S)
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
    """Return the embedder of memory as a provider of one model."""
    return Provider(adapter=LocalEmbeddings(embedder), models=(settings.embedding.kind,), local=True)


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
    settings: Settings, recall: Recall, ingest: Ingest, conversations: Conversations, clock: Clock
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
        enabled=settings.storage.profile != "noop",
    )


def probes_of(probes: Mapping[str, Probe | None]) -> list[Probe]:
    """Return the probes that there are."""
    return [probe for probe in probes.values() if probe is not None]


class GatewayContainer(AdapterContainer):
    """Everything the gateway runs, resolved at start-up."""

    authenticator = providers.Singleton(Authenticator, AdapterContainer.settings.provided.auth.keys)
    router = providers.Singleton(make_router, AdapterContainer.llms, AdapterContainer.settings, AdapterContainer.faq)
    rules = providers.Singleton(SensitiveRules, AdapterContainer.settings.provided.router.sensitive)
    usage = providers.Singleton(UsageBook, note=providers.Object(note_usage))
    breakers = providers.Singleton(make_breakers, AdapterContainer.settings)
    dispatcher = providers.Singleton(make_dispatcher, AdapterContainer.settings, breakers)
    conversations = providers.Singleton(Conversations, AdapterContainer.documents)
    ingest = providers.Singleton(
        Ingest,
        events=AdapterContainer.events,
        short_term=AdapterContainer.short_term,
        storage=AdapterContainer.storage,
        embedder=AdapterContainer.embedder,
        sensitive=rules,
    )
    recall = providers.Singleton(
        Recall,
        storage=AdapterContainer.storage,
        short_term=AdapterContainer.short_term,
        embedder=AdapterContainer.embedder,
    )
    context = providers.Singleton(
        ContextService,
        recall=recall,
        short_term=AdapterContainer.short_term,
        budget_tokens=AdapterContainer.settings.provided.memory.budget_tokens,
    )
    library = providers.Singleton(Library, storage=AdapterContainer.storage, short_term=AdapterContainer.short_term)
    chat_memory = providers.Singleton(
        make_chat_memory,
        settings=AdapterContainer.settings,
        recall=recall,
        ingest=ingest,
        conversations=conversations,
        clock=AdapterContainer.clock,
    )
    chat = providers.Singleton(
        ChatService, router=router, dispatcher=dispatcher, memory=chat_memory, rules=rules, usage=usage
    )
    embeddings = providers.Singleton(
        EmbeddingsService,
        router=router,
        dispatcher=dispatcher,
        local=providers.Singleton(make_local_embeddings, AdapterContainer.settings, AdapterContainer.embedder),
        rules=rules,
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
    handlers = providers.Singleton(Handlers, ingest=ingest, supersession=supersession, conversations=conversations)
    runner = providers.Singleton(
        Runner,
        events=AdapterContainer.events,
        handlers=handlers,
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
        ingest=ingest,
        recall=recall,
        context=context,
        library=library,
        health=health,
        authenticator=authenticator,
        clock=AdapterContainer.clock,
    )
