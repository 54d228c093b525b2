"""A conversation in Anthropic's dialect: the system's words apart, then turns (AN4-AN7, AN11, AN12)."""

import re
from collections.abc import Callable
from itertools import chain, repeat
from typing import TypeAlias

import msgspec

from memoryos_adapters.llm.anthropic.blocks import (
    MaybeRaw,
    PartBlock,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
    read_part,
    text_blocks,
)
from memoryos_adapters.llm.anthropic.turns import Turns
from memoryos_adapters.llm.chat_params import unsupported
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ContentPart, Message, ToolCall

ThoughtsOf: TypeAlias = Callable[[Message, MaybeRaw], tuple[msgspec.Raw, ...]]
"""Finds the thoughts before a message; the second argument is what the client sent of them."""


class _WirePart(msgspec.Struct, frozen=True):
    cache_control: MaybeRaw = msgspec.UNSET


class _WireMessage(msgspec.Struct, frozen=True):
    """The fields beyond OpenAI's that the client may have written into a message, and `refusal`."""

    content: str | list[_WirePart] | None = None
    refusal: str | None = None
    is_error: bool | None = None
    thinking_blocks: MaybeRaw = msgspec.UNSET


_NO_WIRE = _WireMessage()
_WIRE = msgspec.json.Decoder(_WireMessage)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NOT_IN_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")


def read_conversation(messages: tuple[Message, ...], thoughts_of: ThoughtsOf) -> tuple[list[TextBlock], Turns]:
    """Return the system's words, in order, and the turns; thoughts are asked for in the tool loop at the end only.

    Raises InvalidInput that names what cannot be said.
    """
    _check_tool_results(messages)
    loop_begins = max((place for place, message in enumerate(messages) if message.role == "user"), default=-1)
    system: list[TextBlock] = []
    turns = Turns()
    for place, message in enumerate(messages):
        path = f"messages[{place}]"
        wire = _wire_of(message, path)
        match message.role:
            case "system" | "developer":
                system += _texts(message, wire, path)
            case "user":
                turns.say("user", _parts(message, wire, path))
            case "tool":
                turns.say("user", [_tool_result(message, wire, path)])
            case "assistant":
                thoughts = thoughts_of(message, wire.thinking_blocks) if place > loop_begins else ()
                turns.say("assistant", [*thoughts, *_texts(message, wire, path), *_tool_uses(message, path)])
            case role:
                raise unsupported(f"{path}.role", f"messages of role {role!r} are not supported by this provider")
    return system, turns


def _parts(message: Message, wire: _WireMessage, path: str) -> list[PartBlock]:
    if not isinstance(message.content, tuple):
        return list(text_blocks(message.content or wire.refusal or ""))
    marks = [part.cache_control for part in wire.content] if isinstance(wire.content, list) else []
    return [
        block
        for place, (part, mark) in enumerate(zip(message.content, chain(marks, repeat(msgspec.UNSET)), strict=False))
        for block in read_part(part, f"{path}.content[{place}]", mark)
    ]


def _texts(message: Message, wire: _WireMessage, path: str) -> list[TextBlock]:
    for place, part in enumerate(message.content if isinstance(message.content, tuple) else ()):
        if not _is_text(part):
            raise unsupported(f"{path}.content[{place}].type", f"a message of role {message.role!r} holds only text")
    return [block for block in _parts(message, wire, path) if isinstance(block, TextBlock)]


def _is_text(part: ContentPart) -> bool:
    return part.type in ("text", "refusal")


def _tool_uses(message: Message, path: str) -> list[ToolUseBlock]:
    return [_tool_use(call, f"{path}.tool_calls[{place}]") for place, call in enumerate(message.tool_calls)]


def _tool_use(call: ToolCall, path: str) -> ToolUseBlock:
    arguments = call.arguments.strip() or "{}"
    try:
        _OBJECT.decode(arguments)
    except (msgspec.MsgspecError, RecursionError) as exc:
        param = f"{path}.function.arguments"
        raise InvalidInput(f"{param} must hold a JSON object", param=param) from exc
    return ToolUseBlock(id=_id(call.id), name=call.name, input=msgspec.Raw(arguments.encode()))


def _tool_result(message: Message, wire: _WireMessage, path: str) -> ToolResultBlock:
    return ToolResultBlock(
        tool_use_id=_id(message.tool_call_id or ""),
        content=tuple(_parts(message, wire, path)),
        is_error=wire.is_error is True,
    )


def _id(call_id: str) -> str:
    """Other providers' ids hold characters that Anthropic's may not."""
    return _NOT_IN_AN_ID.sub("_", call_id)


def _check_tool_results(messages: tuple[Message, ...]) -> None:
    """Every result has its call in the answer before it, and every call its result."""
    open_ids: set[str | None] = set()
    asked_at = ""
    for place, message in enumerate(messages):
        path = f"messages[{place}]"
        if message.role == "tool":
            if message.tool_call_id not in open_ids:
                param = f"{path}.tool_call_id"
                raise InvalidInput(f"{param}: no call of this id is open in the answer before", param=param)
            open_ids.remove(message.tool_call_id)
        elif message.role == "assistant":
            _check_answered(open_ids, asked_at)
            open_ids, asked_at = {call.id for call in message.tool_calls}, f"{path}.tool_calls"
    _check_answered(open_ids, asked_at)


def _check_answered(open_ids: set[str | None], asked_at: str) -> None:
    if open_ids:
        raise InvalidInput(f"{asked_at}: a call has no result in the messages after it", param=asked_at)


def _wire_of(message: Message, path: str) -> _WireMessage:
    if message.wire is None:
        return _NO_WIRE
    try:
        return _WIRE.decode(message.wire)
    except msgspec.MsgspecError as exc:
        raise InvalidInput(f"{path}: not a message", param=path) from exc
