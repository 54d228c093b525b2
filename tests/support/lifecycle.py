"""The whole of memory, wired as the gateway wires it, over the open stores of a stack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from memoryos_adapters.events.noop import NoopEvents
from memoryos_adapters.faq.noop import NoopFaq
from memoryos_adapters.settings import ConsolidationSettings, EmbeddingSettings, Settings, StorageSettings
from memoryos_core.memory.indexing import Indexer
from memoryos_core.memory.ingest import Ingest
from memoryos_gateway.container import GatewayContainer
from memoryos_ports.events import TurnsEvent
from tests.support.faults import beneath
from tests.support.memory_stack import MemoryStack, open_stack


def settings_of(**consolidation: Any) -> Settings:
    """Return the settings of a gateway in a test; keywords are those of `[consolidation]`."""
    return Settings(
        storage=StorageSettings(profile="server"),  # the stores are given, and `other_process` shares them
        embedding=EmbeddingSettings(kind="hashed"),
        consolidation=ConsolidationSettings(**consolidation),
    )


class MemoryLife(msgspec.Struct, frozen=True, kw_only=True):
    """A stack whose parts are those of the container, and the container for the rest of them."""

    stack: MemoryStack
    services: GatewayContainer

    @property
    def indexer(self) -> Indexer:
        """What makes entries of the index."""
        return Indexer(self.stack.embedder)

    async def add(self, *events: TurnsEvent) -> None:
        """Take events in and apply them."""
        for event in events:
            await self.services.intake().accept(event)
        await self.stack.settle()


def other_process(life: MemoryLife) -> MemoryLife:
    """Return another gateway over the same stores, for which nothing is switched off."""
    stack = life.stack
    stores = {name: beneath(getattr(stack, name)) for name in ("events", "short_term", "documents", "due", "storage")}
    return wire(msgspec.structs.replace(stack, **stores))


def wire(stack: MemoryStack, settings: Settings | None = None) -> MemoryLife:
    """Return what the gateway makes of the stores of a stack."""
    container = GatewayContainer(
        settings=settings or settings_of(),
        clock=stack.clock,
        short_term=stack.short_term,
        events=stack.events,
        documents=stack.documents,
        due=stack.due,
        dead_letters=NoopEvents(),
        locks=stack.locks,
        faq=NoopFaq(),
        storage=stack.storage,
        embedder=stack.embedder,
        llms=(),
        probes={},
    )
    ingest: Ingest = container.ingest()
    wired = msgspec.structs.replace(
        stack,
        ingest=ingest,
        recall=container.recall(),
        library=container.library(),
        conversations=container.conversations(),
        consolidation=container.consolidation(),
        handlers=container.admission(),
        memory=container.chat_memory(),
    )
    return MemoryLife(stack=wired, services=container)


@asynccontextmanager
async def open_life(directory: Path) -> AsyncIterator[MemoryLife]:
    """Open the stores and wire memory over them."""
    async with open_stack(directory) as stack:
        yield wire(stack)
