"""The configured embedder."""

import asyncio
from contextlib import AsyncExitStack
from typing import assert_never

from memoryos_adapters.embedding.cached import CachedEmbedder
from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_adapters.embedding.minilm import MiniLmEmbedder
from memoryos_adapters.embedding.openai import OUTSIDE, OpenAiEmbedder
from memoryos_adapters.embedding.static import StaticEmbedder
from memoryos_adapters.http import Http
from memoryos_adapters.profiles.adapters import Probe
from memoryos_adapters.profiles.llms import make_embeddings_adapter
from memoryos_adapters.settings import Settings
from memoryos_ports.embedding import EmbedderStamp


async def open_embedder(
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
