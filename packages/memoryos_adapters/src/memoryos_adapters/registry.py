"""From settings to open adapters of every port; its `profiles`, and `llm_kinds`, name the concrete ones."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import assert_never

import msgspec

from memoryos_adapters.http import open_http
from memoryos_adapters.inspection import Remark
from memoryos_adapters.profiles.adapters import Adapters
from memoryos_adapters.profiles.embedded import open_embedded, stored_stamp
from memoryos_adapters.profiles.embedders import open_embedder
from memoryos_adapters.profiles.llms import open_llms
from memoryos_adapters.profiles.noop import open_noop
from memoryos_adapters.settings import Settings
from memoryos_adapters.storage.edge_reembed import EdgeReembedding
from memoryos_adapters.storage.qdrant_edge import DEFAULT_RESERVE_BYTES
from memoryos_ports.embedding import Embedder
from memoryos_ports.errors import ConfigurationError


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
        llms = open_llms(settings, http)
        match settings.storage.profile:
            case "embedded":
                if database is None or index is None:
                    raise ValueError("the embedded profile needs a database and an index")
                yield await open_embedded(stack, settings, http, llms, database=database, index=index)
            case "server":
                # its clients take a while to import, and only who uses them waits for that
                from memoryos_adapters.profiles.server import open_server

                yield await open_server(stack, settings, http, llms, outbox=outbox)
            case "noop":
                yield await open_noop(stack, settings, http, llms)
            case never:
                assert_never(never)


async def inspect_servers(settings: Settings) -> list[Remark]:
    """Return what an operator should know of the servers that the settings name; nothing for a profile without any."""
    if settings.storage.profile != "server":
        return []
    from memoryos_adapters.profiles.server import inspect

    return await inspect(settings.storage, ca_file=settings.http.ca_file)


@asynccontextmanager
async def open_reembedding(settings: Settings, *, index: Path) -> AsyncIterator[Reembedding]:
    """Open the embedder, and beside the index in a directory a new one for its vectors. Nobody else may have it open.

    Raises ConfigurationError for a profile whose index is elsewhere, and what `EdgeReembedding.open` raises.
    """
    if settings.storage.profile != "embedded":
        raise ConfigurationError([f"storage.profile: {settings.storage.profile!r} has no index in the data directory"])
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(open_http(settings.http))
        embedder, _ = await open_embedder(stack, settings, http, stored=stored_stamp(index))
        opened = EdgeReembedding.open(index, embedder.stamp, reserve_bytes=DEFAULT_RESERVE_BYTES)
        yield Reembedding(embedder=embedder, copy=stack.enter_context(opened))
