"""Answers as Azure OpenAI gives them: OpenAI's, of a base model, with the results of its content filters."""

from typing import Any

from tests.support import openai_answers
from tests.support.completion import Completion, Spoken, encode, halves, sse

SAFE = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": False, "severity": "safe"}}
PROMPT_RESULTS = [{"prompt_index": 0, "content_filter_results": SAFE}]

_MODELS = ("/openai/models", "/openai/v1/models")
_V1 = "/openai/v1/chat/completions"
_DEPLOYMENTS = "/openai/deployments/"


def speak_azure(completion: Completion, *, path: str, request: dict[str, Any]) -> Spoken:
    """Return a completion as either form of the API says it, whole or streamed as the request wants it."""
    if path in _MODELS:
        return Spoken(content_type="application/json", pieces=(b'{"object":"list","data":[]}',))
    model = base_model(deployment_of(path, request))
    if request.get("stream") is not True:
        return Spoken(content_type="application/json", pieces=halves(encode(whole(completion, model=model))))
    include_usage = (request.get("stream_options") or {}).get("include_usage") is True
    first, second, *rest = map(sse, chunks(completion, model=model, include_usage=include_usage))
    return Spoken(content_type="text/event-stream", pieces=(first + second, *rest, b"data: [DONE]\n\n"))


def deployment_of(path: str, request: dict[str, Any]) -> str:
    """Return the deployment that is asked, and check that the path is one of Azure's two."""
    if path == _V1:
        return str(request["model"])
    deployment, _, operation = path.removeprefix(_DEPLOYMENTS).rpartition("/chat/")
    assert path.startswith(_DEPLOYMENTS), path
    assert operation == "completions", path
    return deployment


def base_model(deployment: str) -> str:
    """Return the model behind a deployment."""
    return f"base-of-{deployment}"


def whole(completion: Completion, *, model: str) -> dict[str, Any]:
    """Return the body of a whole answer."""
    body = openai_answers.whole(completion, model=model)
    choices = [{**choice, "content_filter_results": SAFE} for choice in body["choices"]]
    return {**body, "choices": choices, "prompt_filter_results": PROMPT_RESULTS}


def chunks(completion: Completion, *, model: str, include_usage: bool) -> list[dict[str, Any]]:
    """Return the chunks of a stream, without ``[DONE]``: the filter's words come first, and again before the end."""
    said = openai_answers.chunks(completion, model=model, include_usage=include_usage)
    place = len(said) - (2 if include_usage else 1)
    return [prompt_results(), *said[:place], annotation(), *said[place:]]


def prompt_results() -> dict[str, Any]:
    """Return the chunk that only says what the filter found in the prompt."""
    return {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": PROMPT_RESULTS}


def annotation() -> dict[str, Any]:
    """Return a chunk of the asynchronous filter: a choice without a delta."""
    offsets = {"check_offset": 0, "start_offset": 0, "end_offset": 8}
    choice = {"index": 0, "finish_reason": None, "content_filter_results": SAFE, "content_filter_offsets": offsets}
    return {"choices": [choice], "created": 0, "id": "", "model": "", "object": ""}


def filtered_prompt(*, inner: str = "innererror") -> dict[str, Any]:
    """Return the body of the refusal of a prompt; `inner` is either spelling of its inner error."""
    error = {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        inner: {"code": "ResponsibleAIPolicyViolation", "content_filter_result": SAFE},
    }
    return {"error": error}
