"""The text of chat messages as memory sees it, and the one change memory makes to them."""

import re
import unicodedata
from collections.abc import Sequence

import msgspec

from memoryos_core.memory.block import strip_blocks
from memoryos_ports.llm import ContentPart, Message

MARKS = {"image_url": "[image]", "input_audio": "[audio]", "file": "[file]"}

_DATA_URL = re.compile(r"data:(?P<type>[a-z]+)/[\w.+-]+(?:;[\w=.+-]+)*;base64,[A-Za-z0-9+/=_-]+", re.IGNORECASE)


def remembered_text(message: Message) -> str:
    """Return what is remembered of a message: its text parts, and a mark such as ``[image]`` for each other part.

    "" for nothing. Data URLs, audio and files themselves are never part of it, nor is a recalled block that came back.
    """
    content = message.content
    if content is None:
        return ""
    if isinstance(content, str):
        return clean_text(content)
    return "\n".join(filter(None, map(_part_text, content))).strip()


def clean_text(text: str) -> str:
    """Return a text without recalled blocks that came back in it, and with a mark in the place of each data URL."""
    text = strip_blocks(text)
    return (_DATA_URL.sub(_mark_of, text) if "base64," in text else text).strip()


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
        return clean_text(part.text or "")
    return MARKS.get(part.type, "")


def _mark_of(data_url: re.Match[str]) -> str:
    kind = data_url["type"].lower()
    return f"[{kind}]" if kind in ("image", "audio") else "[file]"


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
