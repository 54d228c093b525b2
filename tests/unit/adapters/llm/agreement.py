"""Whether the wire of an answer says what its fields say."""

from typing import Any

import msgspec

from memoryos_ports.llm import ChatAnswer, ChatChunk, Choice, ChoiceDelta, ToolCall, ToolCallDelta, Usage


def wire_of(answer: ChatAnswer | ChatChunk) -> Any:
    """Return the decoded wire of an answer or a chunk. Checks that it says the same as the fields."""
    assert answer.wire is not None
    wire = msgspec.json.decode(answer.wire)
    assert (wire["id"], wire["created"], wire["model"]) == (answer.id, answer.created, answer.model)
    choices = answer.choices if isinstance(answer, ChatAnswer) else answer.deltas
    assert [_said(choice) for choice in wire["choices"]] == [_fields(choice) for choice in choices]
    assert _counts(wire.get("usage") or None) == _figures(answer.usage)
    return wire


def _said(choice: dict[str, Any]) -> list[Any]:
    message = choice["message"] if "message" in choice else choice["delta"]
    texts = [message.get(name) for name in ("content", "refusal", "reasoning_content")]
    tools = [_tool_said(call) for call in message.get("tool_calls") or ()]
    return [choice["index"], choice["finish_reason"], choice.get("native_finish_reason"), *texts, tools]


def _fields(choice: Choice | ChoiceDelta) -> list[Any]:
    message = choice.message if isinstance(choice, Choice) else choice
    texts = [message.content, message.refusal, message.reasoning]
    tools = [_tool_fields(call) for call in message.tool_calls]
    return [choice.index, choice.finish_reason, choice.native_finish_reason, *texts, tools]


def _tool_said(call: dict[str, Any]) -> list[Any]:
    assert call.get("type", "function") == "function"
    function = call["function"]
    return [call.get("id"), function.get("name"), function["arguments"], call.get("index"), call.get("extra_content")]


def _tool_fields(call: ToolCall | ToolCallDelta) -> list[Any]:
    index = call.index if isinstance(call, ToolCallDelta) else None
    extra = None if call.extra_content is None else msgspec.json.decode(call.extra_content)
    return [call.id, call.name, call.arguments, index, extra]


def _counts(usage: dict[str, Any] | None) -> list[int] | None:
    if usage is None:
        return None
    read, thought = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    parts = [read.get("cached_tokens"), read.get("cache_write_tokens"), thought.get("reasoning_tokens")]
    return [usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"], *(part or 0 for part in parts)]


def _figures(usage: Usage | None) -> list[int] | None:
    if usage is None:
        return None
    parts = [usage.cached_tokens, usage.cache_write_tokens, usage.reasoning_tokens]
    return [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, *parts]
