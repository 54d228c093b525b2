"""The wiring of routing: providers and tiers, what retries and falls back between them, and what it costs."""

from collections.abc import Mapping

from dependency_injector import providers

from memoryos_adapters.container import AdapterContainer
from memoryos_adapters.metrics import GatewayMetrics, Metrics
from memoryos_adapters.profiles.adapters import ConfiguredLlm
from memoryos_adapters.settings import RouterTierSettings, Settings
from memoryos_core.chat.direct import DIRECT_MODEL, DIRECT_TIER, LOOKUP_TIMEOUT_S, DirectLlm
from memoryos_core.pipeline.runner import Probe
from memoryos_core.routing.breakers import Breakers, BreakerSettings
from memoryos_core.routing.dispatch import Dispatcher, RetryPolicy
from memoryos_core.routing.plan import Provider, Route, Tier
from memoryos_core.routing.router import ModelRouter
from memoryos_core.routing.usage import UsageBook
from memoryos_gateway.usage_log import make_usage_notes
from memoryos_ports.embedding import Embedder
from memoryos_ports.errors import UpstreamUnavailable
from memoryos_ports.faq import FaqMemory


def make_router(llms: tuple[ConfiguredLlm, ...], settings: Settings, faq: FaqMemory, embedder: Embedder) -> ModelRouter:
    """Return the router over the configured providers and tiers."""
    made = {llm.adapter.name: make_provider(llm) for llm in llms}
    tiers = [_make_tier(tier, made, faq, embedder) for tier in settings.router.tiers]
    return ModelRouter(
        list(made.values()), default=settings.llm.default_provider, aliases=settings.llm.aliases, tiers=tiers
    )


def make_provider(llm: ConfiguredLlm) -> Provider:
    """Return a configured provider as the router knows it."""
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


class RoutingContainer(AdapterContainer):
    """The way to the models, for chats, embeddings and consolidation alike."""

    router = providers.Singleton(
        make_router, AdapterContainer.llms, AdapterContainer.settings, AdapterContainer.faq, AdapterContainer.embedder
    )
    metrics = providers.Singleton(Metrics, "memoryos_gateway")
    gateway_metrics = providers.Singleton(GatewayMetrics, metrics)
    usage = providers.Singleton(
        UsageBook, note=providers.Singleton(make_usage_notes, gateway_metrics, AdapterContainer.settings)
    )
    breakers = providers.Singleton(make_breakers, AdapterContainer.settings)
    dispatcher = providers.Singleton(make_dispatcher, AdapterContainer.settings, breakers)
