"""What an answer of generateContent says, whole or as an event of a stream."""

import time
import uuid

from memoryos_adapters.llm.gemini.candidate import OpenCandidate
from memoryos_adapters.llm.gemini.errors import GeminiErrors
from memoryos_adapters.llm.gemini.signatures import Signatures
from memoryos_adapters.llm.gemini.wire import Candidate, UsageMetadata, WireAnswer, decode_answer, json_of
from memoryos_ports.errors import UpstreamProtocolError, UpstreamRejected
from memoryos_ports.llm import AnswerMessage, ChatAnswer, ChatRequest, Choice, Usage


def read_answer(body: bytes, request: ChatRequest, *, errors: GeminiErrors, signatures: Signatures) -> ChatAnswer:
    """Decode the body of a 200.

    Raises as `decode`, and UpstreamProtocolError for an answer without a candidate, or a candidate without an end.
    """
    wire = decode(body, model=request.model, errors=errors)
    if not wire.candidates:
        raise UpstreamProtocolError(upstream=errors.upstream, detail="an answer without a candidate")
    answer_id, created, model = head_of(wire, model=request.model)
    choices = []
    for place, candidate in enumerate(wire.candidates):
        reader = OpenCandidate(upstream=errors.upstream, owner=request.owner, signatures=signatures)
        choices.append(_choice(place, candidate, reader, upstream=errors.upstream))
    return ChatAnswer(
        id=answer_id, created=created, model=model, choices=tuple(choices), usage=usage_of(wire.usage_metadata)
    )


def decode(data: bytes, *, model: str, errors: GeminiErrors) -> WireAnswer:
    """Decode an answer or an event.

    Raises the error that it holds, UpstreamRejected (``content_filter``) for a prompt that was blocked, which has no
    candidates at all (GE8), and UpstreamProtocolError for what is not the dialect.
    """
    wire = decode_answer(data, upstream=errors.upstream)
    if json_of(wire.error) is not None:
        raise errors.error_in(data, model=model)
    blocked = wire.prompt_feedback.block_reason if wire.prompt_feedback is not None else None
    if blocked and not wire.candidates:
        raise UpstreamRejected(
            upstream=errors.upstream,
            status=400,
            message=f"The prompt was blocked ({blocked[:100]}).",
            code="content_filter",
        )
    return wire


def head_of(wire: WireAnswer, *, model: str) -> tuple[str, int, str]:
    """Return id, creation time (Unix seconds; the wire has none) and model, made up where they are missing."""
    return wire.response_id or f"chatcmpl-{uuid.uuid4().hex}", int(time.time()), wire.model_version or model


def usage_of(wire: UsageMetadata | None) -> Usage | None:
    """Return the counts: thoughts are part of the completion here, results of Google's tools part of the prompt (GE9).

    None when the prompt was not counted.
    """
    if wire is None or wire.prompt_token_count is None:
        return None
    thoughts = wire.thoughts_token_count or 0
    return Usage(
        prompt_tokens=wire.prompt_token_count + (wire.tool_use_prompt_token_count or 0),
        completion_tokens=(wire.candidates_token_count or 0) + thoughts,
        cached_tokens=wire.cached_content_token_count or 0,
        reasoning_tokens=thoughts,
    )


def _choice(place: int, wire: Candidate, reader: OpenCandidate, *, upstream: str) -> Choice:
    said = reader.read(wire)
    if reader.native_finish_reason is None:
        raise UpstreamProtocolError(upstream=upstream, detail="a candidate without a finishReason")
    return Choice(
        index=place if wire.index is None else wire.index,
        message=AnswerMessage(
            content=said.content if said.content or not said.tool_calls else None,
            reasoning=said.reasoning or None,
            tool_calls=said.tool_calls,
            extra=reader.extra,
        ),
        finish_reason=reader.finish_reason,
        native_finish_reason=reader.other_finish_reason,
    )
