"""Answers in Anthropic's dialect, as the API reference of its Messages shows them: whole, and as events of a stream."""

import itertools
from typing import Any

import msgspec

from tests.support.completion import Completion, Spoken, encode, halves, sse

ANSWER_ID = "msg_fake"
SIGNATURE = "c2lnbmVk"

_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


def speak_anthropic(completion: Completion, *, path: str, request: dict[str, Any]) -> Spoken:
    """Return a completion as Anthropic's Messages say it, whole or streamed as the request wants it.

    What comes before the first piece of content is written together with it.
    """
    model = str(request.get("model"))
    if request.get("stream") is not True:
        return Spoken(content_type="application/json", pieces=halves(encode(whole(completion, model=model))))
    pieces = [named(event) for event in events(completion, model=model)]
    first = next(place for place, piece in enumerate(pieces) if b"_delta" in piece)
    together = b"".join(pieces[: first + 1])
    return Spoken(content_type="text/event-stream; charset=utf-8", pieces=(together, *pieces[first + 1 :]))


def whole(completion: Completion, *, model: str = "fake-model", **fields: Any) -> dict[str, Any]:
    """Return the body of a whole answer; `fields` add to it or replace what it has."""
    return (
        message(
            model=model,
            content=_content(completion),
            stop_reason=_STOP_REASONS.get(completion.finish_reason, completion.finish_reason),
            usage={**_input(completion), **_output(completion)},
        )
        | fields
    )


def message(**fields: Any) -> dict[str, Any]:
    """Return a message of the model; `fields` add to it or replace what it has."""
    return {
        "id": ANSWER_ID,
        "type": "message",
        "role": "assistant",
        "model": "fake-model",
        "content": [],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
        **fields,
    }


def events(completion: Completion, *, model: str = "fake-model") -> list[dict[str, Any]]:
    """Return the events of a stream, ``message_start`` to ``message_stop``."""
    begun = message(model=model, stop_reason=None, usage={**_input(completion), "output_tokens": 1})
    blocks = [*_thinking(completion), *_texts(completion), *map(_call, completion.tools)]
    stop_reason = _STOP_REASONS.get(completion.finish_reason, completion.finish_reason)
    return [
        {"type": "message_start", "message": begun},
        {"type": "ping"},
        *itertools.chain.from_iterable(block(index, start, *deltas) for index, (start, *deltas) in enumerate(blocks)),
        ended(stop_reason, **_input(completion), **_output(completion)),
        {"type": "message_stop"},
    ]


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events of one content block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def ended(stop_reason: str | None, **usage: Any) -> dict[str, Any]:
    """Return the event that says why the answer ended."""
    delta = {"stop_reason": stop_reason, "stop_sequence": None, "stop_details": None, "container": None}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1, **usage}}


def refusal(kind: str, text: str, **details: Any) -> dict[str, Any]:
    """Return the body of an error, which is that of an error event too."""
    error = {"type": kind, "message": text, **({"details": details} if details else {})}
    return {"type": "error", "error": error, "request_id": "req_fake"}


def named(event: dict[str, Any]) -> bytes:
    """Return one server-sent event under its name."""
    return sse(event, name=event["type"])


def stream_of_events(*items: dict[str, Any]) -> bytes:
    """Return the body of a stream."""
    return b"".join(map(named, items))


def _content(completion: Completion) -> list[dict[str, Any]]:
    thoughts = [{"type": "thinking", "thinking": completion.reasoning, "signature": SIGNATURE}]
    texts = [{"type": "text", "text": "".join(completion.pieces), "citations": None}]
    calls = [
        {"type": "tool_use", "id": call_id, "name": name, "input": msgspec.json.decode(arguments)}
        for call_id, name, arguments in completion.tools
    ]
    return [*(thoughts if completion.reasoning else []), *(texts if completion.pieces else []), *calls]


def _thinking(completion: Completion) -> list[list[dict[str, Any]]]:
    if not completion.reasoning:
        return []
    start = {"type": "thinking", "thinking": "", "signature": ""}
    thought = {"type": "thinking_delta", "thinking": completion.reasoning}
    return [[start, thought, {"type": "signature_delta", "signature": SIGNATURE}]]


def _texts(completion: Completion) -> list[list[dict[str, Any]]]:
    deltas = [{"type": "text_delta", "text": piece} for piece in completion.pieces]
    return [[{"type": "text", "text": "", "citations": None}, *deltas]] if deltas else []


def _call(tool: tuple[str, str, str]) -> list[dict[str, Any]]:
    """A call without arguments has no pieces of them."""
    call_id, name, arguments = tool
    start = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
    middle = len(arguments) // 2
    pieces = ("", arguments[:middle], arguments[middle:]) if arguments != "{}" else ()
    return [start, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces)]


def _input(completion: Completion) -> dict[str, Any]:
    return {
        "input_tokens": completion.usage[0] - 2,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 2,
    }


def _output(completion: Completion) -> dict[str, Any]:
    return {"output_tokens": completion.usage[1], "output_tokens_details": {"thinking_tokens": 1}}
