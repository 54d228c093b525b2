"""OpenRouter: OpenAI's dialect in front of many providers (wire contract: OR1-OR6)."""

from typing import ClassVar

from yarl import URL

from memoryos_adapters.http import Http
from memoryos_adapters.llm.dialect import StreamDecoder
from memoryos_adapters.llm.hidden import hidden_texts
from memoryos_adapters.llm.http_llm import HttpLlmWithEmbeddings
from memoryos_adapters.llm.openai.dialect import OpenAiDialect
from memoryos_adapters.llm.openai.replayed_field import ReplayedField
from memoryos_adapters.llm.openrouter.details import NAME, details_of, join_details
from memoryos_adapters.llm.openrouter.errors import OpenRouterErrors
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.llm import ChatAnswer, ChatRequest


class OpenRouterLlm(HttpLlmWithEmbeddings):
    """The adapter of the kind ``openrouter``; ``HTTP-Referer`` and ``X-Title`` come from `settings.headers`."""

    def __init__(self, name: str, settings: LlmProviderSettings, http: Http) -> None:
        super().__init__(name, settings, http, OpenRouterDialect(name, settings))


class OpenRouterDialect(OpenAiDialect):
    """OpenAI's dialect as OpenRouter speaks it; its own parameters (``provider``, ``models``, …) pass as they came."""

    kept_fields: ClassVar[frozenset[str]] = frozenset({NAME})

    serves_openais_models: ClassVar[bool] = False

    def __init__(self, name: str, settings: LlmProviderSettings) -> None:
        super().__init__(name, settings)
        self.errors = OpenRouterErrors(upstream=name, hidden=hidden_texts(settings))
        self._details = ReplayedField(NAME, pieces_of=details_of, join=join_details)

    @property
    def reach_url(self) -> URL:
        """What is known of our key; the list of models is open to everybody."""
        return URL(f"{self.base_url}/key")

    def fitted(self, request: ChatRequest) -> tuple[ChatRequest, tuple[str, ...]]:
        """Return a request as this provider takes it, and the names of the parameters that it does not take."""
        request, dropped = super().fitted(request)
        return self._details.restored(request), dropped

    def read_answer(self, body: bytes, request: ChatRequest) -> ChatAnswer:
        """Decode the body of a 200."""
        answer = super().read_answer(body, request)
        self._details.remember(answer, request.owner)
        return answer

    def stream_decoder(self, request: ChatRequest) -> StreamDecoder:
        """Return a decoder for one stream."""
        return self._details.listening(super().stream_decoder(request), request.owner)

    def forget(self, owner: str) -> None:
        """Drop what is kept of an owner's conversations."""
        self._details.forget(owner)
