"""The parameters of a chat as DeepSeek takes them (wire contract: DS3)."""

import msgspec

from memoryos_adapters.llm.deepseek.models import is_before_v4, thinks
from memoryos_adapters.llm.openai.older_bound import with_older_bound
from memoryos_ports.llm import ChatRequest

_WITHOUT_EFFECT = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty"})
_REFUSED_BEFORE_V4 = frozenset({"logprobs", "top_logprobs"})


def fit_params(request: ChatRequest) -> tuple[dict[str, msgspec.Raw], tuple[str, ...]]:
    """Return the parameters to send, and the names of those that the model would not obey while it thinks.

    ``max_completion_tokens`` is ignored without a word (earendil-works/pi#8018), so its older name is used.
    """
    params = with_older_bound(request.params)
    if not thinks(request):
        return params, ()
    useless = _WITHOUT_EFFECT | _REFUSED_BEFORE_V4 if is_before_v4(request.model) else _WITHOUT_EFFECT
    dropped = tuple(name for name in params if name in useless)
    return {name: raw for name, raw in params.items() if name not in useless}, dropped
