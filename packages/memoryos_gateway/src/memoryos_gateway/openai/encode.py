"""From the domain to the OpenAI wire: whole answers, chunks, and events of a stream."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from memoryos_gateway.errors import ErrorBody
from memoryos_ports.llm import ChatAnswer, ChatChunk, Choice, ChoiceDelta, ToolCall, ToolCallDelta, Usage

DONE = b"data: [DONE]\n\n"
NOT_STORED = b": memory not stored\n\n"

_OURS = frozenset({"role", "content", "refusal", "reasoning_content", "tool_calls"})

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def encode_answer(answer: ChatAnswer) -> bytes:
    """Return the body of a whole answer: as the provider sent it where that may be, else encoded from the fields."""
    if answer.wire is not None:
        return _with_estimate(answer.wire, answer.usage)
    body: dict[str, Any] = {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [_choice(choice) for choice in answer.choices],
    }
    if answer.usage is not None:
        body["usage"] = _usage(answer.usage)
    if answer.system_fingerprint is not None:
        body["system_fingerprint"] = answer.system_fingerprint
    if answer.service_tier is not None:
        body["service_tier"] = answer.service_tier
    return _encode(body)


def encode_batch(chunks: Iterable[ChatChunk], *, include_usage: bool) -> bytes:
    """Return the events of chunks that arrived together; the usage chunk only for a client that asked for it."""
    return b"".join(
        b"data: %b\n\n" % _event(part, include_usage)
        for chunk in chunks
        if chunk.deltas or include_usage
        for part in (_in_openais_steps(chunk) if chunk.wire is None else (chunk,))
    )


def encode_stream_error(body: ErrorBody) -> bytes:
    """Return the event that ends a stream that failed; SDKs raise APIError for it."""
    return b"data: %b\n\n" % _encode({"error": body})


def _with_estimate(wire: bytes, usage: Usage | None) -> bytes:
    """Return a provider's answer with the usage that it left out (X2)."""
    if usage is None or not usage.estimated:
        return wire
    return _encode({**_fields(wire), "usage": _usage(usage)})


def _choice(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.message.content,
        "refusal": choice.message.refusal,
    }
    if choice.message.reasoning is not None:
        message["reasoning_content"] = choice.message.reasoning
    if choice.message.tool_calls:
        message["tool_calls"] = [_tool_call(call) for call in choice.message.tool_calls]
    return {
        "index": choice.index,
        "message": {**_further(choice.message.extra), **message},
        "logprobs": None,
        **_finish(choice),
    }


def _further(extra: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Return further fields that are none of ours."""
    return {name: value for name, value in extra.items() if name not in _OURS} if extra else extra


def _finish(choice: Choice | ChoiceDelta) -> dict[str, Any]:
    """Return why an answer ended; the provider's own word beside ours, where it has another (X1)."""
    native = choice.native_finish_reason
    said = {"finish_reason": choice.finish_reason}
    return said if native is None else {**said, "native_finish_reason": native}


def _tool_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function, **_extra_content(call)}


def _extra_content(call: ToolCall | ToolCallDelta) -> dict[str, Any]:
    return {} if call.extra_content is None else {"extra_content": call.extra_content}


def _in_openais_steps(chunk: ChatChunk) -> Iterator[ChatChunk]:
    """Yield a chunk in the steps that OpenAI takes: roles without words, words, ends without words (S7, S10)."""
    said = [delta for delta in chunk.deltas if not delta.is_bare]
    if not said:
        yield chunk
        return
    if begun := [ChoiceDelta(index=delta.index, role=delta.role, content="") for delta in said if delta.role]:
        yield replace(chunk, deltas=tuple(begun))
    bare = dict.fromkeys(("role", "finish_reason", "native_finish_reason"))
    yield replace(chunk, deltas=tuple(replace(delta, **bare, extra={}) for delta in said))
    rest = [delta for delta in chunk.deltas if delta.is_bare]
    rest += [
        ChoiceDelta(
            index=delta.index,
            finish_reason=delta.finish_reason,
            native_finish_reason=delta.native_finish_reason,
            extra=delta.extra,
        )
        for delta in said
        if delta.finish_reason or delta.extra
    ]
    if rest:
        yield replace(chunk, deltas=tuple(rest))


def _event(chunk: ChatChunk, include_usage: bool) -> bytes:
    """Return the JSON of a chunk: as it came if it may be, with the null that some providers leave out (S11)."""
    if chunk.wire is None:
        return _chunk(chunk, include_usage)
    if not include_usage or b'"usage"' in chunk.wire:
        return chunk.wire
    return chunk.wire.rstrip().removesuffix(b"}") + b',"usage":null}'


def _chunk(chunk: ChatChunk, include_usage: bool) -> bytes:
    body: dict[str, Any] = {
        "id": chunk.id,
        "object": "chat.completion.chunk",
        "created": chunk.created,
        "model": chunk.model,
        "choices": [_delta(delta) for delta in chunk.deltas],
    }
    if include_usage:
        body["usage"] = _usage(chunk.usage) if chunk.usage is not None else None
    return _encode(body)


def _delta(delta: ChoiceDelta) -> dict[str, Any]:
    named = {
        "role": delta.role,
        "content": delta.content,
        "refusal": delta.refusal,
        "reasoning_content": delta.reasoning,
    }
    body: dict[str, Any] = {key: value for key, value in named.items() if value is not None}
    if delta.tool_calls:
        body["tool_calls"] = [_tool_call_delta(call) for call in delta.tool_calls]
    return {"index": delta.index, "delta": {**_further(delta.extra), **body}, "logprobs": None, **_finish(delta)}


def _tool_call_delta(call: ToolCallDelta) -> dict[str, Any]:
    function = {"arguments": call.arguments} if call.name is None else {"name": call.name, "arguments": call.arguments}
    begun = {} if call.id is None else {"id": call.id, "type": "function"}
    return {"index": call.index, **begun, "function": function, **_extra_content(call)}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        **({"estimated": True} if usage.estimated else {}),
    }
