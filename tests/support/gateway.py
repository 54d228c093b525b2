"""A gateway on a free loopback port, in this process: the real application, the real server, real stores."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import msgspec

from memoryos_adapters.container import slots
from memoryos_adapters.settings import EmbeddingSettings, Settings
from memoryos_gateway.container import GatewayContainer
from memoryos_gateway.data_place import adapters_in, hold_data_directory
from memoryos_gateway.gateway import Gateway, open_gateway, run_gateway
from memoryos_gateway.server import GatewayServer, listen

Wiring: TypeAlias = Callable[[GatewayContainer], None]


class RunningGateway(msgspec.Struct, frozen=True, kw_only=True):
    """Where it serves (without and with ``/v1``)."""

    url: str

    @property
    def base_url(self) -> str:
        """What an OpenAI SDK takes."""
        return f"{self.url}/v1"


def make_settings(data_dir: Path, **changes: object) -> Settings:
    """Return settings of the embedded profile with the hashed embedder; `changes` replace whole sections."""
    settings = Settings(data_dir=str(data_dir), embedding=EmbeddingSettings(kind="hashed"))
    return msgspec.structs.replace(settings, **changes)


@asynccontextmanager
async def running_gateway(settings: Settings) -> AsyncIterator[RunningGateway]:
    """Serve until the block ends, then drain and close everything."""
    with hold_data_directory(settings) as directory:
        async with open_gateway(settings, directory) as gateway, _serving(gateway) as running:
            if directory is not None:
                directory.announce(running.url)
            yield running


@asynccontextmanager
async def wired_gateway(settings: Settings, *, wire: Wiring) -> AsyncIterator[RunningGateway]:
    """Serve as `running_gateway` does, after `wire` has overridden in the container what it likes."""
    with hold_data_directory(settings) as directory:
        async with adapters_in(settings, directory) as adapters:
            container = GatewayContainer(**slots(settings, adapters))
            wire(container)
            async with run_gateway(container) as gateway, _serving(gateway) as running:
                yield running


@asynccontextmanager
async def _serving(gateway: Gateway) -> AsyncIterator[RunningGateway]:
    ready = asyncio.Event()
    with listen("127.0.0.1", 0) as listener:
        server = GatewayServer(gateway.app, ready=ready.set)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with asyncio.timeout(10):
                await ready.wait()
            yield RunningGateway(url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            server.should_exit = True
            await serving
