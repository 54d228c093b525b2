"""From settings to open adapters of every port: names the concrete ones, but for LLM providers (`llm_kinds`)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from pkgutil import resolve_name
from typing import Final, TypeAlias

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
from memoryos_adapters.llm_kinds import LLM_KINDS, LlmKind
from memoryos_adapters.settings import LlmProviderSettings, Settings
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

_LLM_FAMILY: Final = "memoryos_adapters.llm"
_OFFLINE: Final[Mapping[str, LlmProviderSettings]] = {"noop": LlmProviderSettings(kind="noop")}


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


@asynccontextmanager
async def open_adapters(settings: Settings, *, database: Path, index: Path) -> AsyncIterator[Adapters]:
    """Open every adapter that the settings ask for, and close them all, in reverse, at the end.

    `database` and `index` are where the embedded profile keeps its data. Raises ConfigurationError for a kind that
    does not exist here, EmbedderMismatch when the index was built by another embedder, UpstreamError when a store
    cannot be opened.
    """
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(open_http(settings.http))
        providers = settings.llm.providers or _OFFLINE
        llms = tuple(_configured(name, provider, http) for name, provider in providers.items())
        match settings.storage.profile:
            case "embedded":
                yield await _open_embedded(stack, settings, llms, database=database, index=index)
            case "noop":
                yield await _open_noop(stack, settings, llms)
            case other:
                raise ConfigurationError([f"storage.profile: {other!r} is not available in this version"])


def make_llm(kind: LlmKind, name: str, settings: LlmProviderSettings, http: Http) -> LlmAdapter:
    """Return an adapter of a kind, whose module is loaded now. Raises TypeError when it is something else."""
    factory: Callable[[str, LlmProviderSettings, Http], object] = resolve_name(f"{_LLM_FAMILY}.{kind.adapter}")
    adapter = factory(name, settings, http)
    if not isinstance(adapter, LlmAdapter):
        raise TypeError(f"{kind.adapter} makes no LlmAdapter")
    return adapter


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


async def _open_noop(stack: AsyncExitStack, settings: Settings, llms: tuple[ConfiguredLlm, ...]) -> Adapters:
    embedder = await _open_embedder(stack, settings)  # clients may ask for its vectors without any memory
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


def _configured(name: str, provider: LlmProviderSettings, http: Http) -> ConfiguredLlm:
    kind = LLM_KINDS.get(provider.kind)
    if kind is None:
        raise ConfigurationError([f"llm.providers.{name}.kind: {provider.kind!r} is not available in this version"])
    return ConfiguredLlm(adapter=make_llm(kind, name, provider, http), settings=provider)
