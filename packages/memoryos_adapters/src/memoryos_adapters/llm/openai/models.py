"""OpenAI's own models: which of them reason, and what chat completions refuse of a request to those (OA1, OA2, OA3).

They go by the names of models, wherever these are served. What was decided for OA2: since gpt-5.4,
function tools and reasoning exclude each other on chat completions (openai/openai-openapi#541), and the tools win,
because an agent without its tools is none: the effort is dropped, and named. gpt-5.6 and newer reason by default, so
they are told ``none`` even when the caller said nothing (BerriAI/litellm#34569). Efforts that a model does not know
(``minimal`` since gpt-5.6) are sent as given: its refusal names those that it does.
"""

import re
from typing import TypeAlias

import msgspec

from memoryos_adapters.llm.chat_params import is_said

Params: TypeAlias = dict[str, msgspec.Raw]

_REASONS = re.compile(r"(?:ft:)?(?:o\d|gpt-(?!5-chat)(?P<major>[5-9])(?:\.(?P<minor>\d+))?)(?![^-:])")
_RESTS_BY_DEFAULT = re.compile(r"gpt-5\.[1-4](?:-mini|-nano)?(?:-\d{4}-\d{2}-\d{2})?")
_CAN_REST_SINCE, _TOOLS_OR_REASONING_SINCE, _REASONS_BY_DEFAULT_SINCE = (5, 1), (5, 4), (5, 6)

_SAMPLING = frozenset(
    {"temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias"}
)
_NO_EFFORT = b'"none"'
_OLDER, _NEWER = "max_tokens", "max_completion_tokens"


def is_openai_host(host: str) -> bool:
    """Tell whether a host is OpenAI's own API, in any of its regions."""
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def reasons(model: str) -> bool:
    """Tell whether a model is one of the o series, or of gpt-5 and newer but for gpt-5-chat."""
    return _REASONS.match(model) is not None


def fit_params(model: str, params: Params) -> tuple[Params, tuple[str, ...]]:
    """Return the parameters as a model takes them, and the names of those that it does not take.

    The bound of one that reasons is ``max_completion_tokens``, and there is no sampling while it reasons.
    """
    if not reasons(model):
        return params, ()
    fitted = _with_newer_bound(_with_effort(model, params))
    if not _rests(model, fitted):
        fitted = {name: raw for name, raw in fitted.items() if name not in _SAMPLING}
    sent = set(map(id, fitted.values()))
    return fitted, tuple(name for name, raw in params.items() if id(raw) not in sent and is_said(raw))


def _with_newer_bound(params: Params) -> Params:
    older = params.get(_OLDER)
    if older is None:
        return params
    rest = {name: raw for name, raw in params.items() if name != _OLDER}
    return rest if is_said(params.get(_NEWER)) else {**rest, _NEWER: older}


def _with_effort(model: str, params: Params) -> Params:
    version, effort = _version(model), _value(params.get("reasoning_effort"))
    has_tools = _value(params.get("tools")) not in (b"null", b"[]")
    if version < _TOOLS_OR_REASONING_SINCE or not has_tools or effort == _NO_EFFORT:
        return params
    if version >= _REASONS_BY_DEFAULT_SINCE:
        return {**params, "reasoning_effort": msgspec.Raw(_NO_EFFORT)}
    return {name: raw for name, raw in params.items() if name != "reasoning_effort"}


def _rests(model: str, params: Params) -> bool:
    effort = _value(params.get("reasoning_effort"))
    if effort == b"null":
        return _RESTS_BY_DEFAULT.fullmatch(model) is not None
    return effort == _NO_EFFORT and _version(model) >= _CAN_REST_SINCE


def _version(model: str) -> tuple[int, int]:
    """Return the version of a gpt model, (0, 0) for the o series."""
    found = _REASONS.match(model)
    return (int(found["major"] or 0), int(found["minor"] or 0)) if found else (0, 0)


def _value(raw: msgspec.Raw | None) -> bytes:
    return b"null" if raw is None else bytes(raw).strip()
