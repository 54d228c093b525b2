"""Answers in Ollama's own dialect, as its docs/api.md shows them: whole, as lines of a stream, and embeddings."""

from typing import Any

import msgspec

from tests.support.completion import Completion, Spoken, encode, halves

CREATED_AT = "2023-11-14T22:13:20.123456789Z"
CREATED = 1_700_000_000

_JSON = "application/json; charset=utf-8"


def speak_ollama(completion: Completion, *, path: str, request: dict[str, Any]) -> Spoken:
    """Return a completion as Ollama says it: a stream unless the request says ``stream: false`` (OL1)."""
    model = str(request.get("model"))
    match path:
        case "/api/tags":
            return Spoken(content_type=_JSON, pieces=(encode({"models": []}),))
        case "/api/embed":
            return Spoken(content_type=_JSON, pieces=halves(encode(embeddings(request))))
    if request.get("stream") is False:
        return Spoken(content_type=_JSON, pieces=halves(encode(whole(completion, model=model))))
    return Spoken(content_type="application/x-ndjson", pieces=tuple(map(ndjson, lines(completion, model=model))))


def ndjson(document: Any) -> bytes:
    """Return a document as one line."""
    return encode(document) + b"\n"


def whole(completion: Completion, *, model: str) -> dict[str, Any]:
    """Return the body of a whole answer."""
    message: dict[str, Any] = {"content": "".join(completion.pieces)}
    if completion.reasoning:
        message["thinking"] = completion.reasoning
    if completion.tools:
        message["tool_calls"] = [_tool_call(place, tool) for place, tool in enumerate(completion.tools)]
    return last_line(message, done_reason=_done_reason(completion), usage=completion.usage, model=model)


def lines(completion: Completion, *, model: str = "fake-model") -> list[dict[str, Any]]:
    """Return the lines of a stream; the first of a model that thinks adds nothing."""
    messages: list[dict[str, Any]] = []
    if completion.reasoning:
        messages += [{"content": ""}, {"content": "", "thinking": completion.reasoning}]
    messages += [{"content": piece} for piece in completion.pieces]
    messages += [{"content": "", "tool_calls": [_tool_call(*numbered)]} for numbered in enumerate(completion.tools)]
    last = last_line({"content": ""}, done_reason=_done_reason(completion), usage=completion.usage, model=model)
    return [*(line(message, model=model) for message in messages), last]


def line(message: dict[str, Any], *, model: str = "fake-model", **fields: Any) -> dict[str, Any]:
    """Return one line that is not the last; `fields` add to it or replace what it has."""
    head = {"model": model, "created_at": CREATED_AT, "message": {"role": "assistant", **message}}
    return {**head, "done": False, **fields}


def last_line(
    message: dict[str, Any],
    *,
    done_reason: str = "stop",
    usage: tuple[int, int] = (7, 3),
    model: str = "fake-model",
    **fields: Any,
) -> dict[str, Any]:
    """Return the line that is done, which is also the form of a whole answer."""
    counts = {
        "total_duration": 5191566416,
        "load_duration": 2154458,
        "prompt_eval_count": usage[0],
        "prompt_eval_duration": 383809000,
        "eval_count": usage[1],
        "eval_duration": 4799921000,
    }
    return line(message, model=model, done=True, done_reason=done_reason, **counts, **fields)


def embeddings(request: dict[str, Any]) -> dict[str, Any]:
    """Return as many vectors as there are inputs; the first number of each is the length of its text."""
    texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
    dimensions = request.get("dimensions", 3)
    vectors = [[float(len(text)), *[0.5] * (dimensions - 1)] for text in texts]
    return {
        "model": request["model"],
        "embeddings": vectors,
        "total_duration": 14143917,
        "prompt_eval_count": sum(map(len, texts)),
    }


def _done_reason(completion: Completion) -> str:
    return "stop" if completion.finish_reason == "tool_calls" else completion.finish_reason


def _tool_call(place: int, tool: tuple[str, str, str]) -> dict[str, Any]:
    call_id, name, arguments = tool
    return {"id": call_id, "function": {"index": place, "name": name, "arguments": msgspec.json.decode(arguments)}}
