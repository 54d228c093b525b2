"""The generationConfig of a request, from OpenAI's parameters and the caller's own native ones (GE11, GE12)."""

import re
from typing import Any

import msgspec

from memoryos_adapters.llm.chat_params import ChatParams, ResponseFormat, unsupported
from memoryos_adapters.llm.gemini.model import GeminiModel
from memoryos_adapters.llm.gemini.schema import openapi_schema
from memoryos_ports.errors import InvalidInput

_FIELDS: tuple[tuple[str, str, Any], ...] = (
    ("temperature", "temperature", float),
    ("top_p", "topP", float),
    ("top_k", "topK", float),
    ("n", "candidateCount", int),
    ("seed", "seed", int),
    ("presence_penalty", "presencePenalty", float),
    ("frequency_penalty", "frequencyPenalty", float),
)
_LEVELS = {
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "xhigh",  # the highest of google-genai's ThinkingLevel
}
_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576, "max": 24_576}
_LEAST_BUDGET_OF_PRO = 128
_MODALITIES = frozenset({"text", "image"})


def generation_config(params: ChatParams, model: GeminiModel) -> dict[str, Any]:
    """Return what bounds and shapes the answer; the caller's ``generation_config`` lies under what has a name of ours.

    Raises InvalidInput that names the parameter which cannot be said.
    """
    config: dict[str, Any] = native_object(params, "generation_config")
    for ours, theirs, type_ in _FIELDS:
        _put(config, theirs, params.take(ours, type_))
    _put(config, "maxOutputTokens", params.max_output_tokens())
    _put(config, "stopSequences", params.stop() or None)
    _put(config, "responseModalities", _modalities(params))
    _put(config, "thinkingConfig", _thinking(params, config.get("thinkingConfig"), model))
    return config | _response_format(params, model)


def native_object(params: ChatParams, name: str) -> dict[str, msgspec.Raw]:
    """Return a native object of the caller's, under its snake or its camel name; its keys come back in camel case."""
    given = params.take(name, dict[str, msgspec.Raw]) or {}
    given |= params.take(_camel(name), dict[str, msgspec.Raw]) or {}
    return {_camel(key): value for key, value in given.items()}


def native_value(params: ChatParams, name: str) -> msgspec.Raw | None:
    """Return a native value of the caller's as it came, under its snake or its camel name."""
    snake, camel = params.take_raw(name), params.take_raw(_camel(name))
    return camel if snake is None else snake


def _put(config: dict[str, Any], name: str, value: object) -> None:
    if value is not None:
        config[name] = value


def _modalities(params: ChatParams) -> list[str] | None:
    asked = params.take("modalities", list[str])
    if asked is None:
        return None
    if not _MODALITIES.issuperset(asked):
        raise unsupported("modalities", "this provider answers here with text and images only")
    return [modality.upper() for modality in asked]


def _thinking(params: ChatParams, configured: msgspec.Raw | None, model: GeminiModel) -> dict[str, Any] | None:
    """A level from Gemini 3 on, a budget before, never both; the caller may give either in its native form as well.

    The effort of a model that does not think is left, to be named as dropped.
    """
    thinking: dict[str, Any] = _camel_keys(configured) | native_object(params, "thinking_config")
    effort = params.take("reasoning_effort", str) if model.thinks else None
    if effort is None:
        return thinking or None
    if thinking.keys() & {"thinkingLevel", "thinkingBudget"}:
        raise InvalidInput("reasoning_effort: thinking_config already says how much to think", param="reasoning_effort")
    return {"includeThoughts": effort != "none"} | thinking | _effort(effort, model)


def _effort(effort: str, model: GeminiModel) -> dict[str, Any]:
    """As Google's OpenAI-compatible endpoint translates it; what cannot be switched off is kept as low as it goes."""
    if effort not in ("none", *_BUDGETS):
        raise unsupported("reasoning_effort", f"{effort!r} is not known here")
    if model.thinks_in_levels:
        level = _LEVELS.get(effort, "minimal")
        return {"thinkingLevel": "low" if model.is_pro and level == "minimal" else level}
    if effort == "none":
        return {"thinkingBudget": _LEAST_BUDGET_OF_PRO if model.is_pro else 0}
    return {"thinkingBudget": _BUDGETS[effort]}


def _response_format(params: ChatParams, model: GeminiModel) -> dict[str, Any]:
    asked = params.take("response_format", ResponseFormat)
    if asked is None or asked.type == "text":
        return {}
    if asked.type not in ("json_object", "json_schema"):
        raise unsupported("response_format.type", f"{asked.type!r} is not supported here")
    config: dict[str, Any] = {"responseMimeType": "application/json"}
    schema = asked.json_schema.schema if asked.json_schema is not None else None
    if schema is None:
        return config
    if model.takes_json_schema:
        return config | {"responseJsonSchema": schema}
    return config | {"responseSchema": openapi_schema(schema, param="response_format.json_schema.schema")}


def _camel_keys(raw: msgspec.Raw | None) -> dict[str, Any]:
    if raw is None:
        return {}
    try:
        given = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as exc:
        raise InvalidInput(f"generation_config.thinking_config: {exc}", param="generation_config") from exc
    return {_camel(key): value for key, value in given.items()}


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
