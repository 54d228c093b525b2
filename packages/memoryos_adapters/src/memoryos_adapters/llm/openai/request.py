"""A chat request in the OpenAI dialect."""

from typing import Any

import msgspec

from memoryos_ports.llm import ChatRequest, ContentPart, Message, ToolCall


class _Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str


class _ToolCall(msgspec.Struct, frozen=True):
    id: str
    function: _Function
    type: str = "function"


class _Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    role: str
    content: str | tuple[ContentPart, ...] | None
    name: str | None = None
    tool_calls: tuple[_ToolCall, ...] = ()
    tool_call_id: str | None = None


_ENCODER = msgspec.json.Encoder()
_OPTIONS = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)


def encode_request(request: ChatRequest, *, stream: bool) -> bytes:
    """Return the body of a call. Messages that have their wire form, and every parameter, go out byte for byte.

    A stream always asks for usage; the caller's other `stream_options` are kept.
    """
    body: dict[str, Any] = {
        "model": request.model,
        "messages": list(map(wire_of, request.messages)),
        **request.params,
        "stream": stream,
    }
    if stream:
        body["stream_options"] = _with_usage(request.params.get("stream_options"))
    return _ENCODER.encode(body)


def wire_of(message: Message) -> msgspec.Raw:
    """Return a message as it goes out: as it came, if it came over the wire."""
    return msgspec.Raw(_ENCODER.encode(_encodable(message))) if message.wire is None else message.wire


def _encodable(message: Message) -> _Message:
    return _Message(
        role=message.role,
        content=message.content,
        name=message.name,
        tool_calls=tuple(map(_encodable_call, message.tool_calls)),
        tool_call_id=message.tool_call_id,
    )


def _encodable_call(call: ToolCall) -> _ToolCall:
    return _ToolCall(id=call.id, function=_Function(name=call.name, arguments=call.arguments))


def _with_usage(options: msgspec.Raw | None) -> Any:
    if options is None:
        return {"include_usage": True}
    try:
        return {**(_OPTIONS.decode(options) or {}), "include_usage": True}
    except msgspec.MsgspecError:
        return options  # not an object: the provider says what is wrong with it
