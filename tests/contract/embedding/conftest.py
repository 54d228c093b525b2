"""Every embedder there is, each in a fixture that closes it."""

from collections.abc import AsyncIterator
from functools import cache

import pytest

from memoryos_adapters.embedding.encoder import MiniLmEncoder
from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_adapters.embedding.minilm import MiniLmEmbedder
from memoryos_ports.embedding import Embedder

load_encoder = cache(MiniLmEncoder.load)


@pytest.fixture
async def minilm() -> AsyncIterator[MiniLmEmbedder]:
    """Give the MiniLM embedder over a model that is loaded once for all tests."""
    embedder = MiniLmEmbedder(load_encoder().encode)
    yield embedder
    await embedder.aclose()


@pytest.fixture(params=["minilm", "hashed"])
def embedder(request: pytest.FixtureRequest, minilm: MiniLmEmbedder) -> Embedder:
    """Give each embedder in turn."""
    embedders: dict[str, Embedder] = {"minilm": minilm, "hashed": HashedEmbedder()}
    return embedders[request.param]
