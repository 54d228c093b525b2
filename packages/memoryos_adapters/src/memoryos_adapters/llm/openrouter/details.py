"""OpenRouter's `reasoning_details`: read from what it says, and joined (wire contract: OR6).

Source: OpenRouter's guide to reasoning tokens, `preserving reasoning` and `streaming response`.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from memoryos_adapters.llm.openai.replayed_field import Said

NAME = "reasoning_details"

Detail: TypeAlias = dict[str, Any]

_KEY = f'"{NAME}"'.encode()
_GROWING = ("text", "summary")


class _Message(msgspec.Struct, frozen=True):
    reasoning_details: list[Detail] | None = None


class _Choice(msgspec.Struct, frozen=True):
    index: int = 0
    message: _Message | None = None
    delta: _Message | None = None


class _Said(msgspec.Struct, frozen=True):
    choices: list[_Choice] = []


_DECODER = msgspec.json.Decoder(_Said)


def details_of(said: Said) -> Iterable[tuple[int, list[Detail]]]:
    """Return the details that the wire of an answer or a chunk holds, each with the index of its choice."""
    if said.wire is None or _KEY not in said.wire:
        return []
    try:
        choices = _DECODER.decode(said.wire).choices
    except msgspec.ValidationError:
        return []  # not as documented: the client has them as they came
    messages = [(choice.index, choice.message or choice.delta) for choice in choices]
    return [(index, message.reasoning_details) for index, message in messages if message and message.reasoning_details]


def join_details(pieces: list[list[Detail]]) -> msgspec.Raw:
    """Return all details of a choice: pieces of a text or summary under one index are one detail."""
    joined: list[Detail] = []
    growing: dict[bytes, Detail] = {}
    for piece in (piece for details in pieces for piece in details):
        key = msgspec.json.encode((piece.get("type"), piece.get("index")))  # they may be anything
        known = growing.get(key)
        if known is not None:
            _grow(known, piece)
            continue
        joined.append(detail := dict(piece))
        if "index" in piece and piece.get("type") != "reasoning.encrypted":
            growing[key] = detail
    return msgspec.Raw(msgspec.json.encode(joined))


def _grow(detail: Detail, piece: Detail) -> None:
    for name, value in piece.items():
        known = detail.get(name)
        if name in _GROWING and isinstance(known, str) and isinstance(value, str):
            detail[name] = known + value
        elif value is not None:
            detail[name] = value
