"""What a turn and its metadata may measure, whichever door they come in by."""

from datetime import datetime
from typing import Any

import msgspec

from memoryos_core.memory.block import strip_blocks
from memoryos_ports.errors import InvalidInput
from memoryos_ports.event_wire import MAX_CONTENT_BYTES, as_utc

MAX_NAME_CHARS = 256
MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_DEPTH = 32


def checked_text(text: str, param: str) -> str:
    """Return a text that says something and is not too long. Raises InvalidInput that names the field."""
    if not text.strip():
        raise InvalidInput(f"{param} must not be empty", param=param)
    if len(text.encode()) > MAX_CONTENT_BYTES:
        raise InvalidInput(f"{param} is over 1 MiB", param=param)
    return text


def checked_content(text: str, param: str) -> str:
    """Return what is remembered of a text: no recalled block that came back in it. Raises as `checked_text` does."""
    kept = strip_blocks(text)
    if kept == text:
        return checked_text(text, param)
    if not kept.strip():
        raise InvalidInput(f"{param} is a block of recalled memory: nothing left to remember", param=param)
    return checked_text(kept.strip(), param)


def checked_name(name: str | None, param: str) -> str | None:
    """Return a speaker's name, where there is one. Raises InvalidInput that names the field."""
    if name is not None and not 1 <= len(name) <= MAX_NAME_CHARS:
        raise InvalidInput(f"{param} must be 1-{MAX_NAME_CHARS} characters", param=param)
    return name


def checked_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return metadata that are small and flat enough. Raises InvalidInput(param="metadata")."""
    if _is_deeper(metadata, MAX_METADATA_DEPTH):
        raise InvalidInput(f"metadata is nested deeper than {MAX_METADATA_DEPTH} levels", param="metadata")
    if len(msgspec.json.encode(metadata)) > MAX_METADATA_BYTES:
        raise InvalidInput("metadata is over 16 KiB", param="metadata")
    return metadata


def checked_moment(moment: datetime, param: str) -> datetime:
    """Return a moment in UTC. Raises InvalidInput that names the field when there is no such moment."""
    try:
        return as_utc(moment)
    except OverflowError as exc:
        raise InvalidInput(f"{param} is out of range", param=param) from exc


def _is_deeper(value: Any, levels: int) -> bool:
    """Return whether containers are nested deeper than `levels`: one that can just be read could not be answered."""
    if not isinstance(value, dict | list):
        return False
    items = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in items)
