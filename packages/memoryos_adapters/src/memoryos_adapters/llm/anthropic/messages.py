"""A conversation in Anthropic's dialect: the system's words apart, then turns (AN4-AN7, AN11, AN12)."""

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
from memoryos_adapters.llm.anthropic.call_ids import CallIds
from memoryos_adapters.llm.anthropic.turns import Turns
from memoryos_adapters.llm.chat_params import unsupported
from memoryos_adapters.llm.functions_only import check_functions_only
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


def read_conversation(
    messages: tuple[Message, ...], thoughts_of: ThoughtsOf, *, bound_thoughts: bool
) -> tuple[list[TextBlock], Turns]:
    """Return the system's words, in order, and the turns; thoughts are asked for in the tool loop at the end only.

    `bound_thoughts` is that of `Capabilities`. Raises InvalidInput that names what cannot be said.
    """
    _check_last_question(messages)
    check_functions_only(messages)
    loop_begins = _loop_begins(messages, bound_thoughts=bound_thoughts)
    system: list[TextBlock] = []
    turns, ids = Turns(), CallIds()
    for place, message in enumerate(messages):
        path = f"messages[{place}]"
        wire = _wire_of(message, path)
        match message.role:
            case "system" | "developer":
                system += _texts(message, wire, path)
            case "user":
                turns.say("user", _parts(message, wire, path))
            case "tool":
                turns.say("user", [_tool_result(message, wire, path, ids)])
            case "assistant":
                thoughts = thoughts_of(message, wire.thinking_blocks) if place > loop_begins else ()
                turns.say("assistant", [*thoughts, *_texts(message, wire, path), *_tool_uses(message, path, ids)])
            case role:
                raise unsupported(f"{path}.role", f"messages of role {role!r} are not supported by this provider")
    ids.end()
    return system, turns


def unsaid_fields(messages: tuple[Message, ...]) -> tuple[str, ...]:
    """Return the fields that no message can hold here: who speaks, and how closely an image is looked at."""
    has_name = any(message.name for message in messages if message.role != "tool")
    parts = [part for message in messages if isinstance(message.content, tuple) for part in message.content]
    has_detail = any(part.image_url is not None and part.image_url.detail not in (None, "auto") for part in parts)
    return (*(["messages.name"] if has_name else ()), *(["messages.content.image_url.detail"] if has_detail else ()))


def _loop_begins(messages: tuple[Message, ...], *, bound_thoughts: bool) -> int:
    """Return the place of the question that the tool loop at the end is about, -1 when there is none.

    What the user adds to results does not end the loop. It does where thoughts are bound to what came before them: what
    memory recalled is in the last of the user's messages alone, and no longer in the question.
    """
    begins, last = -1, ""
    for place, message in enumerate(messages):
        if message.role == "user" and (bound_thoughts or last != "tool"):
            begins = place
        elif message.role in ("assistant", "tool"):
            last = message.role
    return begins


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


def _tool_uses(message: Message, path: str, ids: CallIds) -> list[ToolUseBlock]:
    path = f"{path}.tool_calls"
    given = ids.ask(message.tool_calls, path)
    calls = zip(message.tool_calls, given, strict=True)
    return [_tool_use(call, call_id, f"{path}[{place}]") for place, (call, call_id) in enumerate(calls)]


def _tool_use(call: ToolCall, call_id: str, path: str) -> ToolUseBlock:
    arguments = call.arguments.strip() or "{}"
    try:
        _OBJECT.decode(arguments)
    except (msgspec.MsgspecError, RecursionError) as exc:
        param = f"{path}.function.arguments"
        raise InvalidInput(f"{param} must hold a JSON object", param=param) from exc
    return ToolUseBlock(id=call_id, name=call.name, input=msgspec.Raw(arguments.encode()))


def _tool_result(message: Message, wire: _WireMessage, path: str, ids: CallIds) -> ToolResultBlock:
    return ToolResultBlock(
        tool_use_id=ids.answer(message.tool_call_id, f"{path}.tool_call_id"),
        content=tuple(_parts(message, wire, path)),
        is_error=wire.is_error is True,
    )


def _check_last_question(messages: tuple[Message, ...]) -> None:
    """A blank message is left out, and the model would answer the question before it."""
    place = max((place for place, message in enumerate(messages) if message.role == "user"), default=-1)
    if place >= 0 and _is_blank(messages[place].content):
        param = f"messages[{place}].content"
        raise InvalidInput(f"{param}: the last message of the user must say something", param=param)


def _is_blank(content: str | tuple[ContentPart, ...] | None) -> bool:
    if isinstance(content, tuple):
        return all(_is_text(part) and not (part.text or part.refusal or "").strip() for part in content)
    return not (content or "").strip()


def _wire_of(message: Message, path: str) -> _WireMessage:
    if message.wire is None:
        return _NO_WIRE
    try:
        return _WIRE.decode(message.wire)
    except msgspec.MsgspecError as exc:
        raise InvalidInput(f"{path}: not a message", param=path) from exc
