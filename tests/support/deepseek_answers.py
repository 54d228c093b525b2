"""Answers as DeepSeek gives them: OpenAI's, with its own word for cached tokens, and with life signs before them."""

from typing import Any

from tests.support import openai_answers
from tests.support.completion import Completion, Spoken, encode, halves, sse

KEEP_ALIVE = b": keep-alive\n\n"
_BLANK_LINES = b"\n\n\n"


def speak_deepseek(completion: Completion, *, path: str, request: dict[str, Any]) -> Spoken:
    """Return a completion after some empty lines or comments, whole or streamed as the request wants it."""
    if path == "/v1/models":
        return Spoken(content_type="application/json", pieces=(b'{"data":[]}',))
    assert path == "/v1/chat/completions", path
    _refuse_what_deepseek_refuses(request)
    model = str(request.get("model"))
    if request.get("stream") is not True:
        body = _BLANK_LINES + encode(whole(completion, model=model))
        return Spoken(content_type="application/json", pieces=halves(body))
    first, *rest = map(sse, chunks(completion, model=model))
    return Spoken(
        content_type="text/event-stream; charset=utf-8",
        pieces=(KEEP_ALIVE * 2 + first, *rest, b"data: [DONE]\n\n"),
    )


def _refuse_what_deepseek_refuses(request: dict[str, Any]) -> None:
    """Fail as loudly as the real one, which answers 400 to both."""
    assert (request.get("response_format") or {}).get("type") != "json_schema", "this response_format is unavailable"
    thinks = (request.get("thinking") or {}).get("type") != "disabled" and "v4" in str(request.get("model"))
    assert not thinks or request.get("tool_choice") in (None, "auto", "none"), "thinking takes no such tool_choice"


def whole(completion: Completion, *, model: str) -> dict[str, Any]:
    """Return the body of a whole answer."""
    body = openai_answers.whole(completion, model=model)
    return {**body, "usage": _usage(body["usage"])}


def chunks(completion: Completion, *, model: str) -> list[dict[str, Any]]:
    """Return the chunks of a stream, without ``[DONE]``; DeepSeek says the usage with the end."""
    *said, last = openai_answers.chunks(completion, model=model, include_usage=False)
    usage = openai_answers.whole(completion, model=model)["usage"]
    return [*said, {**last, "usage": _usage(usage)}]


def _usage(usage: dict[str, Any]) -> dict[str, Any]:
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    named = {name: count for name, count in usage.items() if name != "prompt_tokens_details"}
    return {**named, "prompt_cache_hit_tokens": cached, "prompt_cache_miss_tokens": usage["prompt_tokens"] - cached}
