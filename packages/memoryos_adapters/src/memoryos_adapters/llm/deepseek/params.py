"""The parameters of a chat as DeepSeek takes them (wire contract: DS3)."""

import msgspec
from msgspec.structs import replace

from memoryos_adapters.llm.chat_params import ChatParams, is_said
from memoryos_adapters.llm.deepseek.models import always_thinks, is_before_v4, thinks
from memoryos_adapters.llm.openai.older_bound import with_older_bound
from memoryos_ports.llm import ChatRequest

_WITHOUT_EFFECT = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty"})
_REFUSED_BEFORE_V4 = frozenset({"logprobs", "top_logprobs"})


_NO_THOUGHTS = msgspec.Raw(b'{"type":"disabled"}')


def fit_params(request: ChatRequest) -> tuple[dict[str, msgspec.Raw], tuple[str, ...]]:
    """Return the parameters to send, and the names of those that the model would not obey while it thinks.

    ``max_completion_tokens`` is ignored without a word (earendil-works/pi#8018), so its older name is used.
    """
    params, refused = _with_choice(request.model, with_older_bound(request.params))
    if not thinks(replace(request, params=params)):
        return params, refused
    useless = _WITHOUT_EFFECT | _REFUSED_BEFORE_V4 if is_before_v4(request.model) else _WITHOUT_EFFECT
    dropped = tuple(name for name, raw in params.items() if name in useless and is_said(raw))
    return {name: raw for name, raw in params.items() if name not in useless}, refused + dropped


def _with_choice(model: str, params: dict[str, msgspec.Raw]) -> tuple[dict[str, msgspec.Raw], tuple[str, ...]]:
    """Return parameters that may force a tool: a model that thinks refuses that (deepseek-ai/DeepSeek-V3#1376).

    So it does not think for this request; where it must, or was told to, the choice is dropped and named.
    """
    choice = ChatParams({"tool_choice": params["tool_choice"]}).tool_choice() if "tool_choice" in params else None
    if choice in (None, "auto", "none"):
        return params, ()
    if is_said(params.get("thinking")) or always_thinks(model):
        return {name: raw for name, raw in params.items() if name != "tool_choice"}, ("tool_choice",)
    return params if is_before_v4(model) else {**params, "thinking": _NO_THOUGHTS}, ()
