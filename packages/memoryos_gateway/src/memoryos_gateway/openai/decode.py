"""From the OpenAI wire to the domain: a chat body is decoded once, and what nobody here reads stays as it came."""

from typing import TypeVar

import msgspec

from memoryos_gateway.bad_json import describe_bad_json, describe_misfit
from memoryos_gateway.openai.schema import StreamOptions, WireMessage, WirePart
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ContentPart, ImageUrl, Message, ToolCall

_T = TypeVar("_T")

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)
_optional_text = msgspec.json.Decoder(str | None)
_flag = msgspec.json.Decoder(bool | None)
_stream_options = msgspec.json.Decoder(StreamOptions | None)
_message = msgspec.json.Decoder(WireMessage)

MAX_MESSAGES = 10_000
"""The longest conversation that is taken; what is longer is no conversation."""

_OWN_FIELDS = ("model", "messages", "stream", "user_id")


class ChatBody(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded chat request. `user` is whom the body names, in `user_field`; `params` is the rest, undecoded."""

    model: str
    messages: tuple[Message, ...]
    stream: bool
    include_usage: bool
    user: str | None
    user_field: str
    params: dict[str, msgspec.Raw]


def decode_chat(body: bytes) -> ChatBody:
    """Return a chat request. Raises InvalidInput that names the field."""
    fields = _decode_object(body)
    options = _decode(_stream_options, fields.get("stream_options"), "stream_options")
    user_id = _decode(_optional_text, fields.get("user_id"), "user_id")
    return ChatBody(
        model=_required_text(fields, "model"),
        messages=_messages(fields),
        stream=bool(_decode(_flag, fields.get("stream"), "stream")),
        include_usage=bool(options and options.include_usage),
        user=user_id or _decode(_optional_text, fields.get("user"), "user"),
        user_field="user_id" if user_id else "user",
        params={name: raw for name, raw in fields.items() if name not in _OWN_FIELDS},
    )


def _decode_object(body: bytes) -> dict[str, msgspec.Raw]:
    try:
        if not body.isascii():
            body.decode()  # raw values are passed on unread: they must be UTF-8 all the same
        return _fields.decode(body)
    except msgspec.ValidationError as exc:
        raise InvalidInput("The body of your request must be a JSON object.") from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise describe_bad_json(body) from exc


def _messages(fields: dict[str, msgspec.Raw]) -> tuple[Message, ...]:
    if "messages" not in fields:
        raise _missing("messages")
    raws = _decode(_raw_list, fields["messages"], "messages")
    if not raws:
        raise InvalidInput("messages must hold at least one message", param="messages")
    if len(raws) > MAX_MESSAGES:
        raise InvalidInput(f"messages must hold at most {MAX_MESSAGES} messages", param="messages")
    return tuple(_to_message(raw, index) for index, raw in enumerate(raws or ()))


def _to_message(raw: msgspec.Raw, index: int) -> Message:
    wire = _decode(_message, raw, f"messages[{index}]")
    if wire is None:
        raise InvalidInput(f"messages[{index}] must be an object", param=f"messages[{index}]")
    content = wire.content if isinstance(wire.content, str) or wire.content is None else _parts(wire.content)
    return Message(
        role=wire.role,
        content=content,
        name=wire.name,
        tool_calls=tuple(
            ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
            for call in wire.tool_calls or ()
            if call.function is not None
        ),
        tool_call_id=wire.tool_call_id,
        wire=raw,
    )


def _parts(parts: tuple[WirePart, ...]) -> tuple[ContentPart, ...]:
    return tuple(
        ContentPart(
            type=part.type,
            text=part.text,
            image_url=ImageUrl(url=part.image_url.url, detail=part.image_url.detail) if part.image_url else None,
            input_audio=None if part.input_audio is msgspec.UNSET else part.input_audio,
            file=None if part.file is msgspec.UNSET else part.file,
            refusal=part.refusal,
        )
        for part in parts
    )


def _required_text(fields: dict[str, msgspec.Raw], name: str) -> str:
    if name not in fields:
        raise _missing(name)
    text = _decode(_text, fields[name], name)
    if not text:
        raise InvalidInput(f"{name} must not be empty", param=name)
    return text


def _missing(name: str) -> InvalidInput:
    return InvalidInput(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")


def _decode(decoder: msgspec.json.Decoder[_T], raw: msgspec.Raw | None, path: str) -> _T | None:
    if raw is None:
        return None
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as exc:
        raise describe_misfit(exc, path) from exc
    except msgspec.DecodeError as exc:
        raise InvalidInput(f"{path}: not valid JSON text ({exc})", param=path) from exc
