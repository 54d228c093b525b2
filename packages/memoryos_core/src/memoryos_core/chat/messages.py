"""The text of chat messages as memory sees it, and the one change memory makes to them."""

import unicodedata
from collections.abc import Sequence

import msgspec

from memoryos_core.memory.block import strip_blocks
from memoryos_ports.llm import ContentPart, Message

MARKS = {"image_url": "[image]", "input_audio": "[audio]", "file": "[file]"}


def remembered_text(message: Message) -> str:
    """Return what is remembered of a message: its text parts, and a mark such as ``[image]`` for each other part.

    "" for nothing. Data URLs, audio and files themselves are never part of it, nor is a recalled block that came back.
    """
    content = message.content
    if content is None:
        return ""
    if isinstance(content, str):
        return strip_blocks(content).strip()
    return "\n".join(filter(None, map(_part_text, content))).strip()


def normalised(text: str) -> str:
    """Return the form under which two texts count as the same: NFC, white space folded."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def last_user_position(messages: Sequence[Message]) -> int | None:
    """Return the index of the last user message, None when there is none."""
    for position in range(len(messages) - 1, -1, -1):
        if messages[position].role == "user":
            return position
    return None


def with_block(messages: tuple[Message, ...], position: int, block: str) -> tuple[Message, ...]:
    """Return the messages with `block` as one more text part after the own parts of the message at `position`.

    Nothing of the caller's is changed or preceded, so that a provider's prompt cache still knows the prefix.
    """
    added = ContentPart(type="text", text=block)
    message = messages[position]
    changed = msgspec.structs.replace(message, content=(*_parts(message), added), wire=_wire_with(message, added))
    return (*messages[:position], changed, *messages[position + 1 :])


def _part_text(part: ContentPart) -> str:
    if part.type == "text":
        return strip_blocks(part.text or "")
    return MARKS.get(part.type, "")


def _parts(message: Message) -> tuple[ContentPart, ...]:
    if isinstance(message.content, str):
        return (ContentPart(type="text", text=message.content),)
    return message.content or ()


def _wire_with(message: Message, added: ContentPart) -> msgspec.Raw | None:
    if message.wire is None:
        return None
    fields = msgspec.json.decode(message.wire, type=dict[str, msgspec.Raw])
    if isinstance(message.content, str):
        own = [msgspec.Raw(msgspec.json.encode({"type": "text", "text": message.content}))]
    else:
        own = msgspec.json.decode(fields["content"], type=list[msgspec.Raw]) if message.content else []
    fields["content"] = msgspec.Raw(msgspec.json.encode([*own, added]))
    return msgspec.Raw(msgspec.json.encode(fields))
