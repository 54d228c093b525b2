"""Answers in OpenAI's own dialect, as its API reference shows them: whole, and as the chunks of a stream."""

import base64
import itertools
import struct
from typing import Any

from tests.support.completion import Completion, Spoken, encode, halves, sse

CREATED = 1_700_000_000
ANSWER_ID = "chatcmpl-fake"


def speak_openai(completion: Completion, *, path: str, request: dict[str, Any]) -> Spoken:
    """Return a completion as OpenAI's chat completions say it, whole or streamed as the request wants it.

    Embeddings have nothing to do with the completion: they are those of `embeddings`.
    """
    model = str(request.get("model"))
    if path.endswith("/embeddings"):
        return Spoken(content_type="application/json", pieces=halves(encode(embeddings(request))))
    if request.get("stream") is not True:
        return Spoken(content_type="application/json", pieces=halves(encode(whole(completion, model=model))))
    include_usage = (request.get("stream_options") or {}).get("include_usage") is True
    events = map(sse, chunks(completion, model=model, include_usage=include_usage))
    return Spoken(content_type="text/event-stream; charset=utf-8", pieces=(*events, b"data: [DONE]\n\n"))


def whole(completion: Completion, *, model: str) -> dict[str, Any]:
    """Return the body of a whole answer."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(completion.pieces), "refusal": None}
    if completion.reasoning:
        message["reasoning_content"] = completion.reasoning
    if completion.tools:
        message["content"] = None
        message["tool_calls"] = [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for call_id, name, arguments in completion.tools
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": completion.finish_reason}
    return {
        "id": ANSWER_ID,
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [choice],
        "usage": _usage(completion),
        "service_tier": "default",
        "system_fingerprint": "fp_fake",
        "x_unknown": {"kept": True},
    }


def chunks(completion: Completion, *, model: str, include_usage: bool) -> list[dict[str, Any]]:
    """Return the chunks of a stream, without ``[DONE]``."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None if completion.tools else ""}]
    deltas += [{"reasoning_content": completion.reasoning}] if completion.reasoning else []
    deltas += [{"content": piece} for piece in completion.pieces]
    deltas += itertools.chain.from_iterable(map(_tool_deltas, range(len(completion.tools)), completion.tools))
    choices = [choice_delta(delta) for delta in deltas] + [choice_delta({}, completion.finish_reason)]
    no_usage = {"usage": None} if include_usage else {}
    events = [chunk(choice, model=model, **no_usage) for choice in choices]
    return [*events, chunk(model=model, usage=_usage(completion))] if include_usage else events


def chunk(*choices: dict[str, Any], model: str = "fake-model", **fields: Any) -> dict[str, Any]:
    """Return one chunk; `fields` add to it or replace what it has."""
    return {
        "id": ANSWER_ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": model,
        "system_fingerprint": "fp_fake",
        "choices": list(choices),
        **fields,
    }


def choice_delta(delta: dict[str, Any], finish_reason: str | None = None, *, index: int | None = 0) -> dict[str, Any]:
    """Return one choice of a chunk."""
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def embeddings(request: dict[str, Any]) -> dict[str, Any]:
    """Return the vectors for a request, each beginning with the number of its input: ``[0.0, 0.5, …]``, last first."""
    inputs = request["input"]
    alone = isinstance(inputs, str) or isinstance(inputs[0], int)
    dimensions = request.get("dimensions") or 3
    vectors = [[float(place)] + [0.5] * (dimensions - 1) for place in range(1 if alone else len(inputs))]
    in_base64 = request.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _in_base64(vector) if in_base64 else vector}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": len(vectors), "total_tokens": len(vectors)}
    return {"object": "list", "data": data[::-1], "model": request["model"], "usage": usage}


def _in_base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _tool_deltas(index: int, tool: tuple[str, str, str]) -> list[dict[str, Any]]:
    call_id, name, arguments = tool
    head = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
    middle = len(arguments) // 2
    pieces = [{"index": index, "function": {"arguments": text}} for text in (arguments[:middle], arguments[middle:])]
    return [{"tool_calls": [piece]} for piece in (head, *pieces)]


def _usage(completion: Completion) -> dict[str, Any]:
    prompt_tokens, completion_tokens = completion.usage
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 1, "audio_tokens": 0},
    }
