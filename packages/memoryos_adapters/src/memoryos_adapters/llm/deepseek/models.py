"""What DeepSeek's models do with thoughts, by name and by what a request asks for (wire contract: DS1-DS3)."""

import re

import msgspec

from memoryos_ports.llm import ChatRequest

_BEFORE_V4 = re.compile(r"deepseek-(chat|reasoner|coder|r1|v[1-3])\b", re.IGNORECASE)
_ALWAYS_THINKING = re.compile(r"deepseek-(reasoner|r1)\b", re.IGNORECASE)


class _Thinking(msgspec.Struct, frozen=True):
    type: str | None = None


_THINKING: msgspec.json.Decoder[_Thinking | None] = msgspec.json.Decoder(_Thinking | None)


def is_before_v4(model: str) -> bool:
    """Tell whether a model refuses to be shown its thoughts; from V4 on they want them back with their tool calls.

    A name that says nothing of its version (``deepseek-flash``) is a newer one: DeepSeek retired the older names that
    said nothing (``deepseek-chat``, ``deepseek-reasoner``) in July 2026.
    """
    return _BEFORE_V4.search(model) is not None


def always_thinks(model: str) -> bool:
    """Tell whether a model thinks whatever it is asked for."""
    return _ALWAYS_THINKING.search(model) is not None


def thinks(request: ChatRequest) -> bool:
    """Tell whether the model will think: from V4 on unless ``thinking.type`` is disabled, before it if asked to."""
    asked = _asked_for(request.params.get("thinking"))
    if not is_before_v4(request.model):
        return asked != "disabled"
    return asked == "enabled" or always_thinks(request.model)


def _asked_for(thinking: msgspec.Raw | None) -> str | None:
    if thinking is None:
        return None
    try:
        wanted = _THINKING.decode(thinking)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None  # the provider says what is wrong with it
    return None if wanted is None else wanted.type
