"""The OpenAI dialect as `HttpLlm` speaks it; relatives (Azure, DeepSeek, OpenRouter) change a method or two."""

from collections.abc import Mapping

from yarl import URL

from memoryos_adapters.llm.dialect import Outgoing, StreamDecoder
from memoryos_adapters.llm.openai_answer import read_answer
from memoryos_adapters.llm.openai_errors import ErrorTable, read_refusal
from memoryos_adapters.llm.openai_request import encode_request
from memoryos_adapters.llm.openai_stream import OpenAiStreamDecoder
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.llm import ChatAnswer, ChatRequest


class OpenAiDialect:
    """``{base_url}/chat/completions``; `base_url` includes the version, as OpenAI's SDK has it.

    What the caller sent goes out byte for byte, and what a well-behaved server answers is kept byte for byte.
    """

    inlines_images = False

    def __init__(self, name: str, settings: LlmProviderSettings) -> None:
        self.name, self.settings = name, settings
        self.key = settings.api_key.reveal() if settings.api_key is not None else ""
        self.base_url = settings.base_url.rstrip("/")
        self.errors = ErrorTable(upstream=name, hidden=(self.key, URL(self.base_url).host or ""))

    @property
    def reach_url(self) -> URL:
        """The list of models."""
        return URL(f"{self.base_url}/models")

    async def headers(self) -> Mapping[str, str]:
        """Return the content type and the key, if there is one."""
        credentials = {"authorization": f"Bearer {self.key}"} if self.key else {}
        return {"content-type": "application/json", **credentials}

    def encode(self, request: ChatRequest, *, stream: bool) -> Outgoing:
        """Return the call for a request."""
        return Outgoing(url=URL(f"{self.base_url}/chat/completions"), body=encode_request(request, stream=stream))

    def read_answer(self, body: bytes, request: ChatRequest) -> ChatAnswer:
        """Decode the body of a 200."""
        return read_answer(body, model=request.model, errors=self.errors)

    def stream_decoder(self, request: ChatRequest) -> StreamDecoder:
        """Return a decoder for one stream."""
        return OpenAiStreamDecoder(model=request.model, errors=self.errors)

    def error_of(self, body: bytes, *, status: int, headers: Mapping[str, str], model: str) -> MemoryOSError:
        """Return the error that an answer other than a 200 means."""
        return self.errors.error_of(read_refusal(body), status=status, model=model, headers=headers)
