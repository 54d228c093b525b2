"""The OpenAI dialect as `HttpLlm` speaks it; relatives (Azure, DeepSeek, OpenRouter) change a method or two."""

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

from msgspec.structs import replace
from yarl import URL

from memoryos_adapters.llm.dialect import Outgoing, StreamDecoder
from memoryos_adapters.llm.hidden import hidden_texts
from memoryos_adapters.llm.openai.answer import read_answer
from memoryos_adapters.llm.openai.embeddings import MAX_INPUTS, encode_embeddings, read_embeddings
from memoryos_adapters.llm.openai.messages import ALL_FIELDS, FOREIGN_FIELDS, fit_messages
from memoryos_adapters.llm.openai.models import fit_params, is_openai_host, reasons
from memoryos_adapters.llm.openai.request import encode_request
from memoryos_adapters.llm.openai.stream import OpenAiStreamDecoder
from memoryos_adapters.llm.openai.thoughts import ThoughtsName, refuses_thoughts
from memoryos_adapters.llm.refusals import ErrorTable
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.embedding import Vector
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.llm import ChatAnswer, ChatRequest, Usage
from memoryos_ports.llm_embeddings import EmbeddingsRequest


class OpenAiDialect:
    """``{base_url}/chat/completions``; `base_url` includes the version, as OpenAI's SDK has it.

    What the caller sent goes out byte for byte but for what `fitted` changes, and what a well-behaved server answers
    is kept byte for byte. `is_openai` says that it is OpenAI's own service. What its models refuse goes by their names,
    since others serve them as well: proxies, gateways.
    """

    serves_openais_models: ClassVar[bool] = True
    """Whether a model with a name of OpenAI's is that model."""

    kept_fields: ClassVar[frozenset[str]] = frozenset()
    """Which of `FOREIGN_FIELDS` this provider wants back in messages; the others are stripped (X3)."""

    inlines_images = False
    max_inputs = MAX_INPUTS

    def __init__(self, name: str, settings: LlmProviderSettings) -> None:
        self.name, self.settings = name, settings
        self.key = settings.api_key.reveal() if settings.api_key is not None else ""
        self.base_url = settings.base_url.rstrip("/")
        self.host = URL(self.base_url).host or ""
        self.errors = ErrorTable(upstream=name, hidden=hidden_texts(settings))
        self.is_openai = is_openai_host(self.host)
        self.thoughts = ThoughtsName()

    @property
    def reach_url(self) -> URL:
        """The list of models."""
        return URL(f"{self.base_url}/models")

    def url_of(self, operation: str, *, model: str) -> URL:
        """Return where ``chat/completions`` or ``embeddings`` of a model is asked for."""
        return URL(f"{self.base_url}/{operation}")

    async def headers(self) -> Mapping[str, str]:
        """Return the content type and the key, if there is one."""
        credentials = {"authorization": f"Bearer {self.key}"} if self.key else {}
        return {"content-type": "application/json", **credentials}

    def encode(self, request: ChatRequest, *, stream: bool) -> Outgoing:
        """Return the call for a request."""
        request, dropped = self.fitted(request)
        return Outgoing(
            url=self.url_of("chat/completions", model=request.model),
            body=encode_request(request, stream=stream),
            dropped_params=dropped,
        )

    def fitted(self, request: ChatRequest) -> tuple[ChatRequest, tuple[str, ...]]:
        """Return a request as this provider takes it, and the names of the parameters that it does not take.

        Instructions are ``developer`` messages for OpenAI's reasoning models and ``system`` for all others (OA3).
        """
        instructions = "developer" if self.is_openai and reasons(request.model) else "system"
        messages = fit_messages(
            request.messages, without=self.left_out, instructions=instructions, thoughts=self.thoughts
        )
        if not self.serves_openais_models:
            return replace(request, messages=messages), ()
        params, dropped = fit_params(request.model, request.params)
        return replace(request, messages=messages, params=params), dropped

    @cached_property
    def left_out(self) -> frozenset[str]:
        """The fields of messages that this provider does not want back (X3)."""
        refuses = self.is_openai or refuses_thoughts(self.host)
        return (ALL_FIELDS if refuses else FOREIGN_FIELDS) - self.kept_fields

    def read_answer(self, body: bytes, request: ChatRequest) -> ChatAnswer:
        """Decode the body of a 200."""
        return read_answer(body, model=request.model, errors=self.errors, thoughts=self.thoughts)

    def stream_decoder(self, request: ChatRequest) -> StreamDecoder:
        """Return a decoder for one stream."""
        return OpenAiStreamDecoder(model=request.model, errors=self.errors, thoughts=self.thoughts)

    def encode_embeddings(self, request: EmbeddingsRequest) -> Outgoing:
        """Return the call for some vectors; OpenAI's own come as base64, a quarter of the bytes."""
        return Outgoing(
            url=self.url_of("embeddings", model=request.model),
            body=encode_embeddings(request, encoding_format="base64" if self.is_openai else "float"),
        )

    def read_embeddings(self, body: bytes, request: EmbeddingsRequest) -> tuple[list[Vector], Usage | None]:
        """Decode the vectors of a 200."""
        return read_embeddings(body, request, errors=self.errors)

    def error_of(self, body: bytes, *, status: int, headers: Mapping[str, str], model: str) -> MemoryOSError:
        """Return the error that an answer other than a 200 means."""
        return self.errors.error_of(self.errors.read(body), status=status, model=model, headers=headers)
