"""The messages of a conversation as Ollama takes them.

Sources: docs/api.md of Ollama; the ids of calls and results from its api/types.go: older servers skip what they do not
know, newer ones match by them.
"""

from collections.abc import Iterator
from itertools import groupby

import msgspec

from memoryos_adapters.llm.chat_params import unsupported
from memoryos_adapters.llm.data_url import read_data_url
from memoryos_adapters.llm.functions_only import check_functions_only
from memoryos_adapters.llm.legacy_call import legacy_call
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ContentPart, Message, ToolCall

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


class OllamaFunction(msgspec.Struct, frozen=True):
    """A function that was called; the arguments are an object (OL3)."""

    name: str
    arguments: dict[str, msgspec.Raw]


class OllamaToolCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool call; servers and templates that know no ids match the results by name and order."""

    function: OllamaFunction
    id: str = ""


class OllamaMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message; `images` are bare base64 (OL4)."""

    role: str
    content: str
    thinking: str | None = None
    images: tuple[str, ...] = ()
    tool_calls: tuple[OllamaToolCall, ...] = ()
    tool_name: str | None = None
    tool_call_id: str | None = None


class _Thoughts(msgspec.Struct, frozen=True):
    """What a client sends back of the reasoning it got, in either of its two spellings (S14)."""

    reasoning_content: str | None = None
    reasoning: str | None = None


_THOUGHTS = msgspec.json.Decoder(_Thoughts)
_ARGUMENTS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def encode_messages(messages: tuple[Message, ...]) -> list[OllamaMessage]:
    """Return the messages, all of them; the parts of a content are joined by line breaks.

    They keep their order, but for results that follow each other: those come in the order of their calls (OL3).
    Raises InvalidInput that names what cannot be said: audio, files, images by URL, arguments that are no JSON object,
    a tool's result whose call is not in the conversation.
    """
    check_functions_only(messages)
    names: dict[str, str] = {}
    encoded = []
    for place, message in _in_order_of_calls(messages):
        names.update((call.id, call.name) for call in message.tool_calls)
        encoded.append(_encoded(message, f"messages[{place}]", names))
    return encoded


def _in_order_of_calls(messages: tuple[Message, ...]) -> Iterator[tuple[int, Message]]:
    """Yield every message with its place among the caller's."""
    ranks: dict[str | None, int] = {}
    for are_results, group in groupby(enumerate(messages), key=lambda placed: placed[1].role == "tool"):
        run = list(group)
        if are_results:
            run.sort(key=lambda placed: ranks.get(placed[1].tool_call_id, len(ranks)))
        else:
            calls = [call.id for _, message in run for call in message.tool_calls]
            ranks = {call_id: rank for rank, call_id in enumerate(calls)}
        yield from run


def _encoded(message: Message, path: str, names: dict[str, str]) -> OllamaMessage:
    role = _ROLES.get(message.role)
    if role is None:
        raise unsupported(f"{path}.role", f"the role {message.role!r} is not supported here")
    return OllamaMessage(
        role=role,
        content=_text(message.content, path),
        thinking=_thoughts(message) if role == "assistant" else None,
        images=_images(message.content, path),
        tool_calls=tuple(_calls(message, path)) if role == "assistant" else (),
        tool_name=_tool_name(message, path, names) if role == "tool" else None,
        tool_call_id=message.tool_call_id if role == "tool" else None,
    )


def _text(content: str | tuple[ContentPart, ...] | None, path: str) -> str:
    if not isinstance(content, tuple):
        return content or ""
    return "\n".join(
        text for place, part in enumerate(content) if (text := _part_text(part, f"{path}.content[{place}]")) is not None
    )


def _part_text(part: ContentPart, path: str) -> str | None:
    match part.type:
        case "text":
            return part.text or ""
        case "refusal":
            return part.refusal or ""
        case "image_url":
            return None
        case other:
            raise unsupported(f"{path}.type", f"parts of type {other!r} are not supported here")


def _images(content: str | tuple[ContentPart, ...] | None, path: str) -> tuple[str, ...]:
    parts = content if isinstance(content, tuple) else ()
    return tuple(
        _image(part, f"{path}.content[{place}].image_url")
        for place, part in enumerate(parts)
        if part.type == "image_url"
    )


def _image(part: ContentPart, path: str) -> str:
    if part.image_url is None:
        raise InvalidInput(f"{path}: missing", param=path)
    image = read_data_url(part.image_url.url)
    if image is None or not image.media_type.startswith("image/"):
        raise unsupported(f"{path}.url", "must be an image as a base64 data URL")
    return image.data


def _thoughts(message: Message) -> str | None:
    """Models that think want their thoughts back while they call tools (https://docs.ollama.com/capabilities/thinking)."""
    if message.wire is None:
        return None
    try:
        thoughts = _THOUGHTS.decode(message.wire)
    except msgspec.MsgspecError:
        return None
    return thoughts.reasoning_content or thoughts.reasoning or None


def _calls(message: Message, path: str) -> Iterator[OllamaToolCall]:
    for place, call in enumerate(message.tool_calls):
        yield _call(call, f"{path}.tool_calls[{place}].function")
    if (call_of_old := legacy_call(message, path)) is not None:
        yield _call(call_of_old, f"{path}.function_call")


def _call(call: ToolCall, path: str) -> OllamaToolCall:
    try:
        arguments = _ARGUMENTS.decode(call.arguments.strip() or "{}")
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as exc:
        raise InvalidInput(f"{path}.arguments: not a JSON object", param=f"{path}.arguments") from exc
    return OllamaToolCall(function=OllamaFunction(name=call.name, arguments=arguments), id=call.id)


def _tool_name(message: Message, path: str, names: dict[str, str]) -> str:
    name = names.get(message.tool_call_id or "") or message.name
    if name is None:
        raise InvalidInput(f"{path}.tool_call_id: no such call came before", param=f"{path}.tool_call_id")
    return name
