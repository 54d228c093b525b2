"""The gateway's own container over open adapters, and its application without a server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from memoryos_adapters.container import resolve_all, slots
from memoryos_adapters.registry import open_adapters
from memoryos_adapters.settings import EmbeddingSettings, Profile, Settings, StorageSettings
from memoryos_gateway.app import create_app
from memoryos_gateway.container import GatewayContainer


def make_settings(profile: Profile) -> Settings:
    """Return settings of a profile with the hashed embedder."""
    return Settings(storage=StorageSettings(profile=profile), embedding=EmbeddingSettings(kind="hashed"))


@asynccontextmanager
async def wired(settings: Settings, directory: Path, **changes: Any) -> AsyncIterator[GatewayContainer]:
    """Open the adapters and wire the gateway over them; `changes` replace adapters."""
    async with open_adapters(settings, database=directory / "db", index=directory / "index") as adapters:
        container = GatewayContainer(**slots(settings, msgspec.structs.replace(adapters, **changes)))
        resolve_all(container)
        yield container


@asynccontextmanager
async def client_of(container: GatewayContainer) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, in this process; nothing runs in its background."""
    app = create_app(container.services(), body_limit=1024 * 1024, loopback_only=False)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar types the same protocol its own way
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client
