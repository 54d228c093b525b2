"""Ollama, spoken to in its own API, since its OpenAI-compatible one ignores the size of the context (OL2)."""

from collections.abc import Mapping

from yarl import URL

from memoryos_adapters.http import Http
from memoryos_adapters.llm.dialect import Outgoing, StreamDecoder
from memoryos_adapters.llm.hidden import hidden_texts
from memoryos_adapters.llm.http_llm import HttpLlmWithEmbeddings
from memoryos_adapters.llm.ollama.answer import read_answer
from memoryos_adapters.llm.ollama.embeddings import MAX_INPUTS, encode_embeddings, read_embeddings
from memoryos_adapters.llm.ollama.errors import OllamaErrors
from memoryos_adapters.llm.ollama.request import encode_request
from memoryos_adapters.llm.ollama.stream import OllamaStreamDecoder
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.embedding import Vector
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.llm import ChatAnswer, ChatRequest, Usage
from memoryos_ports.llm_embeddings import EmbeddingsRequest


class OllamaLlm(HttpLlmWithEmbeddings):
    """The adapter of the kind ``ollama``."""

    def __init__(self, name: str, settings: LlmProviderSettings, http: Http) -> None:
        super().__init__(name, settings, http, OllamaDialect(name, settings))


class OllamaDialect:
    """``{base_url}/api/chat`` and ``/api/embed``; a key is only needed by hosted servers.

    A model that is not in memory is loaded first, which can take a minute: that counts to `first_token_timeout_s`,
    so a server of its own settings can be given more (OL10).
    Source: Ollama's docs/api.md and its SDK's types.
    """

    inlines_images = True
    max_inputs = MAX_INPUTS

    def __init__(self, name: str, settings: LlmProviderSettings) -> None:
        self._name, self._num_ctx = name, settings.num_ctx
        self._key = settings.api_key.reveal() if settings.api_key is not None else ""
        self._base_url = settings.base_url.rstrip("/")
        self._errors = OllamaErrors(upstream=name, hidden=hidden_texts(settings))

    @property
    def reach_url(self) -> URL:
        """The list of models."""
        return URL(f"{self._base_url}/api/tags")

    async def headers(self) -> Mapping[str, str]:
        """Return the content type and the key, if there is one."""
        credentials = {"authorization": f"Bearer {self._key}"} if self._key else {}
        return {"content-type": "application/json", **credentials}

    def encode(self, request: ChatRequest, *, stream: bool) -> Outgoing:
        """Return the call for a request. Raises UpstreamRejected for a prompt that cannot fit (OL2)."""
        body, dropped = encode_request(request, stream=stream, num_ctx=self._num_ctx, upstream=self._name)
        return Outgoing(url=URL(f"{self._base_url}/api/chat"), body=body, dropped_params=dropped)

    def read_answer(self, body: bytes, request: ChatRequest) -> ChatAnswer:
        """Decode the body of a 200."""
        return read_answer(body, request, errors=self._errors)

    def stream_decoder(self, request: ChatRequest) -> StreamDecoder:
        """Return a decoder for one stream."""
        return OllamaStreamDecoder(request, errors=self._errors)

    def error_of(self, body: bytes, *, status: int, headers: Mapping[str, str], model: str) -> MemoryOSError:
        """Return the error that an answer other than a 200 means."""
        return self._errors.error_of(body, status=status, headers=headers, model=model)

    def encode_embeddings(self, request: EmbeddingsRequest) -> Outgoing:
        """Return the call for a request."""
        body, dropped = encode_embeddings(request)
        return Outgoing(url=URL(f"{self._base_url}/api/embed"), body=body, dropped_params=dropped)

    def read_embeddings(self, body: bytes, request: EmbeddingsRequest) -> tuple[list[Vector], Usage | None]:
        """Return one vector per input, in order."""
        return read_embeddings(body, request, errors=self._errors)
