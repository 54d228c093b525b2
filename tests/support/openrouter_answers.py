"""Answers as OpenRouter gives them: OpenAI's, with the provider's own words, the details of thoughts, and the cost."""

from typing import Any

from tests.support import openai_answers
from tests.support.completion import Completion, Spoken, encode, halves, sse

PROCESSING = b": OPENROUTER PROCESSING\n\n"
COST = 0.00042

_NATIVE_ENDS = {"stop": "end_turn", "tool_calls": "tool_use"}
_SIGNATURE = "c2lnbmVk"


def speak_openrouter(completion: Completion, *, path: str, request: dict[str, Any]) -> Spoken:
    """Return a completion, whole or streamed as the request wants it."""
    if path == "/api/v1/key":
        return Spoken(content_type="application/json", pieces=(b'{"data":[]}',))
    assert path == "/api/v1/chat/completions", path
    model = str(request.get("model"))
    if request.get("stream") is not True:
        return Spoken(content_type="application/json", pieces=halves(encode(whole(completion, model=model))))
    first, *rest = map(sse, chunks(completion, model=model))
    return Spoken(content_type="text/event-stream", pieces=(PROCESSING * 2 + first, *rest, b"data: [DONE]\n\n"))


def whole(completion: Completion, *, model: str) -> dict[str, Any]:
    """Return the body of a whole answer."""
    body = openai_answers.whole(completion, model=model)
    (choice,) = body["choices"]
    message = choice["message"]
    if (thoughts := message.pop("reasoning_content", None)) is not None:
        message |= {"reasoning": thoughts, "reasoning_details": [signed(thoughts)]}
    native = _NATIVE_ENDS.get(completion.finish_reason)
    choices = [{**choice, "message": message, "native_finish_reason": native}]
    return {**body, "provider": "Anthropic", "choices": choices, "usage": {**body["usage"], "cost": COST}}


def chunks(completion: Completion, *, model: str) -> list[dict[str, Any]]:
    """Return the chunks of a stream, without ``[DONE]``; each has a role, the last one the usage."""
    *said, end = openai_answers.chunks(completion, model=model, include_usage=False)
    usage = {**openai_answers.whole(completion, model=model)["usage"], "cost": COST}
    native = _NATIVE_ENDS.get(completion.finish_reason)
    events = [event for chunk in said for event in _spoken(chunk)]
    ending = {**end["choices"][0], "delta": _EMPTY, "native_finish_reason": native}
    last = openai_answers.choice_delta(_EMPTY)
    return [*events, {**end, "choices": [ending]}, {**end, "choices": [last], "usage": usage}]


def signed(thoughts: str) -> dict[str, Any]:
    """Return the details of thoughts as a whole answer has them."""
    return {**text_detail(thoughts), "signature": _SIGNATURE}


def text_detail(text: str) -> dict[str, Any]:
    """Return one piece of the details of thoughts."""
    return {"type": "reasoning.text", "text": text, "format": "anthropic-claude-v1", "index": 0}


_EMPTY = {"role": "assistant", "content": ""}


def _spoken(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    (choice,) = chunk["choices"]
    delta = dict(choice["delta"])
    thoughts = delta.pop("reasoning_content", None)
    if thoughts is None:
        return [_with_delta(chunk, delta)]
    middle = len(thoughts) // 2
    signature = {"type": "reasoning.text", "signature": _SIGNATURE, "format": "anthropic-claude-v1", "index": 0}
    pieces: list[dict[str, Any]] = [
        *(
            {"reasoning": text, "reasoning_details": [text_detail(text)]}
            for text in (thoughts[:middle], thoughts[middle:])
        ),
        {"reasoning": None, "reasoning_details": [signature]},
    ]
    return [_with_delta(chunk, piece) for piece in pieces]


def _with_delta(chunk: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    choice = {**chunk["choices"][0], "delta": {**_EMPTY, **delta}, "native_finish_reason": None}
    return {**chunk, "provider": "Anthropic", "choices": [choice]}
