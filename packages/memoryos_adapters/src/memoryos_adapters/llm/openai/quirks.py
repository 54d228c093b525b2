"""What OpenAI-compatible servers send instead of the dialect, mended in one place (wire contract: N2-N4, OA8, X1).

Sources: the servers' issue trackers as collected in OA8 of the wire contract; the mended form is OpenAI's own.
"""

import time
import uuid

import msgspec

from memoryos_adapters.llm.openai.thoughts import IN_CONTENT, ThoughtsName
from memoryos_adapters.llm.openai.wire import (
    WireChoice,
    WireChunkChoice,
    WireHead,
    WireMessage,
    WirePart,
    WireTokenDetails,
    WireToolCall,
    WireUsage,
)
from memoryos_ports.errors import UpstreamProtocolError, UpstreamUnavailable
from memoryos_ports.llm import FinishReason, ToolCall, Usage

_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "function_call": "function_call",
}
_OTHER_SPELLINGS: dict[str, FinishReason] = {
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
}
_NO_DETAILS = WireTokenDetails()
_FAILURES = frozenset({"error", "abort", "insufficient_system_resource"})  # OpenRouter, vLLM and SGLang, DeepSeek


class Mender:
    """Mends one answer of one provider; `mended` tells that something was not as the dialect wants it."""

    def __init__(self, *, upstream: str, thoughts: ThoughtsName | None = None) -> None:
        self.upstream, self.thoughts = upstream, thoughts or ThoughtsName()
        self.mended = False

    def finish_reason(self, native: str | None) -> FinishReason | None:
        """Return the reason in OpenAI's spelling; None (or empty) when there is none yet.

        Raises UpstreamUnavailable when the provider says that it failed, UpstreamProtocolError for an unknown word:
        an end that is not understood is never passed on as `stop`.
        """
        if native is None:
            return None
        if (reason := _FINISH_REASONS.get(native)) is not None:
            return reason
        self.mended = True
        if native == "":
            return None
        if (reason := _OTHER_SPELLINGS.get(native)) is not None:
            return reason
        if native in _FAILURES:
            raise UpstreamUnavailable(upstream=self.upstream, detail=f"gave up with finish_reason {native}")
        raise UpstreamProtocolError(upstream=self.upstream, detail="an unknown finish_reason")

    def native_reason(self, wire: WireChoice | WireChunkChoice, reason: FinishReason | None) -> str | None:
        """Return the provider's own word for an end, where it has another or says it (X1)."""
        if wire.native_finish_reason is not None or wire.finish_reason == reason:
            return wire.native_finish_reason
        return wire.finish_reason or None

    def content(self, message: WireMessage) -> str | None:
        """Return the text, which Mistral's reasoning models send in parts."""
        if not isinstance(message.content, list):
            return message.content
        self.mended = True
        return _text_of(message.content)

    def reasoning(self, message: WireMessage) -> str | None:
        """Return the thoughts, which vLLM, Groq and OpenRouter call `reasoning` and most clients do not read so."""
        if message.reasoning is not None:
            self.thoughts.seen = "reasoning"
        if message.reasoning_content is not None:
            self.thoughts.seen = "reasoning_content"
            return message.reasoning_content
        if isinstance(message.content, list):
            return self._thoughts_in(message.content)
        self.mended |= message.reasoning is not None
        return message.reasoning

    def _thoughts_in(self, parts: list[WirePart]) -> str | None:
        thoughts = "".join(_text_of(part.thinking) for part in parts if part.thinking)
        if thoughts:
            self.thoughts.seen = IN_CONTENT
        return thoughts or None

    def head(self, wire: WireHead, *, object_name: str, model: str) -> tuple[str, int, str]:
        """Return id, creation time (Unix seconds) and model, made up where they are missing."""
        created = int(wire.created or time.time())
        self.mended |= not (wire.id and wire.model) or wire.created != created or wire.object != object_name
        return wire.id or f"chatcmpl-{uuid.uuid4().hex}", created, wire.model or model

    def usage(self, wire: WireUsage | None) -> Usage | None:
        """Return the counts, None when one is neither given nor follows from the total; one below 0 is not given.

        What a total has beyond its parts are thoughts that were not counted as completion. Parts are never more than
        their whole.
        """
        if wire is None:
            return None
        prompt, completion, total = map(_count, (wire.prompt_tokens, wire.completion_tokens, wire.total_tokens))
        if prompt is None or completion is None or total is None:
            self.mended = True
            if [prompt, completion, total].count(None) > 1:
                return None
            prompt = max(0, (total or 0) - (completion or 0)) if prompt is None else prompt
            completion = completion or 0
        if total != prompt + completion:
            self.mended = True
            completion = max(completion, (total or 0) - prompt)
        read, thought = wire.prompt_tokens_details or _NO_DETAILS, wire.completion_tokens_details or _NO_DETAILS
        cached = _count(read.cached_tokens) or _count(wire.prompt_cache_hit_tokens) or 0
        written, reasoning = _count(read.cache_write_tokens) or 0, _count(thought.reasoning_tokens) or 0
        came = [count or 0 for count in (read.cached_tokens, read.cache_write_tokens, thought.reasoning_tokens)]
        self.mended |= [cached, written, reasoning] != came or cached > prompt or reasoning > completion
        return Usage(
            prompt_tokens=prompt,
            completion_tokens=completion,
            cached_tokens=min(cached, prompt),
            cache_write_tokens=written,
            reasoning_tokens=min(reasoning, completion),
        )

    def tool_calls(self, wires: list[WireToolCall]) -> tuple[ToolCall, ...]:
        """Return the calls of functions in a whole message: unique ids, arguments that are a text and never empty."""
        seen: set[str] = set()
        calls = []
        for wire in wires:
            if wire.is_of_other_type:
                continue
            call_id, arguments = self.new_call_id(wire, taken=seen), self.arguments(wire)
            self.mended |= not arguments
            seen.add(call_id)
            name, extra = self.called_name(wire), extra_content(wire)
            calls.append(ToolCall(id=call_id, name=name, arguments=arguments or "{}", extra_content=extra))
        return tuple(calls)

    def new_call_id(self, wire: WireToolCall, *, taken: set[str]) -> str:
        """Return the id of a call that begins, a made one when it has none or one that is taken."""
        if wire.id and wire.id not in taken:
            self.mended |= wire.type != "function"
            return wire.id
        self.mended = True
        return f"call_{uuid.uuid4().hex[:24]}"

    def called_name(self, wire: WireToolCall) -> str:
        """Return the name of the function. Raises UpstreamProtocolError when there is none."""
        if not wire.function.name:
            raise UpstreamProtocolError(upstream=self.upstream, detail="a tool call without a name")
        return wire.function.name

    def arguments(self, wire: WireToolCall) -> str:
        """Return the arguments as text, "" when there are none."""
        arguments = wire.function.arguments
        if isinstance(arguments, str):
            return arguments
        self.mended = True
        return "" if arguments is None else msgspec.json.encode(arguments).decode()


def _count(tokens: int | None) -> int | None:
    return None if tokens is None or tokens < 0 else tokens


def _text_of(parts: list[WirePart]) -> str:
    return "".join(part.text or "" for part in parts)


def extra_content(wire: WireToolCall) -> msgspec.Raw | None:
    """Return what the provider wants back with a call, None when there is nothing."""
    return None if wire.extra_content is msgspec.UNSET else wire.extra_content
