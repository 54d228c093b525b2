"""What old versions of Azure's API do not take (wire contract: AZ7)."""

import msgspec
from msgspec.structs import replace

from memoryos_adapters.llm.chat_params import is_said
from memoryos_adapters.llm.dialect import Outgoing
from memoryos_adapters.llm.openai.older_bound import with_older_bound
from memoryos_ports.llm import ChatRequest

_ALL_TAKEN_FROM = "2024-09-01"
"""2024-09-01-preview added all of them (Azure's documentation, `API version lifecycle`)."""

_UNKNOWN = ("parallel_tool_calls", "stream_options")
_BODY = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_old(api_version: str) -> bool:
    """Tell whether a version (``2024-06-01``, ``2024-08-01-preview``) is one of those."""
    return api_version[: len(_ALL_TAKEN_FROM)] < _ALL_TAKEN_FROM


def for_old_version(outgoing: Outgoing, request: ChatRequest) -> Outgoing:
    """Return the call in an old version's words; what the caller asked for and it has no word for is named.

    ``max_completion_tokens`` is called ``max_tokens`` there. Without ``stream_options`` a stream tells no usage.
    """
    body = with_older_bound(_BODY.decode(outgoing.body))
    known = {name: raw for name, raw in body.items() if name not in _UNKNOWN}
    dropped = tuple(name for name in _UNKNOWN if is_said(request.params.get(name)))
    return replace(outgoing, body=msgspec.json.encode(known), dropped_params=outgoing.dropped_params + dropped)
