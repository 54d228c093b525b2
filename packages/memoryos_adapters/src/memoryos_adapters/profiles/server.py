"""The server profile: Redis and Qdrant, and a file for what Redis cannot take in."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.documents.redis import RedisDocuments
from memoryos_adapters.due.redis import RedisDue
from memoryos_adapters.events.outbox import NoOutbox, OutboxEvents
from memoryos_adapters.events.outbox_file import OutboxFile
from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.events.sqlite import SCHEMA as EVENTS_SCHEMA
from memoryos_adapters.faq.documents import DocumentFaq
from memoryos_adapters.http import Http
from memoryos_adapters.inspection import Remark, inspect_redis
from memoryos_adapters.locks.redis import RedisLocks
from memoryos_adapters.profiles.adapters import OUTBOX_PROBE, Adapters, ConfiguredLlm, Probe
from memoryos_adapters.profiles.embedders import open_embedder
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.settings import QdrantSettings, RedisSettings, Settings, StorageSettings
from memoryos_adapters.short_term.redis import RedisShortTerm
from memoryos_adapters.sqlite import SqliteDatabase
from memoryos_adapters.storage.qdrant import QdrantMemory
from memoryos_adapters.storage.qdrant_facts import read_facts
from memoryos_ports.clock import Clock
from memoryos_ports.dead_letters import DeadLetters
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import ConfigurationError, ForeignIndex, UpstreamError
from memoryos_ports.events import EventLog

_FILE_BUSY_S: Final = 1.0
"""Nobody else has business in an outbox, so who holds it locked is waited for less long than another's database."""


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """The event stream: the log and its dead letters."""

    events: EventLog
    dead_letters: DeadLetters


async def open_server(
    stack: AsyncExitStack,
    settings: Settings,
    http: Http,
    llms: tuple[ConfiguredLlm, ...],
    *,
    outbox: Path | None,
) -> Adapters:
    """Return the adapters, which `stack` closes; the servers may be absent."""
    clock, servers = SystemClock(), settings.storage
    redis = await stack.enter_async_context(RedisDatabase.open(servers.redis))
    stored = await _stamp_on_server(settings) if settings.embedding.kind == "openai" else None
    embedder, embedder_probes = await open_embedder(stack, settings, http, stored=stored)
    storage = await stack.enter_async_context(
        QdrantMemory.open(servers.qdrant, embedder.stamp, ca_file=settings.http.ca_file)
    )
    log = await stack.enter_async_context(_open_stream(settings, redis, clock))
    box = None if outbox is None else await _open_outbox(stack, settings, outbox, log, clock)
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
        probes={"redis": redis.ping, "qdrant": storage.ping, **_probe_of(box), **embedder_probes},
    )


def _probe_of(box: OutboxEvents | None) -> Mapping[str, Probe]:
    return {} if box is None else {OUTBOX_PROBE: box.ping_file}


def _open_stream(settings: Settings, redis: RedisDatabase, clock: Clock) -> AbstractAsyncContextManager[RedisEvents]:
    servers = settings.storage
    return RedisEvents.open(
        redis, clock, settings.worker, max_queue=servers.max_queue, receipts_days=servers.redis.receipts_days
    )


async def _open_outbox(
    stack: AsyncExitStack, settings: Settings, path: Path, log: RedisEvents, clock: Clock
) -> OutboxEvents:
    db = await stack.enter_async_context(
        SqliteDatabase.open(path, schemas=(EVENTS_SCHEMA,), busy_timeout_s=_FILE_BUSY_S)
    )
    held = OutboxFile(db, clock, max_queue=settings.storage.max_outbox)
    waits = 2 if settings.storage.redis.wait_replicas else 1  # for the command, and then for the replicas
    return OutboxEvents(
        log,
        held,
        clock,
        contest=log.contest,
        patience_s=waits * settings.storage.redis.timeout_s,
    )


async def _stamp_on_server(settings: Settings) -> EmbedderStamp | None:
    """Return whose vectors the index holds, None when there is no index or nobody says."""
    try:
        return (await read_facts(settings.storage.qdrant, ca_file=settings.http.ca_file)).stamp
    except UpstreamError:
        return None


@asynccontextmanager
async def open_stream(settings: Settings) -> AsyncIterator[Stream]:
    """Open the event stream of the server profile and nothing else. Raises ConfigurationError for another profile."""
    if settings.storage.profile != "server":
        raise ConfigurationError([f"storage.profile: {settings.storage.profile!r} has no event stream"])
    async with RedisDatabase.open(settings.storage.redis) as redis, _open_stream(settings, redis, SystemClock()) as log:
        yield Stream(events=log, dead_letters=log)


async def inspect(settings: StorageSettings, *, ca_file: str | None = None) -> list[Remark]:
    """Return what an operator should know of both servers; `ca_file` (PEM) is what Qdrant is trusted by as well."""
    return [*await _inspect_redis(settings.redis), *await _inspect_qdrant(settings.qdrant, ca_file)]


async def _inspect_redis(settings: RedisSettings) -> list[Remark]:
    async with RedisDatabase.open(settings) as redis:
        return await inspect_redis(redis, settings)


async def _inspect_qdrant(settings: QdrantSettings, ca_file: str | None) -> list[Remark]:
    try:
        facts = await read_facts(settings, ca_file=ca_file)
    except (UpstreamError, OSError) as exc:  # the latter: a file of authorities that cannot be read
        return [Remark(check="qdrant version", ok=False, detail=f"cannot be asked: {exc}")]
    version = Remark(check="qdrant version", ok=True, detail=facts.version)
    if facts.is_foreign:
        fault = ForeignIndex(settings.collection, setting="storage.qdrant.collection")
        return [version, Remark(check="qdrant collection", ok=False, detail=str(fault))]
    index = f"{facts.points} points of {facts.stamp}" if facts.stamp else "to be made"
    return [version, Remark(check="qdrant collection", ok=True, detail=f"{settings.collection}: {index}")]
