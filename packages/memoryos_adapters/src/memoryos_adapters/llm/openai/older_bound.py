"""The bound on an answer for servers that only know its older name."""

import msgspec

from memoryos_adapters.llm.chat_params import is_said

_OLDER, _NEWER = "max_tokens", "max_completion_tokens"


def with_older_bound(params: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Return parameters that say ``max_tokens`` where they said ``max_completion_tokens``, which wins over it."""
    newer = params.get(_NEWER)
    rest = {name: raw for name, raw in params.items() if name != _NEWER}
    return {**rest, _OLDER: newer} if is_said(newer) else rest
