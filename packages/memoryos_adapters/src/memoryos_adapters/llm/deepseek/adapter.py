"""DeepSeek: OpenAI's dialect, with thoughts that its models want back or refuse (wire contract: DS1-DS6)."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from memoryos_adapters.http import Http
from memoryos_adapters.llm.chat_params import is_said
from memoryos_adapters.llm.deepseek.format import with_schema_in_words
from memoryos_adapters.llm.deepseek.models import is_before_v4, thinks
from memoryos_adapters.llm.deepseek.params import fit_params
from memoryos_adapters.llm.dialect import StreamDecoder
from memoryos_adapters.llm.http_llm import HttpLlm
from memoryos_adapters.llm.openai.dialect import OpenAiDialect
from memoryos_adapters.llm.openai.messages import ALL_FIELDS, fit_messages
from memoryos_adapters.llm.openai.replayed_field import ReplayedField, Said
from memoryos_adapters.llm.openai.thoughts import ThoughtsName
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.errors import MemoryOSError
from memoryos_ports.llm import ChatAnswer, ChatRequest

_NAME = "reasoning_content"
_NO_THOUGHTS = msgspec.Raw(b'""')
"""The last resort for thoughts that are lost: DeepSeek takes it (DS2)."""


class DeepSeekLlm(HttpLlm):
    """The adapter of the kind ``deepseek``; DeepSeek has no embeddings."""

    def __init__(self, name: str, settings: LlmProviderSettings, http: Http) -> None:
        super().__init__(name, settings, http, DeepSeekDialect(name, settings))


class DeepSeekDialect(OpenAiDialect):
    """OpenAI's dialect as DeepSeek speaks it."""

    serves_openais_models: ClassVar[bool] = False

    def __init__(self, name: str, settings: LlmProviderSettings) -> None:
        super().__init__(name, settings)
        self.thoughts = ThoughtsName(_NAME)
        self._replayed = ReplayedField(_NAME, pieces_of=_thoughts_of, join=_joined)

    def fitted(self, request: ChatRequest) -> tuple[ChatRequest, tuple[str, ...]]:
        """Return a request as this provider takes it, and the names of the parameters that it does not take."""
        request, dropped = super().fitted(with_schema_in_words(request))
        params, ignored = fit_params(request)
        return self._with_thoughts(replace(request, params=params)), dropped + ignored

    def read_answer(self, body: bytes, request: ChatRequest) -> ChatAnswer:
        """Decode the body of a 200; empty lines before it have kept the connection alive (DS4)."""
        answer = super().read_answer(body.strip(), request)
        self._replayed.remember(answer, request.owner)
        return answer

    def stream_decoder(self, request: ChatRequest) -> StreamDecoder:
        """Return a decoder for one stream."""
        return self._replayed.listening(super().stream_decoder(request), request.owner)

    def forget(self, owner: str) -> None:
        """Drop what is kept of an owner's conversations."""
        self._replayed.forget(owner)

    def error_of(self, body: bytes, *, status: int, headers: Mapping[str, str], model: str) -> MemoryOSError:
        """Return the error that an answer other than a 200 means; OpenAI's word for bad parameters is 400 (DS5)."""
        return super().error_of(body, status=400 if status == 422 else status, headers=headers, model=model)

    def _with_thoughts(self, request: ChatRequest) -> ChatRequest:
        """Return the request with the thoughts that its model wants back, or without those that it refuses (DS2)."""
        if not is_before_v4(request.model):
            if not thinks(request):
                return request
            agentic = is_said(request.params.get("tools")) or any(m.tool_calls for m in request.messages)
            return self._replayed.restored(request, default=_NO_THOUGHTS, everywhere=agentic)
        messages = fit_messages(request.messages, without=ALL_FIELDS, instructions="system")
        return replace(request, messages=messages)


def _thoughts_of(said: Said) -> Iterable[tuple[int, str]]:
    if isinstance(said, ChatAnswer):
        pairs = [(choice.index, choice.message.reasoning) for choice in said.choices]
    else:
        pairs = [(delta.index, delta.reasoning) for delta in said.deltas]
    return [(index, thoughts) for index, thoughts in pairs if thoughts is not None]


def _joined(thoughts: list[str]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode("".join(thoughts)))
