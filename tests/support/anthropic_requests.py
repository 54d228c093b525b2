"""Requests in OpenAI's words for the tests of the Anthropic dialect, and what it makes of them."""

from typing import Any

import msgspec

from memoryos_adapters.llm.anthropic.dialect import AnthropicDialect
from memoryos_adapters.llm.dialect import Outgoing
from memoryos_adapters.settings import LlmProviderSettings, Secret
from memoryos_ports.llm import ChatRequest, ContentPart, ImageUrl, Message, ToolCall

SAMPLING_MODEL = "claude-sonnet-4-5"
"""One that takes temperature, budgets and the beginning of its answer."""

NEWEST_MODEL = "claude-opus-5-5"
"""One that takes none of these, and no forced tools."""

FORCED_MODEL = "claude-opus-5"
"""One that thinks unless it is told not to, and that can be made to call a tool."""

TOOL_MODEL = "claude-opus-4-1"
"""One without native schemas: it answers by a forced tool."""


def make_dialect(**settings: Any) -> AnthropicDialect:
    """Return a dialect whose host and key are ``example.com`` and ``sk-secret``."""
    defaults: dict[str, Any] = {"base_url": "https://example.com/", "api_key": Secret("sk-secret")}
    return AnthropicDialect("provider", LlmProviderSettings(kind="anthropic", **{**defaults, **settings}))


def ask(*messages: dict[str, Any], model: str = SAMPLING_MODEL, owner: str = "", **params: Any) -> ChatRequest:
    """Return a request whose messages came over the wire; without any, the user says ``Hello?``."""
    return ChatRequest(
        model=model,
        messages=tuple(map(_message, messages or (user("Hello?"),))),
        params={name: msgspec.Raw(msgspec.json.encode(value)) for name, value in params.items()},
        owner=owner,
    )


def user(content: str | list[dict[str, Any]]) -> dict[str, Any]:
    """Return a message of the user."""
    return {"role": "user", "content": content}


def calling(*calls: tuple[str, str, str], content: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return an answer that asks for these calls: (id, name, arguments)."""
    tool_calls = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        for call_id, name, arguments in calls
    ]
    return {"role": "assistant", "content": content, "tool_calls": tool_calls, **fields}


def result(call_id: str, content: str | list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """Return what came of a call."""
    return {"role": "tool", "tool_call_id": call_id, "content": content, **fields}


def function(name: str = "look_up", **fields: Any) -> dict[str, Any]:
    """Return a tool; `fields` are those of its function."""
    return {"type": "function", "function": {"name": name, **fields}}


def json_schema(schema: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a `response_format` with a schema."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, **fields}}


def encoded(request: ChatRequest, **settings: Any) -> Outgoing:
    """Return the call for a request."""
    return make_dialect(**settings).encode(request, stream=False)


def sent(request: ChatRequest, **settings: Any) -> Any:
    """Return the decoded body of the call for a request."""
    return msgspec.json.decode(encoded(request, **settings).body)


def _message(wire: dict[str, Any]) -> Message:
    content = wire.get("content")
    return Message(
        role=wire["role"],
        content=tuple(map(_part, content)) if isinstance(content, list) else content,
        name=wire.get("name"),
        tool_calls=tuple(ToolCall(id=call["id"], **call["function"]) for call in wire.get("tool_calls", ())),
        tool_call_id=wire.get("tool_call_id"),
        wire=msgspec.Raw(msgspec.json.encode(wire)),
    )


def _part(wire: dict[str, Any]) -> ContentPart:
    image, file = wire.get("image_url"), wire.get("file")
    return ContentPart(
        type=wire["type"],
        text=wire.get("text"),
        refusal=wire.get("refusal"),
        image_url=None if image is None else ImageUrl(**image),
        file=None if file is None else msgspec.Raw(msgspec.json.encode(file)),
    )
