"""Streams of events for the tests of the decoder, and what it makes of them."""

from typing import Any

from memoryos_adapters.llm.openai.stream import OpenAiStreamDecoder
from memoryos_adapters.llm.refusals import ErrorTable
from memoryos_ports.llm import ChatChunk
from tests.support.completion import sse
from tests.support.openai_answers import choice_delta, chunk

DONE = b"data: [DONE]\n\n"


def decode(*pieces: bytes) -> list[ChatChunk]:
    """Decode a whole stream whose bytes came in these pieces."""
    decoder = OpenAiStreamDecoder(model="asked-for", errors=ErrorTable(upstream="server", hidden=()))
    out: list[ChatChunk] = []
    for piece in [*filter(None, pieces), b""]:
        if not decoder.complete:
            decoder.feed(piece, into=out)
    return out


def decode_events(*events: dict[str, Any], done: bool = True) -> list[ChatChunk]:
    """Decode a stream of these events."""
    return decode(*map(sse, events), DONE if done else b"")


def first(**delta: Any) -> dict[str, Any]:
    """Return a first chunk: with the role."""
    return chunk(choice_delta({"role": "assistant", **delta}))


def more(finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:
    """Return a later chunk."""
    return chunk(choice_delta(delta, finish_reason))


def tool(function: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Return a later chunk with a piece of a tool call."""
    return more(tool_calls=[{**fields, "function": function or {}}])
