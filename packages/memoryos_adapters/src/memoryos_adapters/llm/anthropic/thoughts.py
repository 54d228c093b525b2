"""The model's signed thoughts: out to the client with an answer, and back before the tool calls they led to (AN12).

They are worth something only inside the tool loop that they belong to: newer models bind them to themselves and to
the very conversation before them, and what memory recalled for an earlier turn is not in a later request.
"""

from collections.abc import Sequence

import msgspec

from memoryos_adapters.llm.anthropic.blocks import MaybeRaw
from memoryos_adapters.llm.replay import ReplayCache, digest_of
from memoryos_ports.llm import ChatRequest, Message, ToolCall

FIELD = "thinking_blocks"
"""The field of a message that holds them, here and in other gateways."""


class _Thought(msgspec.Struct, frozen=True):
    type: str = ""
    signature: str = ""
    data: str = ""

    @property
    def is_anthropic(self) -> bool:
        return bool((self.type == "thinking" and self.signature) or (self.type == "redacted_thinking" and self.data))


class _Kept(msgspec.Struct, frozen=True):
    model: str
    blocks: list[msgspec.Raw]


_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_THOUGHT = msgspec.json.Decoder(_Thought)
_KEPT = msgspec.json.Decoder(_Kept)


def as_extra(blocks: Sequence[msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Return the field that brings them to the client."""
    return {FIELD: msgspec.Raw(msgspec.json.encode(blocks))} if blocks else {}


def keep_thoughts(
    cache: ReplayCache, request: ChatRequest, calls: Sequence[ToolCall], blocks: Sequence[msgspec.Raw]
) -> None:
    """Keep what led to these calls, for clients that lose it."""
    if blocks:
        kept = msgspec.json.encode(_Kept(model=request.model, blocks=list(blocks)))
        cache.keep(request.owner, [call.id for call in calls], kept, said=digest_of(calls))


def thoughts_of(cache: ReplayCache, request: ChatRequest, message: Message, sent: MaybeRaw) -> tuple[msgspec.Raw, ...]:
    """Return what belongs before the calls of a message: what the client sent, else what was kept.

    Nothing when the thoughts are known to be another model's. What no Claude has signed is left out.
    """
    kept = _kept(cache, request, message)
    if kept is not None and kept.model != request.model:
        return ()
    return _signed(sent) or tuple(kept.blocks if kept is not None else ())


def _kept(cache: ReplayCache, request: ChatRequest, message: Message) -> _Kept | None:
    said = digest_of(message.tool_calls)
    for call in message.tool_calls:
        if (blob := cache.find(request.owner, call.id, said=said)) is not None:
            return _KEPT.decode(blob)
    return None


def _signed(sent: MaybeRaw) -> tuple[msgspec.Raw, ...]:
    try:
        return tuple(raw for raw in _RAWS.decode(sent or b"[]") if _THOUGHT.decode(raw).is_anthropic)
    except msgspec.MsgspecError:
        return ()
