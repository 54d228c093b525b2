"""From the OpenAI wire to the domain: a chat body is decoded once, and what nobody here reads stays as it came."""

import msgspec

from memoryos_gateway.openai.fields import decode_field, decode_object, missing, required_text
from memoryos_gateway.openai.messages import read_message
from memoryos_gateway.openai.schema import StreamOptions
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import Message

_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_optional_text = msgspec.json.Decoder(str | None)
_flag = msgspec.json.Decoder(bool | None)
_stream_options = msgspec.json.Decoder(StreamOptions | None)

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
    fields = decode_object(body)
    options = decode_field(_stream_options, fields.get("stream_options"), "stream_options")
    user_id = decode_field(_optional_text, fields.get("user_id"), "user_id")
    return ChatBody(
        model=required_text(fields, "model"),
        messages=_messages(fields),
        stream=bool(decode_field(_flag, fields.get("stream"), "stream")),
        include_usage=bool(options and options.include_usage),
        user=user_id or decode_field(_optional_text, fields.get("user"), "user"),
        user_field="user_id" if user_id else "user",
        params={name: raw for name, raw in fields.items() if name not in _OWN_FIELDS},
    )


def _messages(fields: dict[str, msgspec.Raw]) -> tuple[Message, ...]:
    if "messages" not in fields:
        raise missing("messages")
    raws = decode_field(_raw_list, fields["messages"], "messages")
    if not raws:
        raise InvalidInput("messages must hold at least one message", param="messages")
    if len(raws) > MAX_MESSAGES:
        raise InvalidInput(f"messages must hold at most {MAX_MESSAGES} messages", param="messages")
    return tuple(read_message(raw, f"messages[{index}]") for index, raw in enumerate(raws))
