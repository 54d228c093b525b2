"""From settings to open adapters of every port: names the concrete ones, but for LLM providers (`llm_kinds`)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from pkgutil import resolve_name
from typing import Final, TypeAlias, assert_never

import msgspec

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.documents.noop import NoopDocuments
from memoryos_adapters.documents.redis import RedisDocuments
from memoryos_adapters.documents.sqlite import SCHEMA as DOCUMENTS_SCHEMA
from memoryos_adapters.documents.sqlite import SqliteDocuments
from memoryos_adapters.due.noop import NoopDue
from memoryos_adapters.due.redis import RedisDue
from memoryos_adapters.due.sqlite import SCHEMA as DUE_SCHEMA
from memoryos_adapters.due.sqlite import SqliteDue
from memoryos_adapters.embedding.cached import CachedEmbedder
from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_adapters.embedding.minilm import MiniLmEmbedder
from memoryos_adapters.embedding.openai import OUTSIDE, OpenAiEmbedder
from memoryos_adapters.embedding.static import StaticEmbedder
from memoryos_adapters.events.noop import NoopEvents
from memoryos_adapters.events.outbox import NoOutbox, OutboxEvents
from memoryos_adapters.events.redis_contest import StreamContest
from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.events.sqlite import SCHEMA as EVENTS_SCHEMA
from memoryos_adapters.events.sqlite import SqliteEvents
from memoryos_adapters.faq.documents import DocumentFaq
from memoryos_adapters.faq.noop import NoopFaq
from memoryos_adapters.http import Http, open_http
from memoryos_adapters.inspection import Remark, inspect_redis
from memoryos_adapters.llm_kinds import LLM_KINDS, LlmKind
from memoryos_adapters.locks.local import LocalLocks
from memoryos_adapters.locks.redis import RedisLocks
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.settings import EmbeddingSettings, LlmProviderSettings, QdrantSettings, RedisSettings, Settings
from memoryos_adapters.short_term.noop import NoopShortTerm
from memoryos_adapters.short_term.redis import RedisShortTerm
from memoryos_adapters.short_term.sqlite import SCHEMA as SHORT_TERM_SCHEMA
from memoryos_adapters.short_term.sqlite import SqliteShortTerm
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_adapters.storage.edge_reembed import EdgeReembedding
from memoryos_adapters.storage.edge_stamp import read_stamped_shard
from memoryos_adapters.storage.noop import NoopMemory
from memoryos_adapters.storage.qdrant import QdrantMemory
from memoryos_adapters.storage.qdrant_edge import DEFAULT_RESERVE_BYTES, QdrantEdgeMemory
from memoryos_adapters.storage.qdrant_facts import read_facts
from memoryos_ports.clock import Clock
from memoryos_ports.dead_letters import DeadLetters
from memoryos_ports.documents import DocumentStore
from memoryos_ports.due import DueSet
from memoryos_ports.embedding import Embedder, EmbedderStamp
from memoryos_ports.errors import ConfigurationError, UpstreamError
from memoryos_ports.events import EventLog
from memoryos_ports.faq import FaqMemory
from memoryos_ports.llm import LlmAdapter
from memoryos_ports.llm_embeddings import EmbeddingsAdapter
from memoryos_ports.locks import Locks
from memoryos_ports.memory import MemoryStorage
from memoryos_ports.outbox import Outbox
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
    due: DueSet
    dead_letters: DeadLetters
    outbox: Outbox
    locks: Locks
    faq: FaqMemory
    storage: MemoryStorage
    embedder: CachedEmbedder
    llms: tuple[ConfiguredLlm, ...]
    probes: Mapping[str, Probe | None]


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """The event stream: the log and its dead letters."""

    events: EventLog
    dead_letters: DeadLetters


class Reembedding(msgspec.Struct, frozen=True, kw_only=True):
    """The configured embedder, and the index that it is to embed again; None when it is of this embedder already."""

    embedder: Embedder
    copy: EdgeReembedding | None


@asynccontextmanager
async def open_adapters(
    settings: Settings, *, database: Path | None = None, index: Path | None = None, outbox: Path | None = None
) -> AsyncIterator[Adapters]:
    """Open every adapter that the settings ask for, and close them all, in reverse, at the end.

    `database` and `index` are where the embedded profile keeps its data, and required by it; `outbox` is where the
    server profile keeps events while Redis is down: without it, it does not. Servers may be absent.

    Raises ConfigurationError for a kind that does not exist here, EmbedderMismatch when the index was built by another
    embedder, UpstreamError when a store of our own cannot be opened, or an embedder outside does not answer whose
    dimensions neither settings nor index tell.
    """
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(open_http(settings.http))
        providers = settings.llm.providers or _OFFLINE
        llms = tuple(_configured(name, provider, http) for name, provider in providers.items())
        match settings.storage.profile:
            case "embedded":
                if database is None or index is None:
                    raise ValueError("the embedded profile needs a database and an index")
                yield await _open_embedded(stack, settings, http, llms, database=database, index=index)
            case "server":
                yield await _open_server(stack, settings, http, llms, outbox=outbox)
            case "noop":
                yield await _open_noop(stack, settings, http, llms)
            case never:
                assert_never(never)


@asynccontextmanager
async def open_stream(settings: Settings) -> AsyncIterator[Stream]:
    """Open the event stream of the server profile and nothing else. Raises ConfigurationError for another profile."""
    if settings.storage.profile != "server":
        raise ConfigurationError([f"storage.profile: {settings.storage.profile!r} has no event stream"])
    async with RedisDatabase.open(settings.storage.redis) as redis, _open_stream(settings, redis, SystemClock()) as log:
        yield Stream(events=log, dead_letters=log)


async def inspect_servers(settings: Settings) -> list[Remark]:
    """Return what an operator should know of the servers that the settings name; nothing for a profile without any."""
    if settings.storage.profile != "server":
        return []
    return [*await _inspect_redis(settings.storage.redis), *await _inspect_qdrant(settings.storage.qdrant)]


@asynccontextmanager
async def open_reembedding(settings: Settings, *, index: Path) -> AsyncIterator[Reembedding]:
    """Open the embedder, and beside the index in a directory a new one for its vectors. Nobody else may have it open.

    Raises ConfigurationError for a profile whose index is elsewhere, and what `EdgeReembedding.open` raises.
    """
    if settings.storage.profile != "embedded":
        raise ConfigurationError([f"storage.profile: {settings.storage.profile!r} has no index in the data directory"])
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(open_http(settings.http))
        embedder, _ = await _open_embedder(stack, settings, http, stored=_stored_stamp(index))
        opened = EdgeReembedding.open(index, embedder.stamp, reserve_bytes=DEFAULT_RESERVE_BYTES)
        yield Reembedding(embedder=embedder, copy=stack.enter_context(opened))


def make_llm(kind: LlmKind, name: str, settings: LlmProviderSettings, http: Http) -> LlmAdapter:
    """Return an adapter of a kind, whose module is loaded now. Raises TypeError when it is something else."""
    factory: Callable[[str, LlmProviderSettings, Http], object] = resolve_name(f"{_LLM_FAMILY}.{kind.adapter}")
    adapter = factory(name, settings, http)
    if not isinstance(adapter, LlmAdapter):
        raise TypeError(f"{kind.adapter} makes no LlmAdapter")
    return adapter


def make_embeddings_adapter(settings: EmbeddingSettings, http: Http) -> EmbeddingsAdapter:
    """Return the adapter of the endpoint that the embedder ``openai`` asks: that of a provider of this kind."""
    provider = LlmProviderSettings(
        kind="openai",
        base_url=settings.base_url,
        api_key=settings.api_key,
        connect_timeout_s=settings.connect_timeout_s,
        total_timeout_s=settings.total_timeout_s,
    )
    adapter = make_llm(LLM_KINDS[provider.kind], OUTSIDE, provider, http)
    if not isinstance(adapter, EmbeddingsAdapter):
        raise TypeError(f"{provider.kind} makes no EmbeddingsAdapter")
    return adapter


async def _open_embedded(
    stack: AsyncExitStack,
    settings: Settings,
    http: Http,
    llms: tuple[ConfiguredLlm, ...],
    *,
    database: Path,
    index: Path,
) -> Adapters:
    clock = SystemClock()
    embedder, embedder_probes = await _open_embedder(stack, settings, http, stored=_stored_stamp(index))
    schemas = (SHORT_TERM_SCHEMA, EVENTS_SCHEMA, DOCUMENTS_SCHEMA, DUE_SCHEMA)
    db = await stack.enter_async_context(SqliteDatabase.open(database, schemas=schemas))
    storage = await stack.enter_async_context(QdrantEdgeMemory.open(index, embedder.stamp))
    documents, events = SqliteDocuments(db, clock), SqliteEvents(db, clock, max_queue=settings.storage.max_queue)
    due = SqliteDue(db, clock)
    await due.release_all()  # the data directory is ours alone, so who claimed them is dead
    return Adapters(
        clock=clock,
        short_term=SqliteShortTerm(db),
        events=events,
        documents=documents,
        due=due,
        dead_letters=events,
        outbox=NoOutbox(),
        locks=LocalLocks(),
        faq=DocumentFaq(documents, embedder, clock),
        storage=storage,
        embedder=embedder,
        llms=llms,
        probes={"sqlite": db.ping, "qdrant-edge": storage.ping, **embedder_probes},
    )


async def _open_server(
    stack: AsyncExitStack,
    settings: Settings,
    http: Http,
    llms: tuple[ConfiguredLlm, ...],
    *,
    outbox: Path | None,
) -> Adapters:
    clock, servers = SystemClock(), settings.storage
    redis = await stack.enter_async_context(RedisDatabase.open(servers.redis))
    stored = await _stamp_on_server(servers.qdrant) if settings.embedding.kind == "openai" else None
    embedder, embedder_probes = await _open_embedder(stack, settings, http, stored=stored)
    storage = await stack.enter_async_context(
        QdrantMemory.open(servers.qdrant, embedder.stamp, ca_file=settings.http.ca_file)
    )
    log = await stack.enter_async_context(_open_stream(settings, redis, clock))
    box = None if outbox is None else await _open_outbox(stack, settings, outbox, log, redis, clock)
    documents = RedisDocuments(redis, clock)
    return Adapters(
        clock=clock,
        short_term=RedisShortTerm(redis, session_days=servers.redis.session_days),
        events=box or log,
        documents=documents,
        due=RedisDue(redis, clock),
        dead_letters=log,
        outbox=box or NoOutbox(),
        locks=RedisLocks(redis),
        faq=DocumentFaq(documents, embedder, clock),
        storage=storage,
        embedder=embedder,
        llms=llms,
        probes={"redis": redis.ping, "qdrant": storage.ping, **embedder_probes},
    )


def _open_stream(settings: Settings, redis: RedisDatabase, clock: Clock) -> AbstractAsyncContextManager[RedisEvents]:
    servers = settings.storage
    return RedisEvents.open(
        redis, clock, settings.worker, max_queue=servers.max_queue, receipts_days=servers.redis.receipts_days
    )


async def _open_outbox(
    stack: AsyncExitStack, settings: Settings, path: Path, log: RedisEvents, redis: RedisDatabase, clock: Clock
) -> OutboxEvents:
    db = await stack.enter_async_context(SqliteDatabase.open(path, schemas=(EVENTS_SCHEMA,)))
    held = SqliteEvents(db, clock, max_queue=settings.storage.max_outbox)
    waits = 2 if settings.storage.redis.wait_replicas else 1  # for the command, and then for the replicas
    return OutboxEvents(
        log,
        held,
        clock,
        contest=StreamContest(redis, settings.worker),
        patience_s=waits * settings.storage.redis.timeout_s,
    )


async def _stamp_on_server(settings: QdrantSettings) -> EmbedderStamp | None:
    """Return whose vectors the index holds, None when there is no index or nobody says."""
    try:
        return (await read_facts(settings)).stamp
    except UpstreamError:
        return None


async def _inspect_redis(settings: RedisSettings) -> list[Remark]:
    async with RedisDatabase.open(settings) as redis:
        return await inspect_redis(redis, settings)


async def _inspect_qdrant(settings: QdrantSettings) -> list[Remark]:
    try:
        facts = await read_facts(settings)
    except UpstreamError as exc:
        return [Remark(check="qdrant version", ok=False, detail=f"cannot be asked: {exc}")]
    index = f"{facts.points} points of {facts.stamp}" if facts.stamp else "to be made, or none of ours"
    return [
        Remark(check="qdrant version", ok=True, detail=facts.version),
        Remark(check="qdrant collection", ok=True, detail=f"{settings.collection}: {index}"),
    ]


async def _open_noop(
    stack: AsyncExitStack, settings: Settings, http: Http, llms: tuple[ConfiguredLlm, ...]
) -> Adapters:
    # clients may ask for its vectors without any memory
    embedder, embedder_probes = await _open_embedder(stack, settings, http, stored=None)
    events = NoopEvents()
    return Adapters(
        clock=SystemClock(),
        short_term=NoopShortTerm(),
        events=events,
        documents=NoopDocuments(),
        due=NoopDue(),
        dead_letters=events,
        outbox=NoOutbox(),
        locks=LocalLocks(),
        faq=NoopFaq(),
        storage=NoopMemory(embedder.stamp),
        embedder=embedder,
        llms=llms,
        probes={"memory": None, **embedder_probes},
    )


def _stored_stamp(index: Path) -> EmbedderStamp | None:
    stored = read_stamped_shard(index)
    return None if stored is None else stored.stamp


async def _open_embedder(
    stack: AsyncExitStack, settings: Settings, http: Http, *, stored: EmbedderStamp | None
) -> tuple[CachedEmbedder, dict[str, Probe]]:
    """Return the embedder, and a probe where it is outside. `stored` is the stamp of the index that it is to serve."""
    match settings.embedding.kind:
        case "minilm":
            return CachedEmbedder(await stack.enter_async_context(MiniLmEmbedder.open())), {}
        case "static":
            return CachedEmbedder(await asyncio.to_thread(StaticEmbedder.load)), {}
        case "openai":
            adapter = make_embeddings_adapter(settings.embedding, http)
            outside = await OpenAiEmbedder.open(adapter, settings.embedding, stored=stored)
            return CachedEmbedder(outside), {OUTSIDE: outside.ping}
        case "hashed":
            return CachedEmbedder(HashedEmbedder()), {}
        case never:
            assert_never(never)


def _configured(name: str, provider: LlmProviderSettings, http: Http) -> ConfiguredLlm:
    kind = LLM_KINDS.get(provider.kind)
    if kind is None:
        raise ConfigurationError([f"llm.providers.{name}.kind: {provider.kind!r} is not available in this version"])
    return ConfiguredLlm(adapter=make_llm(kind, name, provider, http), settings=provider)
