"""A gateway of a command's own, on loopback, for as long as the command runs."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from tempfile import TemporaryDirectory

import msgspec

from memoryos_adapters.settings import (
    ALL_KEY_SCOPES,
    AuthKeySettings,
    AuthSettings,
    LlmSettings,
    ServerSettings,
    Settings,
    StorageSettings,
)
from memoryos_gateway.data_place import hold_data_directory, holder_of
from memoryos_gateway.gateway import Gateway, open_gateway
from memoryos_gateway.server import GatewayServer, listen

_HOST = "127.0.0.1"


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """Where a gateway serves, and a key for it, where one is needed."""

    url: str
    key: str | None


@asynccontextmanager
async def throwaway_gateway(settings: Settings) -> AsyncIterator[str]:
    """Serve an empty directory with the embedder and the rules of `settings`, without keys and LLM; yield the URL.

    Raises what opening a gateway raises.
    """
    with TemporaryDirectory(prefix="memoryos-eval-") as data_dir:
        embedded = msgspec.structs.replace(
            settings, data_dir=data_dir, storage=StorageSettings(profile="embedded"), auth=AuthSettings()
        )
        async with _serving_alone(embedded) as url:
            yield url


@asynccontextmanager
async def reached_gateway(settings: Settings, *, tenant: str, key: str | None) -> AsyncIterator[Reached]:
    """Yield the gateway that holds the data directory, to be asked with `key`; else one of our own, for `tenant`.

    Raises ConfigurationError when the directory is held by a process that does not serve.
    """
    holder = holder_of(settings)
    if holder is not None and holder.url is not None:
        yield Reached(url=holder.url, key=key)
        return
    own = secrets.token_urlsafe()
    issued = AuthKeySettings(tenant=tenant, key_sha256=sha256(own.encode()).hexdigest(), scopes=ALL_KEY_SCOPES)
    resting = msgspec.structs.replace(
        settings,
        auth=AuthSettings(keys=(issued,)),
        consolidation=msgspec.structs.replace(settings.consolidation, enabled=False),
    )
    async with _serving_alone(resting) as url:
        yield Reached(url=url, key=own)


@asynccontextmanager
async def _serving_alone(settings: Settings) -> AsyncIterator[str]:
    """Serve the data directory of `settings` on a free port, without any LLM."""
    alone = msgspec.structs.replace(
        settings,
        server=ServerSettings(),
        llm=LlmSettings(),
        router=msgspec.structs.replace(settings.router, tiers=()),
        consolidation=msgspec.structs.replace(settings.consolidation, llm=None),
    )
    with hold_data_directory(alone) as directory:
        async with open_gateway(alone, directory) as gateway, _serving(gateway) as url:
            yield url


@asynccontextmanager
async def _serving(gateway: Gateway) -> AsyncIterator[str]:
    ready = asyncio.Event()
    with listen(_HOST, 0) as listener:
        server = GatewayServer(gateway.app, ready=ready.set)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await ready.wait()
            yield f"http://{_HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
