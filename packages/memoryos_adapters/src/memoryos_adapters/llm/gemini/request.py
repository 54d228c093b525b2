"""A chat request as generateContent has it."""

from typing import Any

import msgspec

from memoryos_adapters.llm.chat_params import ChatParams, unsupported
from memoryos_adapters.llm.gemini.config import generation_config, native_value
from memoryos_adapters.llm.gemini.contents import Conversation
from memoryos_adapters.llm.gemini.model import GeminiModel
from memoryos_adapters.llm.gemini.signatures import Signatures
from memoryos_adapters.llm.gemini.tools import Tools
from memoryos_adapters.llm.gemini.wire import Content
from memoryos_adapters.llm.unsaid import unsaid_fields
from memoryos_ports.llm import ChatRequest

_SERVICE_TIERS = {"auto": None, "default": "standard", "flex": "flex", "priority": "priority"}


class _Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Safety settings are the caller's or none: nothing is switched off here (GE14)."""

    contents: list[Content]
    system_instruction: Content | None = None
    tools: list[dict[str, Any]] | None = None
    tool_config: dict[str, Any] | None = None
    generation_config: dict[str, Any] = {}
    safety_settings: msgspec.Raw | None = None
    cached_content: msgspec.Raw | None = None
    labels: msgspec.Raw | None = None
    service_tier: str | None = None
    store: bool | None = None


def encode_request(request: ChatRequest, model: GeminiModel, signatures: Signatures) -> tuple[bytes, tuple[str, ...]]:
    """Return the body of a call, and the names of the parameters that Gemini has no word for.

    Native fields go out as they came, in either spelling: ``safety_settings``, ``cached_content``, ``labels``,
    ``tool_config``, ``generation_config`` and ``thinking_config``. Raises InvalidInput that names what cannot be said.
    """
    params = ChatParams(request.params)
    conversation, tools = Conversation(request, model, signatures), Tools(params, model)
    body = _Request(
        contents=conversation.contents,
        system_instruction=conversation.system,
        tools=tools.declared,
        tool_config=tools.config,
        generation_config=generation_config(params, model),
        safety_settings=native_value(params, "safety_settings"),
        cached_content=native_value(params, "cached_content"),
        labels=params.take_raw("labels"),
        service_tier=_service_tier(params),
        store=params.take("store", bool),
    )
    return msgspec.json.encode(body), params.dropped() + tools.dropped + unsaid_fields(request.messages)


def _service_tier(params: ChatParams) -> str | None:
    asked = params.take("service_tier", str) or "auto"
    if asked not in _SERVICE_TIERS:
        raise unsupported("service_tier", f"{asked!r} is not known here")
    return _SERVICE_TIERS[asked]
