"""Answers in Gemini's own dialect, as its API reference shows them: whole, as events of a stream, and embeddings."""

import json
from typing import Any

from tests.support.completion import Completion, Spoken, encode, halves

ANSWER_ID = "mAitaLmkHPPlz7IPvtfUqQ4"
SIGNATURE = "c2lnbmF0dXJlIG9mIGEgdGhvdWdodA=="

_JSON = "application/json; charset=UTF-8"
_NATIVE_WORDS = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}


def speak_gemini(completion: Completion, *, path: str, request: dict[str, Any]) -> Spoken:
    """Return a completion as the method at the end of the path says it; other paths list models."""
    place, _, method = path.rpartition(":")
    model = place.rpartition("/")[2]
    match method:
        case "streamGenerateContent":
            pieces = tuple(map(sse, events(completion, model=model)))
            return Spoken(content_type="text/event-stream", pieces=pieces)
        case "generateContent":
            return Spoken(content_type=_JSON, pieces=halves(indented(whole(completion, model=model))))
        case "batchEmbedContents":
            return Spoken(content_type=_JSON, pieces=halves(encode(embeddings(request))))
        case _:
            return Spoken(content_type=_JSON, pieces=(encode({"models": []}),))


def whole(completion: Completion, *, model: str = "fake-model") -> dict[str, Any]:
    """Return the body of a whole answer."""
    thoughts = [{"text": completion.reasoning, "thought": True}] if completion.reasoning else []
    texts = [{"text": "".join(completion.pieces)}] if completion.pieces else []
    only = candidate(*thoughts, *texts, *_calls(completion), end=_end(completion))
    return answer(only, completion=completion, model=model)


def events(completion: Completion, *, model: str = "fake-model") -> list[dict[str, Any]]:
    """Return the events of a stream; the last holds an empty text and the end."""
    parts = [{"text": completion.reasoning, "thought": True}] if completion.reasoning else []
    parts += [{"text": piece} for piece in completion.pieces]
    candidates = [candidate(part) for part in parts]
    candidates += [candidate(*_calls(completion))] if completion.tools else []
    candidates += [candidate({"text": ""}, end=_end(completion))]
    return [answer(each, completion=completion, model=model) for each in candidates]


def answer(
    *candidates: dict[str, Any], completion: Completion | None = None, model: str = "fake-model"
) -> dict[str, Any]:
    """Return a whole answer or an event with these candidates."""
    return {
        "candidates": list(candidates),
        "usageMetadata": usage(completion or Completion()),
        "modelVersion": model,
        "responseId": ANSWER_ID,
        "xUnknown": {"skipped": True},
    }


def candidate(*parts: dict[str, Any], end: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    """Return one candidate; as on the real wire, an index of 0 is left out."""
    found: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}} if parts else {}
    found |= {"finishReason": end} if end is not None else {}
    found |= {"index": index} if index else {}
    return {**found, **fields}


def call(name: str, args: Any = None, *, call_id: str | None = None, signature: str | None = None) -> dict[str, Any]:
    """Return a part with a function call."""
    function = {"name": name} | ({} if args is None else {"args": args}) | ({} if call_id is None else {"id": call_id})
    return {"functionCall": function} | ({} if signature is None else {"thoughtSignature": signature})


def usage(completion: Completion) -> dict[str, Any]:
    """Return the counts; thoughts are no candidates' tokens here."""
    prompt_tokens, completion_tokens = completion.usage
    return {
        "promptTokenCount": prompt_tokens,
        "candidatesTokenCount": completion_tokens - 1,
        "thoughtsTokenCount": 1,
        "cachedContentTokenCount": 2,
        "totalTokenCount": prompt_tokens + completion_tokens,
    }


def embeddings(request: dict[str, Any]) -> dict[str, Any]:
    """Return one vector per input: how long its text is, how many vectors stand before it, and as many halves as are
    asked for with the dimensions.
    """
    vectors = []
    for place, asked in enumerate(request["requests"]):
        text, dimensions = asked["content"]["parts"][0]["text"], asked.get("outputDimensionality", 2)
        values = [float(len(text)), float(place), *[0.5] * dimensions]
        vectors.append({"values": values[:dimensions]})
    return {"embeddings": vectors, "usageMetadata": {"promptTokenCount": 10 * len(vectors)}}


def failure(code: int, status: str, message: str = "It failed.", *details: dict[str, Any]) -> dict[str, Any]:
    """Return a refusal; `details` have a kind each (``google.rpc.…``)."""
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def retry_info(delay: str) -> dict[str, Any]:
    """Return the detail that says how long to wait."""
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def sse(event: Any) -> bytes:
    """Return one server-sent event with Google's line ends."""
    return b"data: " + encode(event) + b"\r\n\r\n"


def indented(document: Any) -> bytes:
    """Return a document as Google writes a whole answer."""
    return json.dumps(document, indent=2, ensure_ascii=False).encode()


def _calls(completion: Completion) -> list[dict[str, Any]]:
    """The calls of a completion; of parallel ones only the first is signed."""
    return [
        call(name, json.loads(arguments), call_id=call_id, signature=None if place else SIGNATURE)
        for place, (call_id, name, arguments) in enumerate(completion.tools)
    ]


def _end(completion: Completion) -> str:
    return _NATIVE_WORDS.get(completion.finish_reason, completion.finish_reason)
