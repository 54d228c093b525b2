"""Requests for the tests of the Gemini dialect, and the JSON that they go out as."""

from typing import Any

import msgspec

from memoryos_adapters.llm.dialect import Outgoing
from memoryos_adapters.llm.gemini.adapter import GeminiDialect
from memoryos_adapters.settings import LlmProviderSettings, Secret
from memoryos_ports.llm import ChatRequest, ContentPart, ImageUrl, Message, ToolCall

NEW, OLD = "gemini-3-flash", "gemini-2.0-flash"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def make_dialect(**settings: Any) -> GeminiDialect:
    """Return a dialect of its own, with nothing remembered."""
    base: dict[str, Any] = {"base_url": "https://gemini.example", "api_key": Secret("a-secret-key")}
    return GeminiDialect("provider", LlmProviderSettings(kind="gemini", **{**base, **settings}))


def asking(*messages: Message, model: str = NEW, owner: str = "", **params: Any) -> ChatRequest:
    """Return a request; without messages somebody says hi."""
    return ChatRequest(
        model=model,
        messages=messages or (said("user", "hi"),),
        params={name: msgspec.Raw(msgspec.json.encode(value)) for name, value in params.items()},
        owner=owner,
    )


def outgoing(*messages: Message, model: str = NEW, **params: Any) -> Outgoing:
    """Return what a request goes out as."""
    return make_dialect().encode(asking(*messages, model=model, **params), stream=False)


def body(*messages: Message, model: str = NEW, **params: Any) -> dict[str, Any]:
    """Return the JSON that a request goes out as."""
    decoded: dict[str, Any] = msgspec.json.decode(outgoing(*messages, model=model, **params).body)
    return decoded


def said(role: str, *content: str | ContentPart, **wire: Any) -> Message:
    """Return a message of one text, or of parts; `wire` are fields that only its wire form has."""
    only = content[0] if len(content) == 1 and isinstance(content[0], str) else None
    parts = tuple(part if isinstance(part, ContentPart) else text(part) for part in content)
    raw = msgspec.Raw(msgspec.json.encode({"role": role, **wire})) if wire else None
    return Message(role=role, content=only if only is not None else parts or None, wire=raw)


def called(*calls: tuple[str, str, str], signatures: tuple[str, ...] = ()) -> Message:
    """Return an assistant's message with these calls (id, name, arguments), signed by the client as far as it goes."""
    sent: list[dict[str, Any]] = [{"id": call_id, "type": "function"} for call_id, _, _ in calls]
    for call, signature in zip(sent, signatures, strict=False):
        call["extra_content"] = {"google": {"thought_signature": signature}}
    return Message(
        role="assistant",
        tool_calls=tuple(ToolCall(id=call_id, name=name, arguments=arguments) for call_id, name, arguments in calls),
        wire=msgspec.Raw(msgspec.json.encode({"role": "assistant", "tool_calls": sent})),
    )


def returned(call_id: str, *content: str | ContentPart, **wire: Any) -> Message:
    """Return a tool's message."""
    return msgspec.structs.replace(said("tool", *content, **wire), tool_call_id=call_id)


def text(value: str) -> ContentPart:
    """Return a part with a text."""
    return ContentPart(type="text", text=value)


def image(url: str = f"data:image/png;base64,{PIXEL}") -> ContentPart:
    """Return a part with an image."""
    return ContentPart(type="image_url", image_url=ImageUrl(url=url))
