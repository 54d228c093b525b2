"""Messages as a server of the OpenAI dialect takes them: its own word for instructions, no other provider's fields."""

import msgspec
from msgspec.structs import replace

from memoryos_adapters.llm.openai.thoughts import THOUGHTS, ThoughtsName
from memoryos_ports.llm import Message

FOREIGN_FIELDS = frozenset({"thinking_blocks", "extra_content", "reasoning_details"})
"""What Anthropic, Google and OpenRouter want back with their own answers (AN12, GE5, OR6), and nobody else's (X3)."""

ALL_FIELDS = FOREIGN_FIELDS.union(THOUGHTS)
"""Those, and thoughts under either name; strict servers refuse messages with fields that they do not know."""

_MARKS = (b'"reasoning', b'"thinking_blocks"', b'"extra_content"')
"""How the names in `ALL_FIELDS` begin as keys of JSON; inside a text their quotes would be escaped."""

_BARE = len(b'{"role":"assistant","content":""}') + len(b',"reasoning":0')
"""Bytes: an answer that has less than these and one for each character of its content has no such field."""

_OTHER_WORD = {"system": "developer", "developer": "system"}
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_CALLS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)
_ANY_NAME = ThoughtsName()


def fit_messages(
    messages: tuple[Message, ...], *, without: frozenset[str], instructions: str, thoughts: ThoughtsName = _ANY_NAME
) -> tuple[Message, ...]:
    """Return messages whose role for instructions is `instructions`, without these fields of them and their tool calls.

    Of thoughts one name is left, the server's. A message that is so already is returned as it is, and keeps its bytes.
    """
    other_word = _OTHER_WORD[instructions]
    if other_word in [message.role for message in messages]:
        messages = tuple(_with_role(m, instructions) if m.role == other_word else m for m in messages)
    if _may_hold(messages):
        messages = tuple(_without(m, without, thoughts) if _may_hold((m,)) else m for m in messages)
    return messages


def _may_hold(messages: tuple[Message, ...]) -> bool:
    """Tell by a cheap look at their bytes whether answers among the messages may hold a field of `ALL_FIELDS`."""
    wires = [
        message.wire
        for message in messages
        if message.role == "assistant"
        and message.wire is not None
        and len(message.wire) >= len(message.content or "") + _BARE
    ]
    if not wires:
        return False
    text = b"".join(wires)
    return any(mark in text for mark in _MARKS)


def _with_role(message: Message, role: str) -> Message:
    if message.wire is None:
        return replace(message, role=role)
    wire = msgspec.json.encode({**_FIELDS.decode(message.wire), "role": role})
    return replace(message, role=role, wire=msgspec.Raw(wire))


def _without(message: Message, names: frozenset[str], thoughts: ThoughtsName) -> Message:
    if message.wire is None:
        return message
    fields = _FIELDS.decode(message.wire)
    calls = _CALLS.decode(fields["tool_calls"]) if "tool_calls" in fields else None
    kept, kept_calls = thoughts.fit(_rest(fields, names)), [_rest(call, names) for call in calls or ()]
    if calls and kept_calls != calls:
        kept["tool_calls"] = msgspec.Raw(msgspec.json.encode(kept_calls))
    return message if kept == fields else replace(message, wire=msgspec.Raw(msgspec.json.encode(kept)))


def _rest(fields: dict[str, msgspec.Raw], names: frozenset[str]) -> dict[str, msgspec.Raw]:
    return {name: value for name, value in fields.items() if name not in names}
