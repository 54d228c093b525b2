"""A whole answer of Ollama, and what it has in common with the lines of a stream."""

import time
import uuid
from collections.abc import Container
from datetime import UTC, datetime

import msgspec

from memoryos_adapters.llm.ollama.context import estimate_prompt
from memoryos_adapters.llm.ollama.errors import OllamaErrors
from memoryos_adapters.llm.ollama.wire import WireAnswer, WireToolCall
from memoryos_adapters.llm.wire import decode_wire
from memoryos_ports.errors import UpstreamProtocolError, UpstreamUnavailable
from memoryos_ports.llm import AnswerMessage, ChatAnswer, ChatRequest, Choice, FinishReason, ToolCall, Usage

_DECODER = msgspec.json.Decoder(WireAnswer)

_FINISH_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length"}
_NO_ANSWERS = frozenset({"load", "unload"})


def read_answer(body: bytes, request: ChatRequest, *, errors: OllamaErrors) -> ChatAnswer:
    """Decode the body of a 200.

    Raises the error that the body holds, and UpstreamProtocolError for what is not a complete answer.
    """
    wire = read_wire(body, errors=errors, model=request.model)
    if not wire.done:
        raise UpstreamProtocolError(upstream=errors.upstream, detail="an answer that is not done")
    message, calls = wire.message, read_tool_calls(wire.message.tool_calls or (), taken=(), upstream=errors.upstream)
    finish_reason, native = read_finish_reason(wire, called=bool(calls), upstream=errors.upstream)
    answer_id, created, model = read_head(wire, model=request.model)
    answer = AnswerMessage(
        content=message.content or (None if calls else ""), reasoning=message.thinking or None, tool_calls=calls
    )
    choice = Choice(index=0, message=answer, finish_reason=finish_reason, native_finish_reason=native)
    usage = read_usage(wire, request)
    return ChatAnswer(id=answer_id, created=created, model=model, choices=(choice,), usage=usage)


def read_wire(data: bytes, *, errors: OllamaErrors, model: str) -> WireAnswer:
    """Decode a whole answer or a line. Raises the error that it holds, UpstreamProtocolError when it is neither."""
    wire = decode_wire(_DECODER, data, upstream=errors.upstream)
    if wire.error:
        raise errors.error_within(wire.error, status=wire.status, model=model)
    return wire


def read_head(wire: WireAnswer, *, model: str) -> tuple[str, int, str]:
    """Return id (Ollama has none), creation time (Unix seconds) and model."""
    return f"chatcmpl-{uuid.uuid4().hex}", _seconds(wire.created_at) or int(time.time()), wire.model or model


def read_finish_reason(wire: WireAnswer, *, called: bool, upstream: str) -> tuple[FinishReason, str | None]:
    """Return why an answer ended, and Ollama's word for it where that is another (OL6).

    An answer that calls tools ends with ``stop`` too. No reason at all is what a runner leaves that was shut while it
    answered: UpstreamProtocolError, as for an unknown one. UpstreamUnavailable when a model was (un)loaded and nothing
    answered.
    """
    native = wire.done_reason or ""
    reason = _FINISH_REASONS.get(native)
    if native in _NO_ANSWERS:
        raise UpstreamUnavailable(upstream=upstream, detail=f"no answer, but a model's {native}")
    if reason is None:
        raise UpstreamProtocolError(upstream=upstream, detail="an unknown or missing done_reason")
    return ("tool_calls", native) if called and reason == "stop" else (reason, None)


def read_usage(wire: WireAnswer, request: ChatRequest) -> Usage | None:
    """Return the counts. That of the prompt is missing when the server had it cached: then it is estimated (OL7)."""
    if wire.eval_count is None:
        return None
    if wire.prompt_eval_count is None:
        prompt_tokens = estimate_prompt(request)
        return Usage(prompt_tokens=prompt_tokens, completion_tokens=wire.eval_count, estimated=True)
    return Usage(prompt_tokens=wire.prompt_eval_count, completion_tokens=wire.eval_count)


def read_tool_calls(
    wires: list[WireToolCall] | tuple[()], *, taken: Container[str], upstream: str
) -> tuple[ToolCall, ...]:
    """Return the calls with an id each, a made one where Ollama gave none or one that is `taken` (OL3)."""
    calls: dict[str, ToolCall] = {}
    for wire in wires:
        if not wire.function.name:
            raise UpstreamProtocolError(upstream=upstream, detail="a tool call without a name")
        call_id = wire.id
        if not call_id or call_id in taken or call_id in calls:
            call_id = f"call_{uuid.uuid4().hex[:24]}"
        calls[call_id] = ToolCall(id=call_id, name=wire.function.name, arguments=_arguments(wire.function.arguments))
    return tuple(calls.values())


def _seconds(created_at: str | None) -> int | None:
    """Return a time in Unix seconds, UTC where it has no zone; None for none, and for Go's zero time (the year 1)."""
    try:
        time_ = msgspec.convert(created_at, datetime)
    except msgspec.ValidationError:
        return None
    seconds = int(time_.replace(tzinfo=time_.tzinfo or UTC).timestamp())
    return seconds if seconds > 0 else None


def _arguments(raw: msgspec.Raw) -> str:
    """Return an object's own JSON; some servers send it inside a text, as OpenAI does."""
    text = bytes(raw).decode()
    if text.startswith('"'):
        text = msgspec.json.decode(text, type=str)
    return "{}" if text in ("", "null") else text
