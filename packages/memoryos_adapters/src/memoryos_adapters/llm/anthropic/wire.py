"""Anthropic's Messages as they come in, decoded leniently: fields and types that are not named here are skipped.

Source: the types of Anthropic's SDK; wire contract, section 4.1.
"""

import time
import uuid
from typing import Any

import msgspec

from memoryos_adapters.llm.anthropic.blocks import MaybeRaw
from memoryos_adapters.llm.wire import decode_wire
from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.llm import FinishReason, Usage

_FINISH_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


class WireOutputDetails(msgspec.Struct, frozen=True):
    """What part of the output were thoughts."""

    thinking_tokens: int | None = None


class WireUsage(msgspec.Struct, frozen=True):
    """Token counts; `input_tokens` are those beside the cached ones. In a stream each count is the sum so far."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: WireOutputDetails | None = None
    service_tier: str | None = None

    def then(self, later: "WireUsage | None") -> "WireUsage":
        """Return these counts with those that a later event brought."""
        if later is None:
            return self
        brought = {name: value for name, value in msgspec.structs.asdict(later).items() if value is not None}
        return msgspec.structs.replace(self, **brought)


class WireStopDetails(msgspec.Struct, frozen=True):
    """Why the model refused."""

    explanation: str | None = None


class WireBlock(msgspec.Struct, frozen=True):
    """One block of the answer's content."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    id: str = ""
    name: str = ""
    input: MaybeRaw = msgspec.UNSET


class WireAnswer(msgspec.Struct, frozen=True):
    """A whole answer, or what a stream says of it first."""

    id: str | None = None
    model: str | None = None
    content: list[msgspec.Raw] | None = None
    stop_reason: str | None = None
    stop_details: WireStopDetails | None = None
    usage: WireUsage = WireUsage()
    error: Any = None

    def head(self, *, model: str) -> tuple[str, int, str]:
        """Return id, creation time (Unix seconds; Anthropic tells none) and model, made up where they are missing."""
        return self.id or f"msg_{uuid.uuid4().hex}", int(time.time()), self.model or model


class WireDelta(msgspec.Struct, frozen=True):
    """What an event adds, to a block or to the message; `partial_json` is a piece of a call's input."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    stop_reason: str | None = None
    stop_details: WireStopDetails | None = None


class WireEvent(msgspec.Struct, frozen=True):
    """One event of a stream."""

    type: str = ""
    index: int = 0
    message: WireAnswer | None = None
    content_block: MaybeRaw = msgspec.UNSET
    delta: WireDelta = WireDelta()
    usage: WireUsage | None = None
    error: Any = None


class _Kind(msgspec.Struct, frozen=True):
    type: str = ""


_KIND = msgspec.json.Decoder(_Kind)
_BLOCK = msgspec.json.Decoder(WireBlock)
_EVENT = msgspec.json.Decoder(WireEvent)
_BLOCKS = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})
_EVENTS = frozenset(
    {
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
    }
)


def read_block(raw: msgspec.Raw, *, upstream: str) -> WireBlock:
    """Decode one block, of an unknown type its type alone (AN16). Raises UpstreamProtocolError for what is none."""
    kind = decode_wire(_KIND, bytes(raw), upstream=upstream).type
    return decode_wire(_BLOCK, bytes(raw), upstream=upstream) if kind in _BLOCKS else WireBlock(type=kind)


def read_event(data: bytes, *, upstream: str) -> WireEvent:
    """Decode one event, of an unknown type its type alone (AN16). Raises UpstreamProtocolError for what is none."""
    kind = decode_wire(_KIND, data, upstream=upstream).type
    return decode_wire(_EVENT, data, upstream=upstream) if kind in _EVENTS else WireEvent(type=kind)


def arguments_of(block: WireBlock) -> str:
    """Return the input of a call as a text, "{}" when there is none (AN18)."""
    return bytes(block.input or b"{}").decode()


def finish_reason_of(native: str | None, *, calls_tools: bool, upstream: str) -> FinishReason:
    """Return the reason in OpenAI's words (AN14); a paused turn is a stop whose native reason tells more.

    Raises UpstreamProtocolError for none and for an unknown one: neither is ever passed on as `stop` (X1).
    """
    reason = _FINISH_REASONS.get(native or "")
    if reason is None:
        raise UpstreamProtocolError(upstream=upstream, detail="an answer without a known stop_reason")
    return "stop" if reason == "tool_calls" and not calls_tools else reason


def usage_of(wire: WireUsage) -> Usage | None:
    """Return the counts as OpenAI has them, cached tokens inside the prompt (AN15); None when they are not told."""
    if wire.input_tokens is None or wire.output_tokens is None:
        return None
    written, cached = wire.cache_creation_input_tokens or 0, wire.cache_read_input_tokens or 0
    details = wire.output_tokens_details or WireOutputDetails()
    return Usage(
        prompt_tokens=wire.input_tokens + written + cached,
        completion_tokens=wire.output_tokens,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=min(details.thinking_tokens or 0, wire.output_tokens),
    )
