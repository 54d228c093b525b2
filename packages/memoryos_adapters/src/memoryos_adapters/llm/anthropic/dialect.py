"""Anthropic's Messages as `HttpLlm` speaks them."""

from collections.abc import Mapping

from msgspec.structs import replace
from yarl import URL

from memoryos_adapters.llm.anthropic.answer import read_answer
from memoryos_adapters.llm.anthropic.errors import AnthropicErrors
from memoryos_adapters.llm.anthropic.format import answers_by_tool
from memoryos_adapters.llm.anthropic.models import capabilities_of
from memoryos_adapters.llm.anthropic.request import encode_request
from memoryos_adapters.llm.anthropic.stream import AnthropicStreamDecoder
from memoryos_adapters.llm.dialect import Outgoing, StreamDecoder
from memoryos_adapters.llm.hidden import hidden_texts
from memoryos_adapters.llm.replay import ReplayCache
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.llm import ChatAnswer, ChatRequest

API_VERSION = "2023-06-01"
"""The version of the API that is asked for, whatever the SDKs send by now (AN1).

The next one, 2026-10-21, takes no sampling parameters from any model and adds nothing that is used here; under this
one a model that samples can still be told how.
"""


class AnthropicDialect:
    """``{base_url}/v1/messages``; `base_url` has no version, as Anthropic's SDK has it."""

    inlines_images = False

    def __init__(self, name: str, settings: LlmProviderSettings) -> None:
        self._key = settings.api_key.reveal() if settings.api_key is not None else ""
        self._base_url = settings.base_url.rstrip("/")
        self._is_our_version = "anthropic-version" not in map(str.lower, settings.headers)
        self._max_output_tokens = settings.max_output_tokens
        self._errors = AnthropicErrors(upstream=name, hidden=hidden_texts(settings))
        self._cache = ReplayCache()

    @property
    def reach_url(self) -> URL:
        """The list of models, one of them."""
        return URL(f"{self._base_url}/v1/models?limit=1")

    async def headers(self) -> Mapping[str, str]:
        """Return the content type, the key, if there is one, and the version, if the settings have no other."""
        version = {"anthropic-version": API_VERSION} if self._is_our_version else {}
        credentials = {"x-api-key": self._key} if self._key else {}
        return {"content-type": "application/json", **version, **credentials}

    def encode(self, request: ChatRequest, *, stream: bool) -> Outgoing:
        """Return the call for a request. Raises InvalidInput that names what cannot be said."""
        able = capabilities_of(request.model)
        if not self._is_our_version:
            able = replace(able, sampling="none")
        max_tokens = self._max_output_tokens or able.max_output_tokens
        body, dropped = encode_request(request, able, stream=stream, max_tokens=max_tokens, cache=self._cache)
        return Outgoing(url=URL(f"{self._base_url}/v1/messages"), body=body, dropped_params=dropped)

    def read_answer(self, body: bytes, request: ChatRequest) -> ChatAnswer:
        """Decode the body of a 200."""
        by_tool = answers_by_tool(request, capabilities_of(request.model))
        return read_answer(body, request, by_tool=by_tool, errors=self._errors, cache=self._cache)

    def stream_decoder(self, request: ChatRequest) -> StreamDecoder:
        """Return a decoder for one stream."""
        by_tool = answers_by_tool(request, capabilities_of(request.model))
        return AnthropicStreamDecoder(request, by_tool=by_tool, errors=self._errors, cache=self._cache)

    def forget(self, owner: str) -> None:
        """Drop what is kept of an owner's conversations."""
        self._cache.forget(owner)

    def error_of(self, body: bytes, *, status: int, headers: Mapping[str, str], model: str) -> MemoryOSError:
        """Return the error that an answer other than a 200 means."""
        return self._errors.error_of(body, status=status, headers=headers, model=model)
