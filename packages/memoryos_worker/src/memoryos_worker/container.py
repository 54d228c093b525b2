"""The worker's wiring: the whole of memory over the open adapters, and what feeds it events."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec
from dependency_injector import providers

from memoryos_adapters.container import AdapterContainer
from memoryos_adapters.metrics import EventMetrics, Metrics
from memoryos_adapters.profiles.adapters import ConfiguredLlm, Probe
from memoryos_adapters.settings import Settings
from memoryos_core.assembly import assemble_memory
from memoryos_core.consolidation.assembly import ConsolidationPolicy
from memoryos_core.consolidation.learning import Learner
from memoryos_core.consolidation.limits import Limits
from memoryos_core.consolidation.model_learner import model_learner
from memoryos_core.health import Health
from memoryos_core.lifecycle.erasure import Forget
from memoryos_core.pipeline.housekeeping import Housekeeping, QueueWatch
from memoryos_core.pipeline.runner import Runner
from memoryos_core.routing.breakers import Breakers, BreakerSettings
from memoryos_core.routing.dispatch import Dispatcher, RetryPolicy
from memoryos_core.routing.plan import Provider
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.safety.redaction import Redactor
from memoryos_core.stores import Stores
from memoryos_ports.clock import Clock
from memoryos_ports.events import EventLog
from memoryos_ports.llm import OwnerCache
from memoryos_worker.worker import Worker

HOUSEKEEPING_EVERY_S = 60.0
"""Entries that other groups keep from being deleted at once count as queued until they are trimmed."""


def make_learner(llms: Sequence[ConfiguredLlm], settings: Settings, rules: SensitiveRules) -> Learner:
    """Return what reads pages: the configured model, with tries and breakers as the router's, or rules alone."""
    if settings.consolidation.llm is None:
        return Learner()
    name, _, model = settings.consolidation.llm.partition("/")
    llm = next(llm for llm in llms if llm.adapter.name == name)
    provider = Provider(
        adapter=llm.adapter,
        local=llm.settings.local or llm.settings.kind == "noop",
        offline=llm.settings.kind == "noop",
        total_timeout_s=llm.settings.total_timeout_s,
    )
    return model_learner(provider, model, make_dispatcher(settings), rules)


def make_dispatcher(settings: Settings) -> Dispatcher:
    """Return what tries a model again and leaves a broken one alone, as the settings say."""
    router = settings.router
    policy = RetryPolicy(max_tries=router.max_tries, backoff_s=router.backoff_s, max_wait_s=router.max_wait_s)
    breakers = BreakerSettings(failures=router.breaker_failures, cooldown_s=router.breaker_cooldown_s)
    return Dispatcher(policy=policy, breakers=Breakers(breakers))


def make_consolidation_policy(settings: Settings) -> ConsolidationPolicy:
    """Return when pages become segments and facts, and what is kept, as the settings say: they have the same names."""
    policy = msgspec.convert(settings.consolidation, ConsolidationPolicy, from_attributes=True)
    limits = msgspec.convert(settings.memory, Limits, from_attributes=True)
    return msgspec.structs.replace(policy, limits=limits)


def caches_of(llms: Sequence[ConfiguredLlm]) -> list[Forget]:
    """Return what empties the caches of adapters that hold something of users' texts."""
    return [llm.adapter.forget for llm in llms if isinstance(llm.adapter, OwnerCache)]


def probes_of(probes: Mapping[str, Probe | None]) -> list[Probe]:
    """Return the probes that there are."""
    return [probe for probe in probes.values() if probe is not None]


def make_housekeeping(settings: Settings, events: EventLog, clock: Clock) -> Housekeeping:
    """Return what tidies the stream up every minute, and forgets receipts as old as the settings say."""
    days = settings.storage.redis.receipts_days
    return Housekeeping(
        events=events, clock=clock, kept=timedelta(days=days) if days else None, every_s=HOUSEKEEPING_EVERY_S
    )


class WorkerContainer(AdapterContainer):
    """Everything a worker runs, resolved at start-up."""

    rules = providers.Singleton(SensitiveRules, AdapterContainer.settings.provided.router.sensitive)
    stores = providers.Singleton(
        Stores,
        clock=AdapterContainer.clock,
        events=AdapterContainer.events,
        short_term=AdapterContainer.short_term,
        documents=AdapterContainer.documents,
        due=AdapterContainer.due,
        storage=AdapterContainer.storage,
        embedder=AdapterContainer.embedder,
        locks=AdapterContainer.locks,
    )
    memory = providers.Singleton(
        assemble_memory,
        stores,
        learner=providers.Singleton(make_learner, AdapterContainer.llms, AdapterContainer.settings, rules),
        rules=rules,
        redactor=providers.Singleton(Redactor, AdapterContainer.settings.provided.privacy.redact),
        policy=providers.Singleton(make_consolidation_policy, AdapterContainer.settings),
        caches=providers.Singleton(caches_of, AdapterContainer.llms),
    )
    metrics = providers.Singleton(Metrics, "memoryos_worker")
    health = providers.Singleton(Health, probes=AdapterContainer.probes, clock=AdapterContainer.clock)
    runner = providers.Singleton(
        Runner,
        events=AdapterContainer.events,
        handlers=memory.provided.admission,
        probes=providers.Callable(probes_of, AdapterContainer.probes),
        clock=AdapterContainer.clock,
        observer=providers.Singleton(EventMetrics, metrics),
        concurrency=AdapterContainer.settings.provided.worker.concurrency,
        batch=AdapterContainer.settings.provided.worker.batch_size,
        wait_s=providers.Callable(lambda settings: settings.worker.block_ms / 1000, AdapterContainer.settings),
    )
    housekeeping = providers.Singleton(
        make_housekeeping, AdapterContainer.settings, AdapterContainer.events, AdapterContainer.clock
    )
    worker = providers.Singleton(
        Worker,
        settings=AdapterContainer.settings,
        health=health,
        runner=runner,
        consolidation=memory.provided.consolidation.loop,
        housekeeping=housekeeping,
        queue_watch=providers.Singleton(QueueWatch, events=AdapterContainer.events, observer=metrics),
    )
