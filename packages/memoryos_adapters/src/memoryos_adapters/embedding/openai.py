"""Embeddings of OpenAI, or of any server that speaks its protocol, as the embedder of memory."""

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np

from memoryos_adapters.embedding.retries import Retries
from memoryos_adapters.embedding.text import readable
from memoryos_adapters.settings import EmbeddingSettings
from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.errors import UpstreamError, UpstreamProtocolError, UpstreamRejected
from memoryos_ports.llm_embeddings import EmbeddingsAdapter, EmbeddingsRequest

OUTSIDE = "embedder"
"""What the endpoint is called in errors and among the probes."""

_MAX_CHARACTERS = 8192  # of a text; a model that reads less says so
_FEWEST_CHARACTERS = 64  # a model that does not even read so many refuses for another reason
_BATCH_CHARACTERS = 100_000  # OpenAI takes 300,000 tokens in one call
_TOO_LONG = "context_length_exceeded"


class OpenAiEmbedder:
    """An `Embedder` over the adapter of such a server, which knows the wire and is the caller's.

    Vectors are scaled to length 1. A text that is too long for the model is cut in half until it fits; an empty one,
    which the protocol does not allow, is a blank. An answer of other dimensions than the stamp's is refused.
    """

    def __init__(
        self,
        adapter: EmbeddingsAdapter,
        settings: EmbeddingSettings,
        *,
        dimensions: int,
        retries: Retries | None = None,
    ) -> None:
        self._adapter, self._settings, self._retries = adapter, settings, retries or Retries()
        self._stamp = EmbedderStamp(name=stamp_name(settings), dimensions=dimensions)
        self._failure: UpstreamError | None = None

    @classmethod
    async def open(
        cls,
        adapter: EmbeddingsAdapter,
        settings: EmbeddingSettings,
        *,
        stored: EmbedderStamp | None,
        retries: Retries | None = None,
    ) -> Self:
        """Return the embedder; its dimensions are those configured, else those of an index it made, else asked for.

        Only the last needs the endpoint to answer, and raises UpstreamError when it does not.
        """
        retries, dimensions = retries or Retries(), settings.dimensions
        if dimensions is None and stored is not None and stored.name == stamp_name(settings):
            dimensions = stored.dimensions
        if dimensions is None:
            request = EmbeddingsRequest(model=settings.model, input=("How long is a vector?",))
            dimensions = len((await retries.run(lambda: adapter.embeddings(request))).vectors[0])
        return cls(adapter, settings, dimensions=dimensions, retries=retries)

    @property
    def stamp(self) -> EmbedderStamp:
        """Return ``openai:MODEL`` and the dimensions; where the model runs does not count."""
        return self._stamp

    @property
    def local(self) -> bool:
        """Return what the settings say."""
        return self._settings.local

    async def ping(self) -> None:
        """Raise what the last call failed with, if it did; the endpoint is not asked."""
        if self._failure is not None:
            raise self._failure.with_traceback(None)

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector per text, in order, asked for in batches."""
        sent = [readable(text, max_characters=_MAX_CHARACTERS) or " " for text in texts]
        vectors: list[Vector] = []
        for batch in _batches(sent, most=self._settings.batch_size):
            vectors += await self._fitted(batch)
        return vectors

    async def _fitted(self, texts: Sequence[str]) -> list[Vector]:
        """Return the vectors of a batch; where one of its texts is too long, each is sent alone and cut by itself."""
        try:
            return await self._asked(texts)
        except UpstreamRejected as exc:
            if exc.code != _TOO_LONG or (len(texts) == 1 and len(texts[0]) < 2 * _FEWEST_CHARACTERS):
                raise
        if len(texts) == 1:
            return await self._fitted([texts[0][: len(texts[0]) // 2]])
        return [vector for text in texts for vector in await self._fitted([text])]

    async def _asked(self, texts: Sequence[str]) -> list[Vector]:
        settings = self._settings
        request = EmbeddingsRequest(model=settings.model, input=tuple(texts), dimensions=settings.dimensions)
        return await self._retries.run(lambda: self._call(request))

    async def _call(self, request: EmbeddingsRequest) -> list[Vector]:
        try:
            answer = await self._adapter.embeddings(request)
            vectors = _unit(answer.vectors, dimensions=self._stamp.dimensions)
        except UpstreamRejected:
            raise  # of these texts: others may do
        except UpstreamError as exc:
            self._failure = exc  # at once: who asked may not wait for the next try
            raise
        self._failure = None
        return vectors


def stamp_name(settings: EmbeddingSettings) -> str:
    """Return the name by which an index knows the model of these settings."""
    return f"openai:{settings.model}"


def _batches(texts: Sequence[str], *, most: int) -> Iterator[list[str]]:
    """Yield the texts in order, at most so many together, and few enough characters for one call."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        characters += len(text)
        if batch and (len(batch) == most or characters > _BATCH_CHARACTERS):
            yield batch
            batch, characters = [], len(text)
        batch.append(text)
    if batch:
        yield batch


def _unit(vectors: Sequence[Vector], *, dimensions: int) -> list[Vector]:
    found = np.asarray(vectors, np.float64)
    if found.shape[1] != dimensions:
        detail = f"a vector of {found.shape[1]} dimensions where the index has {dimensions}"
        raise UpstreamProtocolError(upstream=OUTSIDE, detail=detail)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    if not lengths.all():
        raise UpstreamProtocolError(upstream=OUTSIDE, detail="a vector of length 0")
    scaled: list[Vector] = (found / lengths).tolist()
    return scaled
