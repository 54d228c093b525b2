"""The gateway's wiring: core services over the open adapters."""

from collections.abc import Mapping

from dependency_injector import providers

from memoryos_adapters.container import AdapterContainer
from memoryos_adapters.registry import ConfiguredLlm
from memoryos_adapters.settings import Settings
from memoryos_core.chat.conversations import Conversations
from memoryos_core.chat.memory import ChatMemory, ChatMemorySettings
from memoryos_core.chat.router import ModelRouter, Provider
from memoryos_core.chat.service import ChatService
from memoryos_core.health import Health
from memoryos_core.memory.context import ContextService
from memoryos_core.memory.ingest import Ingest
from memoryos_core.memory.library import Library
from memoryos_core.memory.recall import Recall
from memoryos_core.memory.supersede import Supersession
from memoryos_core.pipeline.handlers import Handlers
from memoryos_core.pipeline.housekeeping import Housekeeping
from memoryos_core.pipeline.runner import Probe, Runner
from memoryos_gateway.app import Services
from memoryos_gateway.auth import Authenticator
from memoryos_ports.clock import Clock


def make_router(llms: tuple[ConfiguredLlm, ...], settings: Settings) -> ModelRouter:
    """Return the router over the configured providers."""
    made = [
        Provider(
            adapter=llm.adapter,
            models=llm.settings.models,
            local=llm.settings.local,
            offline=llm.settings.kind == "noop",
        )
        for llm in llms
    ]
    return ModelRouter(made, default=settings.llm.default_provider, aliases=settings.llm.aliases)


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
    router = providers.Singleton(make_router, AdapterContainer.llms, AdapterContainer.settings)
    conversations = providers.Singleton(Conversations, AdapterContainer.documents)
    ingest = providers.Singleton(
        Ingest,
        events=AdapterContainer.events,
        short_term=AdapterContainer.short_term,
        storage=AdapterContainer.storage,
        embedder=AdapterContainer.embedder,
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
    chat = providers.Singleton(ChatService, router=router, memory=chat_memory)
    health = providers.Singleton(Health, probes=AdapterContainer.probes, clock=AdapterContainer.clock)
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
        router=router,
        ingest=ingest,
        recall=recall,
        context=context,
        library=library,
        health=health,
        authenticator=authenticator,
        clock=AdapterContainer.clock,
    )
