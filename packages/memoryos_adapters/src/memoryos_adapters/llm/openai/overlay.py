"""Mended answers on the wire: what was mended is laid over what came, so that unknown fields survive (N6, OR6, X1)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from memoryos_adapters.llm.openai.wire import WireToolCall
from memoryos_ports.llm import ChatAnswer, ChatChunk, Choice, ChoiceDelta, ToolCall, ToolCallDelta, Usage

_Fields: TypeAlias = dict[str, Any]

_Call = TypeVar("_Call", ToolCall, ToolCallDelta)

_CALL = msgspec.json.Decoder(WireToolCall)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)
_encode = msgspec.json.Encoder().encode


def overlay_answer(body: bytes, answer: ChatAnswer) -> bytes:
    """Return the body of a whole answer with the fields of `answer`, which was read from it."""
    came = _object(body)
    choices = map(_choice, _objects(came.get("choices")), answer.choices)
    said = {**_head(answer), "object": "chat.completion", "choices": list(choices)}
    if "usage" in came or answer.usage is not None:
        said["usage"] = None if answer.usage is None else _usage(came.get("usage"), answer.usage)
    return _encode({**came, **said})


def overlay_chunk(event: bytes, chunk: ChatChunk, places: Sequence[int] = ()) -> bytes:
    """Return an event of a stream with the fields of `chunk`, whose deltas were read from the choices at `places`."""
    came = _object(event)
    choices = _objects(came.get("choices"))
    said = {
        **_head(chunk),
        "object": "chat.completion.chunk",
        "choices": [_delta(choices[place], delta) for place, delta in zip(places, chunk.deltas, strict=False)],
        "usage": None if chunk.usage is None else _usage(came.get("usage"), chunk.usage),
    }
    return _encode({**came, **said})


def _head(answer: ChatAnswer | ChatChunk) -> _Fields:
    return {"id": answer.id, "created": answer.created, "model": answer.model}


def _choice(came: _Fields, choice: Choice) -> _Fields:
    message = choice.message
    said: _Fields = {"role": "assistant", "content": message.content, "refusal": message.refusal}
    if message.reasoning is not None:
        said["reasoning_content"] = message.reasoning
    inner = _object(came["message"])
    if message.tool_calls:
        said["tool_calls"] = _functions(inner.get("tool_calls"), message.tool_calls, _tool_call)
    return {**came, "index": choice.index, "message": {**inner, **said}, **_end(choice)}


def _tool_call(came: _Fields, call: ToolCall) -> _Fields:
    function = {**_object(came.get("function")), "name": call.name, "arguments": call.arguments}
    return {**came, "id": call.id, "type": "function", "function": function}


def _delta(came: _Fields, delta: ChoiceDelta) -> _Fields:
    inner: _Fields = _object(came.get("delta"))
    inner.pop("role", None)
    named = {"role": delta.role, "content": delta.content, "reasoning_content": delta.reasoning}
    said: _Fields = {name: text for name, text in named.items() if text is not None}
    if delta.tool_calls:
        said["tool_calls"] = _functions(inner.get("tool_calls"), delta.tool_calls, _piece)
    return {**came, "index": delta.index, "delta": {**inner, **said}, **_end(delta)}


def _piece(came: _Fields, piece: ToolCallDelta) -> _Fields:
    function = {**_object(came.get("function")), "arguments": piece.arguments}
    came = {**came, "index": piece.index, "function": function}
    if piece.id is not None:
        return {**came, "id": piece.id, "type": "function", "function": {**function, "name": piece.name}}
    function.pop("name", None)
    return {name: value for name, value in came.items() if name not in ("id", "type")}


def _functions(
    came: msgspec.Raw | None, calls: Iterable[_Call], say: Callable[[_Fields, _Call], _Fields]
) -> list[_Fields]:
    """Return tool calls with what is said of those of functions; beyond what came: arguments added at a call's end."""
    left = iter(calls)
    laid = [call if _is_of_other_type(call) else say(call, next(left)) for call in _objects(came)]
    return laid + [say({}, call) for call in left]


def _is_of_other_type(call: _Fields) -> bool:
    return _CALL.decode(_encode(call)).is_of_other_type


def _end(choice: Choice | ChoiceDelta) -> _Fields:
    native = choice.native_finish_reason
    return {"finish_reason": choice.finish_reason, **({} if native is None else {"native_finish_reason": native})}


def _usage(came: msgspec.Raw | None, usage: Usage) -> _Fields:
    fields = _object(came)
    read = {"cached_tokens": usage.cached_tokens, "cache_write_tokens": usage.cache_write_tokens}
    thought = {"reasoning_tokens": usage.reasoning_tokens}
    return {
        **fields,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        **_details("prompt_tokens_details", fields, read),
        **_details("completion_tokens_details", fields, thought),
    }


def _details(name: str, usage: _Fields, counts: dict[str, int]) -> _Fields:
    """A count of 0 is said only where the provider said one."""
    came = _object(usage.get(name))
    said = {field: count for field, count in counts.items() if count or field in came}
    return {name: {**came, **said}} if said else {}


def _object(raw: bytes | msgspec.Raw | None) -> _Fields:
    return (_OBJECT.decode(raw) if raw is not None else None) or {}


def _objects(raw: msgspec.Raw | None) -> list[_Fields]:
    return list((_OBJECTS.decode(raw) if raw is not None else None) or ())
