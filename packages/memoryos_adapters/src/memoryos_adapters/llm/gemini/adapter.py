"""Google's Gemini, by its native API (generateContent, v1beta)."""

from collections.abc import Mapping

from yarl import URL

from memoryos_adapters.http import Http
from memoryos_adapters.llm.dialect import Outgoing, StreamDecoder
from memoryos_adapters.llm.gemini.answer import read_answer
from memoryos_adapters.llm.gemini.embeddings import MAX_INPUTS, encode_embeddings, read_embeddings
from memoryos_adapters.llm.gemini.errors import GeminiErrors
from memoryos_adapters.llm.gemini.model import GeminiModel
from memoryos_adapters.llm.gemini.parts import with_files_by_uri
from memoryos_adapters.llm.gemini.request import encode_request
from memoryos_adapters.llm.gemini.signatures import Signatures
from memoryos_adapters.llm.gemini.stream import GeminiStreamDecoder
from memoryos_adapters.llm.hidden import hidden_texts
from memoryos_adapters.llm.http_llm import HttpLlmWithEmbeddings
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.embedding import Vector
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.llm import ChatAnswer, ChatRequest, Usage
from memoryos_ports.llm_embeddings import EmbeddingsRequest


class GeminiLlm(HttpLlmWithEmbeddings):
    """The adapter of the kind ``gemini``; `base_url` has no version, as Google's SDK takes it."""

    def __init__(self, name: str, settings: LlmProviderSettings, http: Http) -> None:
        super().__init__(name, settings, http, GeminiDialect(name, settings))

    async def _prepared(self, request: ChatRequest) -> ChatRequest:
        """Only the images that the provider does not get at itself are fetched here (GE13)."""
        return await super()._prepared(with_files_by_uri(request, GeminiModel.of(request.model)))


class GeminiDialect:
    """``{base_url}/v1beta/models/{model}:generateContent``; the key goes in a header, never in the URL (GE1)."""

    inlines_images = True
    max_inputs = MAX_INPUTS

    def __init__(self, name: str, settings: LlmProviderSettings) -> None:
        self._key = settings.api_key.reveal() if settings.api_key is not None else ""
        self._root = URL(f"{settings.base_url.rstrip('/')}/v1beta")
        self._errors = GeminiErrors(upstream=name, hidden=hidden_texts(settings))
        self._signatures = Signatures()

    @property
    def reach_url(self) -> URL:
        """A list of one model."""
        return URL(f"{self._root}/models?pageSize=1")

    async def headers(self) -> Mapping[str, str]:
        """Return the content type and the key, if there is one."""
        credentials = {"x-goog-api-key": self._key} if self._key else {}
        return {"content-type": "application/json", **credentials}

    def encode(self, request: ChatRequest, *, stream: bool) -> Outgoing:
        """Return the call for a request."""
        model = GeminiModel.of(request.model)
        body, dropped = encode_request(request, model, self._signatures)
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return Outgoing(url=self._url(model, method), body=body, dropped_params=dropped)

    def read_answer(self, body: bytes, request: ChatRequest) -> ChatAnswer:
        """Decode the body of a 200."""
        return read_answer(body, request, errors=self._errors, signatures=self._signatures)

    def stream_decoder(self, request: ChatRequest) -> StreamDecoder:
        """Return a decoder for one stream."""
        return GeminiStreamDecoder(request, errors=self._errors, signatures=self._signatures)

    def forget(self, owner: str) -> None:
        """Drop what is kept of an owner's conversations."""
        self._signatures.forget(owner)

    def error_of(self, body: bytes, *, status: int, headers: Mapping[str, str], model: str) -> MemoryOSError:
        """Return the error that an answer other than a 200 means."""
        return self._errors.error_of(body, status=status, headers=headers, model=model)

    def encode_embeddings(self, request: EmbeddingsRequest) -> Outgoing:
        """Return the call for a request."""
        model = GeminiModel.of(request.model)
        body, dropped = encode_embeddings(request, model)
        return Outgoing(url=self._url(model, "batchEmbedContents"), body=body, dropped_params=dropped)

    def read_embeddings(self, body: bytes, request: EmbeddingsRequest) -> tuple[list[Vector], Usage | None]:
        """Return one vector per input, in order."""
        return read_embeddings(body, request, upstream=self._errors.upstream)

    def _url(self, model: GeminiModel, method: str) -> URL:
        return URL(f"{self._root}/{model.path}:{method}", encoded=True)
