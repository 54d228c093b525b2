"""Messages as a server of the OpenAI dialect takes them: its own word for instructions, no other provider's fields."""

from functools import cache

import msgspec
from msgspec.structs import replace

from memoryos_ports.llm import Message

FOREIGN_FIELDS = frozenset({"thinking_blocks", "extra_content", "reasoning_details"})
"""What Anthropic, Google and OpenRouter want back with their own answers (AN12, GE5, OR6), and nobody else's (X3)."""

THOUGHTS = frozenset({"reasoning_content", "reasoning"})
"""Thoughts under either name; OpenAI itself refuses messages with fields that it does not know."""

_INSTRUCTIONS = frozenset({"system", "developer"})
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_CALLS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)


def fit_messages(messages: tuple[Message, ...], *, without: frozenset[str], instructions: str) -> tuple[Message, ...]:
    """Return messages whose role for instructions is `instructions`, without these fields of them and their tool calls.

    A message that is so already is returned as it is, and keeps its bytes.
    """
    other_roles = _INSTRUCTIONS - {instructions}
    if other_roles.isdisjoint([message.role for message in messages]) and not _holds(messages, without):
        return messages
    return tuple(_without(_with_role(message, instructions), without) for message in messages)


def _holds(messages: tuple[Message, ...], names: frozenset[str]) -> bool:
    """Tell by a cheap look at their bytes whether answers among the messages may hold one of these fields."""
    wires = [message.wire for message in messages if message.role == "assistant" and message.wire is not None]
    text = b"".join(wires)
    return any(mark in text for mark in _quoted(names))


def _with_role(message: Message, instructions: str) -> Message:
    if message.role == instructions or message.role not in _INSTRUCTIONS:
        return message
    if message.wire is None:
        return replace(message, role=instructions)
    wire = msgspec.json.encode({**_FIELDS.decode(message.wire), "role": instructions})
    return replace(message, role=instructions, wire=msgspec.Raw(wire))


def _without(message: Message, names: frozenset[str]) -> Message:
    if message.wire is None or not _holds((message,), names):
        return message
    fields = _FIELDS.decode(message.wire)
    calls = _CALLS.decode(fields["tool_calls"]) if "tool_calls" in fields else None
    kept, kept_calls = _rest(fields, names), [_rest(call, names) for call in calls or ()]
    if calls and kept_calls != calls:
        kept["tool_calls"] = msgspec.Raw(msgspec.json.encode(kept_calls))
    return message if kept == fields else replace(message, wire=msgspec.Raw(msgspec.json.encode(kept)))


def _rest(fields: dict[str, msgspec.Raw], names: frozenset[str]) -> dict[str, msgspec.Raw]:
    return {name: value for name, value in fields.items() if name not in names}


@cache
def _quoted(names: frozenset[str]) -> tuple[bytes, ...]:
    """Names as keys of JSON; inside a text their quotes would be escaped."""
    return tuple(f'"{name}"'.encode() for name in names)
