"""The embedder of memory as a model that clients may ask for."""

from collections.abc import AsyncGenerator

from memoryos_core.routing.router import RESERVED_PREFIX
from memoryos_core.tokens import estimate_tokens
from memoryos_ports.embedding import Embedder
from memoryos_ports.errors import InvalidInput, ModelNotFound
from memoryos_ports.llm import ChatAnswer, ChatChunk, ChatRequest, Usage
from memoryos_ports.llm_embeddings import EmbeddingsAnswer, EmbeddingsRequest

LOCAL_PROVIDER = RESERVED_PREFIX


class LocalEmbeddings:
    """An `EmbeddingsAdapter` over an `Embedder`; it takes texts only, and has vectors of one length.

    It is an `LlmAdapter` as well, so that it can be routed to: one without any chat model.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def name(self) -> str:
        """What stands before the slash of its model's name."""
        return LOCAL_PROVIDER

    async def reach(self) -> None:
        """Return: there is nothing to reach."""

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Raise ModelNotFound."""
        raise ModelNotFound(f"{LOCAL_PROVIDER}/{request.model}")

    def chat_stream(self, request: ChatRequest) -> AsyncGenerator[list[ChatChunk], None]:
        """Raise ModelNotFound."""
        raise ModelNotFound(f"{LOCAL_PROVIDER}/{request.model}")

    async def embeddings(self, request: EmbeddingsRequest) -> EmbeddingsAnswer:
        """Return one vector per text. Raises InvalidInput for tokens, and for another length than it has."""
        texts = [text for text in request.input if isinstance(text, str)]
        if len(texts) < len(request.input):
            raise InvalidInput(
                "this model takes texts, not tokens: send the text itself", param="input", code="unsupported_value"
            )
        dimensions = self._embedder.stamp.dimensions
        if request.dimensions not in (None, dimensions):
            raise InvalidInput(
                f"this model has vectors of {dimensions} dimensions only", param="dimensions", code="unsupported_value"
            )
        vectors = await self._embedder.embed(texts)
        usage = Usage(prompt_tokens=sum(estimate_tokens(text) for text in texts), completion_tokens=0, estimated=True)
        return EmbeddingsAnswer(model=request.model, vectors=tuple(vectors), usage=usage)
