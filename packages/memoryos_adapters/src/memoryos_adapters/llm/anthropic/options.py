"""Single knobs of a request in Anthropic's dialect: sampling, stops, labels, tiers, its own fields (AN2, AN13, X5)."""

from typing import Any, TypeAlias

import msgspec

from memoryos_adapters.llm.anthropic.models import Capabilities
from memoryos_adapters.llm.chat_params import ChatParams, unsupported

Said: TypeAlias = tuple[dict[str, Any], tuple[str, ...]]
"""Fields of the request, and the names of the caller's parameters that are not in them."""

_SAMPLING: dict[str, Any] = {"temperature": float, "top_p": float, "top_k": int}
_SERVICE_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
_PASSED_ON = (
    "cache_control",
    "container",
    "context_management",
    "diagnostics",
    "inference_geo",
    "mcp_servers",
    "speed",
)
"""Anthropic's own fields, sent as they came; some need an `anthropic-beta` among the provider's headers."""


def read_options(params: ChatParams, able: Capabilities, *, thinks: bool) -> Said:
    """Return what the caller asked for; `thinks` is whether the request asks for thinking."""
    said = (_sampling(params, able, thinks=thinks), _stops(params), _metadata(params), _service_tier(params))
    fields: dict[str, Any] = {name: raw for name in _PASSED_ON if (raw := params.take_raw(name)) is not None}
    for some, _ in said:
        fields |= some
    return fields, tuple(name for _, dropped in said for name in dropped)


def _sampling(params: ChatParams, able: Capabilities, *, thinks: bool) -> Said:
    """A model that thinks samples as it likes."""
    asked = {name: value for name, type_ in _SAMPLING.items() if (value := params.take(name, type_)) is not None}
    if able.sampling == "none" or thinks:
        return {}, tuple(asked)
    if (temperature := asked.get("temperature")) is not None and not 0 <= temperature <= 1:
        raise unsupported("temperature", "this provider takes 0 to 1")
    if able.sampling == "one" and asked.keys() >= {"temperature", "top_p"}:
        del asked["top_p"]
        return asked, ("top_p",)
    return asked, ()


def _stops(params: ChatParams) -> Said:
    """Anthropic refuses a sequence of nothing but white space."""
    asked = params.stop() + (params.take("stop_sequences", list[str]) or [])
    stops = [stop for stop in asked if stop.strip()]
    return {"stop_sequences": stops} if stops else {}, ("stop",) if len(stops) < len(asked) else ()


def _metadata(params: ChatParams) -> Said:
    """OpenAI's metadata are labels of the caller's own; Anthropic takes only a `user_id`."""
    labels = params.take("metadata", dict[str, msgspec.Raw]) or {}
    user, user_id = params.take("user", str), labels.pop("user_id", None)
    fields = {"metadata": {"user_id": user_id or user}} if user_id or user else {}
    return fields, ("metadata",) if labels else ()


def _service_tier(params: ChatParams) -> Said:
    asked = params.take("service_tier", str)
    if asked is None:
        return {}, ()
    tier = _SERVICE_TIERS.get(asked)
    return ({}, ("service_tier",)) if tier is None else ({"service_tier": tier}, ())
