"""One message of a chat, from the OpenAI wire to the domain, and what each role must say (wire contract: R3, E6)."""

import msgspec

from memoryos_gateway.openai.fields import decode_field, missing
from memoryos_gateway.openai.schema import WireMessage, WirePart, WireToolCall
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ContentPart, ImageUrl, Message, ToolCall

_message = msgspec.json.Decoder(WireMessage)

_MUST_SAY_SOMETHING = ("user", "tool")
"""Roles whose content is never null. An assistant, which may call tools, refuse or speak, need not even have one."""

_NAMED_BY_TYPE = frozenset({"text", "image_url", "input_audio", "file", "refusal"})
"""The types of parts that hold what they are in a field of the same name."""

_NULL = msgspec.Raw(b"null")


def read_message(raw: msgspec.Raw, path: str) -> Message:
    """Return a message that keeps its wire form. Raises InvalidInput that names the field, which is below `path`."""
    wire = decode_field(_message, raw, path)
    if wire is None:
        raise InvalidInput(f"{path} must be an object", param=path)
    _check_role(wire, path)
    return Message(
        role=wire.role,
        content=_content(wire, path),
        name=wire.name,
        tool_calls=_tool_calls(wire.tool_calls, path) if wire.tool_calls else (),
        tool_call_id=wire.tool_call_id,
        wire=raw,
    )


def _check_role(wire: WireMessage, path: str) -> None:
    if wire.content is msgspec.UNSET and wire.role != "assistant":
        raise missing(f"{path}.content")
    if wire.content is None and wire.role in _MUST_SAY_SOMETHING:
        raise InvalidInput(f"{path}.content: expected a text or parts, got null", param=f"{path}.content")
    if wire.role == "tool" and not wire.tool_call_id:
        raise missing(f"{path}.tool_call_id")
    if wire.role == "function" and not wire.name:
        raise missing(f"{path}.name")


def _content(wire: WireMessage, path: str) -> str | tuple[ContentPart, ...] | None:
    match wire.content:
        case msgspec.UNSET:
            return None
        case tuple() as parts:
            return tuple(_part(part, f"{path}.content[{index}]") for index, part in enumerate(parts))
        case content:
            return content


def _part(wire: WirePart, path: str) -> ContentPart:
    image = wire.image_url
    part = ContentPart(
        type=wire.type,
        text=wire.text,
        image_url=ImageUrl(url=image.url, detail=image.detail) if image else None,
        input_audio=_given(wire.input_audio),
        file=_given(wire.file),
        refusal=wire.refusal,
    )
    if wire.type in _NAMED_BY_TYPE and getattr(part, wire.type) is None:
        raise missing(f"{path}.{wire.type}")
    return part


def _tool_calls(wires: tuple[WireToolCall, ...], path: str) -> tuple[ToolCall, ...]:
    """Return the calls of functions; calls of other types live in the message's wire form only."""
    calls = []
    for index, wire in enumerate(wires):
        if wire.function is not None:
            name, arguments = wire.function.name, wire.function.arguments
            calls.append(ToolCall(id=wire.id, name=name, arguments=arguments, extra_content=_given(wire.extra_content)))
        elif wire.type == "function":
            raise missing(f"{path}.tool_calls[{index}].function")
    return tuple(calls)


def _given(raw: msgspec.Raw | msgspec.UnsetType) -> msgspec.Raw | None:
    return None if raw is msgspec.UNSET or raw == _NULL else raw
