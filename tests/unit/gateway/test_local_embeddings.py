"""The embedder of memory as a provider of embeddings: named after its kind, and only as local as it is."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import pytest

from memoryos_adapters.settings import EmbeddingSettings, Settings
from memoryos_gateway.container import make_local_embeddings
from memoryos_ports.embedding import EmbedderStamp, Vector

Kind: TypeAlias = Literal["minilm", "static", "openai", "hashed"]


class Somewhere:
    """An embedder that is never asked."""

    stamp = EmbedderStamp(name="somewhere", dimensions=1)

    def __init__(self, *, local: bool) -> None:
        self.local = local

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Fail."""
        raise AssertionError(texts)


@pytest.mark.parametrize(("kind", "local"), [("minilm", True), ("static", True), ("openai", False), ("openai", True)])
def test_texts_that_must_stay_here_go_to_an_embedder_that_is_here(kind: Kind, local: bool) -> None:
    provider = make_local_embeddings(Settings(embedding=EmbeddingSettings(kind=kind)), Somewhere(local=local))

    assert (provider.models, provider.local) == ((kind,), local)
