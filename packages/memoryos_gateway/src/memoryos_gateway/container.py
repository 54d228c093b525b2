"""The gateway's wiring: core services over the open adapters."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from dependency_injector import providers

from memoryos_adapters.container import AdapterContainer
from memoryos_adapters.profiles.adapters import OUTBOX_PROBE
from memoryos_adapters.settings import Settings
from memoryos_core.chat.conversations import Conversations
from memoryos_core.chat.memory import ChatMemory, ChatMemorySettings
from memoryos_core.chat.service import ChatService
from memoryos_core.consolidation.visits import Visits
from memoryos_core.embeddings.local import LocalEmbeddings
from memoryos_core.embeddings.service import EmbeddingsService
from memoryos_core.health import Health
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.preferences import Preferences
from memoryos_core.lifecycle.refusals import Refusals
from memoryos_core.memory.context import ContextService
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.recall import Recall
from memoryos_core.pipeline.housekeeping import Housekeeping, QueueWatch
from memoryos_core.pipeline.runner import Probe, Runner
from memoryos_core.routing.plan import Provider
from memoryos_core.safety.redaction import Redactor
from memoryos_gateway.app import Services
from memoryos_gateway.auth import Authenticator
from memoryos_gateway.consuming import make_event_observer
from memoryos_gateway.gateway_watch import GatewayWatch
from memoryos_gateway.memory_container import MemoryContainer
from memoryos_gateway.model_catalog import ModelCatalog
from memoryos_gateway.routing_container import RoutingContainer, with_llms
from memoryos_ports.clock import Clock
from memoryos_ports.embedding import Embedder
from memoryos_ports.events import EventLog
from memoryos_ports.outbox import Outbox

TIDY_STREAM_EVERY_S: Final = 60.0
"""As a worker does."""


def make_local_embeddings(settings: Settings, embedder: Embedder) -> Provider:
    """Return the embedder of memory as a provider of one model, as local as the embedder is."""
    return Provider(adapter=LocalEmbeddings(embedder), models=(settings.embedding.kind,), local=embedder.local)


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
    refusals: Refusals,
) -> ChatMemory:
    """Return the memory side of chats, switched off by the noop profile."""
    limits = ChatMemorySettings(
        budget_tokens=settings.memory.budget_tokens,
        recall_timeout_s=settings.memory.recall_timeout_ms / 1000,
        store_wait_s=settings.memory.store_wait_ms / 1000,
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
        refusals=refusals,
        enabled=settings.storage.profile != "noop",
    )


def probes_of(probes: Mapping[str, Probe | None]) -> list[Probe]:
    """Return the probes of what events need to be applied."""
    return [probe for name, probe in probes.items() if probe is not None and name != OUTBOX_PROBE]


def make_housekeeping(settings: Settings, events: EventLog, clock: Clock) -> Housekeeping:
    """Return what forgets old receipts: on the server profile when and as the settings say, as a worker does."""
    if settings.storage.profile != "server":
        return Housekeeping(events=events, clock=clock)
    days = settings.storage.redis.receipts_days
    kept = timedelta(days=days) if days else None
    return Housekeeping(events=events, clock=clock, kept=kept, every_s=TIDY_STREAM_EVERY_S)


def shown_outbox(settings: Settings, outbox: Outbox) -> Outbox | None:
    """Return the outbox whose state a gateway tells: of a profile that has none, none."""
    return outbox if settings.storage.profile == "server" else None


class GatewayContainer(MemoryContainer):
    """Everything the gateway runs, resolved at start-up."""

    authenticator = providers.Singleton(Authenticator, AdapterContainer.settings.provided.auth.keys)
    context = providers.Singleton(
        ContextService,
        recall=MemoryContainer.recall,
        short_term=AdapterContainer.short_term,
        profile=MemoryContainer.profile,
        visits=MemoryContainer.visits,
        budget_tokens=AdapterContainer.settings.provided.memory.budget_tokens,
    )
    chat_memory = providers.Singleton(
        make_chat_memory,
        settings=AdapterContainer.settings,
        recall=MemoryContainer.recall,
        ingest=MemoryContainer.ingest,
        conversations=MemoryContainer.conversations,
        clock=AdapterContainer.clock,
        preferences=MemoryContainer.preferences,
        gate=MemoryContainer.gate,
        redactor=MemoryContainer.redactor,
        visits=MemoryContainer.visits,
        refusals=MemoryContainer.refusals,
    )
    chat = providers.Singleton(
        ChatService,
        router=RoutingContainer.router,
        dispatcher=RoutingContainer.dispatcher,
        memory=chat_memory,
        rules=MemoryContainer.rules,
        usage=RoutingContainer.usage,
    )
    embeddings = providers.Singleton(
        EmbeddingsService,
        router=RoutingContainer.router,
        dispatcher=RoutingContainer.dispatcher,
        local=providers.Singleton(make_local_embeddings, AdapterContainer.settings, AdapterContainer.embedder),
        rules=MemoryContainer.rules,
        usage=RoutingContainer.usage,
    )
    health = providers.Singleton(
        Health,
        probes=providers.Singleton(
            with_llms, AdapterContainer.probes, AdapterContainer.llms, RoutingContainer.breakers
        ),
        clock=AdapterContainer.clock,
    )
    runner = providers.Singleton(
        Runner,
        events=AdapterContainer.events,
        handlers=MemoryContainer.admission,
        probes=providers.Callable(probes_of, AdapterContainer.probes),
        clock=AdapterContainer.clock,
        observer=providers.Singleton(make_event_observer, AdapterContainer.settings, RoutingContainer.metrics),
        concurrency=AdapterContainer.settings.provided.worker.concurrency,
        batch=AdapterContainer.settings.provided.worker.batch_size,
    )
    queue_watch = providers.Singleton(QueueWatch, events=AdapterContainer.events, observer=RoutingContainer.metrics)
    watch = providers.Singleton(
        GatewayWatch,
        outbox=AdapterContainer.outbox,
        chat_memory=chat_memory,
        metrics=RoutingContainer.gateway_metrics,
    )
    housekeeping = providers.Singleton(
        make_housekeeping, AdapterContainer.settings, AdapterContainer.events, AdapterContainer.clock
    )
    services = providers.Singleton(
        Services,
        chat=chat,
        embeddings=embeddings,
        router=RoutingContainer.router,
        catalog=providers.Singleton(ModelCatalog, RoutingContainer.router, embeddings),
        ingest=MemoryContainer.ingest,
        recall=MemoryContainer.recall,
        context=context,
        library=MemoryContainer.library,
        intake=MemoryContainer.intake,
        deletion=MemoryContainer.deletion,
        editing=MemoryContainer.editing,
        history=MemoryContainer.history,
        registry=MemoryContainer.registry,
        sessions=MemoryContainer.sessions,
        preferences=MemoryContainer.preferences,
        profile=MemoryContainer.profile,
        profile_editing=MemoryContainer.profile_editing,
        erasure=MemoryContainer.erasure,
        exporter=MemoryContainer.exporter,
        importer=MemoryContainer.importer,
        quarantine=MemoryContainer.quarantine,
        gate=MemoryContainer.gate,
        health=health,
        outbox=providers.Callable(shown_outbox, AdapterContainer.settings, AdapterContainer.outbox),
        metrics=RoutingContainer.metrics,
        gateway_metrics=RoutingContainer.gateway_metrics,
        authenticator=authenticator,
        clock=AdapterContainer.clock,
    )
