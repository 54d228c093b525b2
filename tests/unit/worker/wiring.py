"""A wired worker over the stores of the embedded profile, whose switches a test has in hand."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from memoryos_adapters.container import resolve_all
from memoryos_adapters.events.noop import NoopEvents
from memoryos_adapters.events.outbox import NoOutbox
from memoryos_adapters.faq.noop import NoopFaq
from memoryos_adapters.settings import ConsolidationSettings, Settings, StorageSettings, WorkerSettings
from memoryos_ports.events import EventLog, Receipt, TurnsEvent
from memoryos_worker.container import WorkerContainer
from memoryos_worker.endpoint import listening
from memoryos_worker.serve import work
from tests.support.memory_stack import MemoryStack, fast_directory, open_stack, stores_of

SETTINGS = Settings(
    storage=StorageSettings(profile="server"),
    worker=WorkerSettings(block_ms=50, drain_s=5),
    consolidation=ConsolidationSettings(quiet_s=0),
)


class RunningWorker:
    """A worker that runs, its stack, and its endpoint as a client sees it."""

    def __init__(self, stack: MemoryStack, container: WorkerContainer, client: httpx.AsyncClient) -> None:
        self.stack = stack
        self.container = container
        self.client = client
        self.is_asked = False

    def ask_to_stop(self) -> None:
        """Do what a signal does."""
        self.is_asked = True
        self.container.worker().ask_to_stop()

    async def status(self, path: str = "/health") -> tuple[int, dict[str, Any]]:
        """Return the status and the body of a health route."""
        answer = await self.client.get(path)
        return answer.status_code, answer.json()

    async def mode_becomes(self, mode: str) -> None:
        """Return once the worker says that it is in this mode."""
        async with asyncio.timeout(10):
            while (await self.status())[1]["mode"] != mode:
                pass

    async def metric(self, name: str, **labels: str) -> float | None:
        """Return the value of a series."""
        text = (await self.client.get("/metrics")).text
        samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return next((s.value for s in samples if s.name == f"memoryos_{name}" and s.labels == labels), None)

    async def settled(self, event: TurnsEvent) -> Receipt:
        """Return the receipt of an event once it is stored or dead."""
        receipt = await self.stack.events.settled(event.scope, event.event_id, timeout_s=10)
        assert receipt is not None
        return receipt

    async def settled_in_time(self, event: TurnsEvent) -> None:
        """Let time pass, as an event that was put off rests, until it is stored."""
        async with asyncio.timeout(10):
            receipt = None
            while receipt is None or receipt.state != "stored":
                self.stack.clock.advance(60)
                receipt = await self.stack.events.settled(event.scope, event.event_id, timeout_s=0.1)


def wire(stack: MemoryStack, settings: Settings = SETTINGS, *, events: EventLog | None = None) -> WorkerContainer:
    """Return a worker's container over the stores of a stack, everything in it built."""
    stores = msgspec.structs.asdict(stores_of(stack))
    del stores["are_shared"]  # the worker's own default
    container = WorkerContainer(
        **{
            **stores,
            "events": events or stack.events,
            "settings": settings,
            "dead_letters": NoopEvents(),
            "outbox": NoOutbox(),
            "faq": NoopFaq(),
            "llms": (),
            "probes": {"redis": stack.events.ping, "qdrant": stack.storage.ping},
        }
    )
    resolve_all(container)
    return container


@asynccontextmanager
async def running_worker(stack: MemoryStack, settings: Settings = SETTINGS) -> AsyncIterator[RunningWorker]:
    """Run a worker until the block ends, and let it drain then."""
    container = wire(stack, settings)
    announced: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    with listening(settings.worker) as listener:
        running = asyncio.create_task(work(container, listener, announce=announced.set_result))
        async with asyncio.timeout(20), httpx.AsyncClient(base_url=await announced, trust_env=False) as client:
            worker = RunningWorker(stack, container, client)
            try:
                yield worker
            finally:
                if not worker.is_asked:
                    worker.ask_to_stop()
                await running


@asynccontextmanager
async def open_worker_stack() -> AsyncIterator[MemoryStack]:
    """Open stores for a worker."""
    with fast_directory() as directory:
        async with open_stack(directory) as stack:
            yield stack


def taken_port() -> socket.socket:
    """Return a socket that listens on a port of its own."""
    return socket.create_server(("127.0.0.1", 0))
