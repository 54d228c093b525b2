"""The offline fallback: shows what memory recalled when there is no model to talk to."""

import re
import time
import uuid
from collections.abc import AsyncGenerator

from memoryos_adapters.llm.estimate import estimate_tokens
from memoryos_ports.llm import (
    AnswerMessage,
    ChatAnswer,
    ChatChunk,
    ChatRequest,
    Choice,
    ChoiceDelta,
    Message,
    Usage,
)

_INTRODUCTION = "I am MemoryOS's offline fallback: no language model is configured, so I can only tell what I remember."
_RECALLED = "This may help:"
_NOTHING_RECALLED = "I remember nothing about this yet. Tell me something, then ask me about it."
_ADVICE = "For real answers, configure a provider under [llm.providers]."

_WORD = re.compile(r"\S+\s*")


class NoopLlm:
    """An `LlmAdapter` without a model or any I/O. It answers from `ChatRequest.recalled`, quoting it line by line.

    It always gives one choice that ends with `stop`, streams word by word, and estimates its usage. The settings and
    the HTTP that every LLM adapter is made with are of no use to it.
    """

    def __init__(self, name: str = "noop", *_: object) -> None:
        self._name = name

    @property
    def name(self) -> str:
        """The provider's name in the configuration."""
        return self._name

    async def reach(self) -> None:
        """Return: there is nothing to reach."""

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Return the whole answer."""
        text = compose_answer(request.recalled)
        return ChatAnswer(
            id=_new_id(),
            created=int(time.time()),
            model=request.model,
            choices=(Choice(index=0, message=AnswerMessage(content=text), finish_reason="stop"),),
            usage=_estimate(request, text),
        )

    async def chat_stream(self, request: ChatRequest) -> AsyncGenerator[list[ChatChunk], None]:
        """Yield the same answer, one word at a time."""
        text = compose_answer(request.recalled)
        answer_id, created, model = _new_id(), int(time.time()), request.model
        deltas = [
            ChoiceDelta(index=0, role="assistant", content=""),
            *(ChoiceDelta(index=0, content=word) for word in _WORD.findall(text)),
            ChoiceDelta(index=0, finish_reason="stop"),
        ]
        for delta in deltas:
            yield [ChatChunk(id=answer_id, created=created, model=model, deltas=(delta,))]
        yield [ChatChunk(id=answer_id, created=created, model=model, usage=_estimate(request, text))]


def compose_answer(recalled: tuple[str, ...]) -> str:
    """Return what the fallback says: who it is, what it recalled (each as a quotation), and how to get a model."""
    findings = "\n\n".join([_RECALLED, *map(_quotation, recalled)]) if recalled else _NOTHING_RECALLED
    return "\n\n".join([_INTRODUCTION, findings, _ADVICE])


def _quotation(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.strip().splitlines())


def _estimate(request: ChatRequest, answer: str) -> Usage:
    return Usage(
        prompt_tokens=sum(estimate_tokens(_text_of(message)) for message in request.messages),
        completion_tokens=estimate_tokens(answer),
        estimated=True,
    )


def _text_of(message: Message) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    return " ".join(part.text for part in message.content if part.text)


def _new_id() -> str:
    return f"chatcmpl-{uuid.uuid4().hex}"
