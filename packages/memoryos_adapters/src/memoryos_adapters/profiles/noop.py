"""The noop profile: nothing is remembered."""

from contextlib import AsyncExitStack

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.documents.noop import NoopDocuments
from memoryos_adapters.due.noop import NoopDue
from memoryos_adapters.events.noop import NoopEvents
from memoryos_adapters.events.outbox import NoOutbox
from memoryos_adapters.faq.noop import NoopFaq
from memoryos_adapters.http import Http
from memoryos_adapters.locks.local import LocalLocks
from memoryos_adapters.profiles.adapters import Adapters, ConfiguredLlm
from memoryos_adapters.profiles.embedders import open_embedder
from memoryos_adapters.settings import Settings
from memoryos_adapters.short_term.noop import NoopShortTerm
from memoryos_adapters.storage.noop import NoopMemory


async def open_noop(stack: AsyncExitStack, settings: Settings, http: Http, llms: tuple[ConfiguredLlm, ...]) -> Adapters:
    """Return the adapters, which `stack` closes."""
    # clients may ask for its vectors without any memory
    embedder, embedder_probes = await open_embedder(stack, settings, http, stored=None)
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
