"""The one place that names concrete adapters: from settings to open adapters of every port."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import msgspec

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.documents.noop import NoopDocuments
from memoryos_adapters.documents.sqlite import SCHEMA as DOCUMENTS_SCHEMA
from memoryos_adapters.documents.sqlite import SqliteDocuments
from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_adapters.embedding.minilm import MiniLmEmbedder
from memoryos_adapters.events.noop import NoopEvents
from memoryos_adapters.events.sqlite import SCHEMA as EVENTS_SCHEMA
from memoryos_adapters.events.sqlite import SqliteEvents
from memoryos_adapters.faq.documents import DocumentFaq
from memoryos_adapters.faq.noop import NoopFaq
from memoryos_adapters.http import Http, open_http
from memoryos_adapters.llm.anthropic.adapter import AnthropicLlm
from memoryos_adapters.llm.azure_openai.adapter import AzureOpenAiLlm
from memoryos_adapters.llm.deepseek.adapter import DeepSeekLlm
from memoryos_adapters.llm.gemini.adapter import GeminiLlm
from memoryos_adapters.llm.noop import NoopLlm
from memoryos_adapters.llm.ollama.adapter import OllamaLlm
from memoryos_adapters.llm.openai.adapter import OpenAiCompatibleLlm
from memoryos_adapters.llm.openrouter.adapter import OpenRouterLlm
from memoryos_adapters.settings import LlmProviderSettings, ProviderKind, Settings
from memoryos_adapters.short_term.noop import NoopShortTerm
from memoryos_adapters.short_term.sqlite import SCHEMA as SHORT_TERM_SCHEMA
from memoryos_adapters.short_term.sqlite import SqliteShortTerm
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_adapters.storage.noop import NoopMemory
from memoryos_adapters.storage.qdrant_edge import QdrantEdgeMemory
from memoryos_ports.clock import Clock
from memoryos_ports.documents import DocumentStore
from memoryos_ports.embedding import Embedder
from memoryos_ports.errors import ConfigurationError
from memoryos_ports.events import EventLog
from memoryos_ports.faq import FaqMemory
from memoryos_ports.llm import LlmAdapter
from memoryos_ports.memory import MemoryStorage
from memoryos_ports.short_term import ShortTermStore

Probe: TypeAlias = Callable[[], Awaitable[None]]


class ConfiguredLlm(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's adapter beside the settings it was made from."""

    adapter: LlmAdapter
    settings: LlmProviderSettings


class Adapters(msgspec.Struct, frozen=True, kw_only=True):
    """Open adapters, one per port. `probes` asks each dependency whether it answers; None: bypassed."""

    clock: Clock
    short_term: ShortTermStore
    events: EventLog
    documents: DocumentStore
    faq: FaqMemory
    storage: MemoryStorage
    embedder: Embedder
    llms: tuple[ConfiguredLlm, ...]
    probes: Mapping[str, Probe | None]


LlmFactory: TypeAlias = Callable[[str, LlmProviderSettings, Http], LlmAdapter]

LLMS: Mapping[ProviderKind, LlmFactory] = {
    "openai": OpenAiCompatibleLlm,
    "azure_openai": AzureOpenAiLlm,
    "anthropic": AnthropicLlm,
    "gemini": GeminiLlm,
    "ollama": OllamaLlm,
    "deepseek": DeepSeekLlm,
    "openrouter": OpenRouterLlm,
    "noop": lambda name, _settings, _http: NoopLlm(name),
}
"""How an LLM adapter of each kind is made: a new provider is one line here."""


@asynccontextmanager
async def open_adapters(settings: Settings, *, database: Path, index: Path) -> AsyncIterator[Adapters]:
    """Open every adapter that the settings ask for, and close them all, in reverse, at the end.

    `database` and `index` are where the embedded profile keeps its data. Raises ConfigurationError for a kind that
    does not exist here, EmbedderMismatch when the index was built by another embedder, UpstreamError when a store
    cannot be opened.
    """
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(open_http(settings.http))
        llms = tuple(_make_llm(name, provider, http) for name, provider in settings.llm.providers.items())
        llms = llms or (ConfiguredLlm(adapter=NoopLlm(), settings=LlmProviderSettings(kind="noop")),)
        match settings.storage.profile:
            case "embedded":
                yield await _open_embedded(stack, settings, llms, database=database, index=index)
            case "noop":
                yield _make_noop(llms)
            case other:
                raise ConfigurationError([f"storage.profile: {other!r} is not available in this version"])


async def _open_embedded(
    stack: AsyncExitStack, settings: Settings, llms: tuple[ConfiguredLlm, ...], *, database: Path, index: Path
) -> Adapters:
    clock = SystemClock()
    embedder = await _open_embedder(stack, settings)
    schemas = (SHORT_TERM_SCHEMA, EVENTS_SCHEMA, DOCUMENTS_SCHEMA)
    db = await stack.enter_async_context(SqliteDatabase.open(database, schemas=schemas))
    storage = await stack.enter_async_context(QdrantEdgeMemory.open(index, embedder.stamp))
    documents = SqliteDocuments(db, clock)
    return Adapters(
        clock=clock,
        short_term=SqliteShortTerm(db),
        events=SqliteEvents(db, clock, max_queue=settings.storage.max_queue),
        documents=documents,
        faq=DocumentFaq(documents, embedder, clock),
        storage=storage,
        embedder=embedder,
        llms=llms,
        probes={"sqlite": db.ping, "qdrant-edge": storage.ping},
    )


def _make_noop(llms: tuple[ConfiguredLlm, ...]) -> Adapters:
    embedder = HashedEmbedder()
    return Adapters(
        clock=SystemClock(),
        short_term=NoopShortTerm(),
        events=NoopEvents(),
        documents=NoopDocuments(),
        faq=NoopFaq(),
        storage=NoopMemory(embedder.stamp),
        embedder=embedder,
        llms=llms,
        probes={"memory": None},
    )


async def _open_embedder(stack: AsyncExitStack, settings: Settings) -> Embedder:
    match settings.embedding.kind:
        case "minilm":
            return await stack.enter_async_context(MiniLmEmbedder.open())
        case "hashed":
            return HashedEmbedder()
        case other:
            raise ConfigurationError([f"embedding.kind: {other!r} is not available in this version"])


def _make_llm(name: str, provider: LlmProviderSettings, http: Http) -> ConfiguredLlm:
    factory = LLMS.get(provider.kind)
    if factory is None:
        raise ConfigurationError([f"llm.providers.{name}.kind: {provider.kind!r} is not available in this version"])
    return ConfiguredLlm(adapter=factory(name, provider, http), settings=provider)
