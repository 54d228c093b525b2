"""Every embedder there is, each in a fixture that closes it."""

from collections.abc import AsyncIterator
from functools import cache

import pytest

from memoryos_adapters.embedding.cached import CachedEmbedder
from memoryos_adapters.embedding.encoder import MiniLmEncoder
from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_adapters.embedding.minilm import MiniLmEmbedder
from memoryos_adapters.embedding.openai import OpenAiEmbedder
from memoryos_adapters.embedding.static import StaticEmbedder
from memoryos_adapters.http import open_http
from memoryos_adapters.profiles.llms import make_embeddings_adapter
from memoryos_adapters.settings import EmbeddingSettings
from memoryos_ports.embedding import Embedder
from tests.contract.embedding.endpoint import speak_words
from tests.support.fake_upstream import FakeUpstream

load_encoder = cache(MiniLmEncoder.load)
load_static = cache(StaticEmbedder.load)


@pytest.fixture
async def minilm() -> AsyncIterator[MiniLmEmbedder]:
    """Give the MiniLM embedder over a model that is loaded once for all tests."""
    embedder = MiniLmEmbedder(load_encoder().encode)
    yield embedder
    await embedder.aclose()


@pytest.fixture
async def openai() -> AsyncIterator[OpenAiEmbedder]:
    """Give the embedder outside, over a server that counts words."""
    async with FakeUpstream(speak_words) as upstream, open_http() as http:
        settings = EmbeddingSettings(kind="openai", base_url=upstream.base_url, model="words", batch_size=16)
        yield await OpenAiEmbedder.open(make_embeddings_adapter(settings, http), settings, stored=None)


@pytest.fixture(params=["minilm", "hashed", "static", "openai", "cached"])
def embedder(request: pytest.FixtureRequest, minilm: MiniLmEmbedder, openai: OpenAiEmbedder) -> Embedder:
    """Give each embedder in turn."""
    embedders: dict[str, Embedder] = {
        "minilm": minilm,
        "hashed": HashedEmbedder(),
        "static": load_static(),
        "openai": openai,
        "cached": CachedEmbedder(minilm),
    }
    return embedders[request.param]
