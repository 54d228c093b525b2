"""Bringing a data directory into a state that is hard to catch from outside: events that wait, events that are dead."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from memoryos_adapters.data_directory import open_data_directory
from memoryos_adapters.registry import open_adapters
from memoryos_adapters.settings import Settings
from memoryos_core.memory.ingest import Ingest
from memoryos_ports.events import EVENT_VERSION, Delivery, EventLog, EventMessage, TurnsEvent
from memoryos_ports.ids import DEFAULT_TENANT, EventId, SessionId, UserId
from tests.service.memory.api import MemoryApi
from tests.support.gateway import running_gateway

USER = UserId("ana")


def make_event(*texts: str, event_id: str = "evt-1", session_id: str | None = None) -> TurnsEvent:
    """Return an event of USER, as an add of these user turns makes it."""
    now = datetime.now(UTC)
    return TurnsEvent(
        v=EVENT_VERSION,
        event_id=EventId(event_id),
        tenant_id=DEFAULT_TENANT,
        user_id=USER,
        session_id=SessionId(session_id) if session_id else None,
        messages=tuple(EventMessage(role="user", content=text, timestamp=now) for text in texts),
        source="api",
        accepted_at=now,
    )


async def leave_waiting(settings: Settings, *events: TurnsEvent) -> None:
    """Accept events and leave each in the queue, not due for an hour."""
    async with _accepted(settings, events) as (log, deliveries):
        for delivery in deliveries:
            await log.leave(delivery, error="not yet", retry_in_s=3600, attempted=False)


async def leave_dead(settings: Settings, event: TurnsEvent, *, error: str) -> None:
    """Accept an event and bury it."""
    async with _accepted(settings, (event,)) as (log, deliveries):
        await log.bury(deliveries[0], error=error)


@asynccontextmanager
async def memory_of(settings: Settings) -> AsyncIterator[MemoryApi]:
    """Serve a data directory; the memory of USER in it."""
    async with running_gateway(settings) as gateway, httpx.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        yield MemoryApi(client, USER)


@asynccontextmanager
async def _accepted(
    settings: Settings, events: tuple[TurnsEvent, ...]
) -> AsyncIterator[tuple[EventLog, list[Delivery]]]:
    with open_data_directory(settings.data_dir) as directory:
        async with open_adapters(settings, database=directory.database, index=directory.index) as adapters:
            ingest = Ingest(
                events=adapters.events,
                short_term=adapters.short_term,
                storage=adapters.storage,
                embedder=adapters.embedder,
            )
            for event in events:
                await ingest.accept(event)
            deliveries = await adapters.events.receive(limit=len(events), wait_s=1)
            assert len(deliveries) == len(events)
            yield adapters.events, deliveries
