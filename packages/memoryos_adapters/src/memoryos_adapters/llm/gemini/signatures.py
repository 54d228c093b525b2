"""Thought signatures: what Gemini wants back with its own parts, and how clients carry it (wire contract: GE5).

On the OpenAI side they travel as ``extra_content.google.thought_signature``, on a tool call or, for a signed text, on
the message: the form of Google's OpenAI-compatible endpoint (ai.google.dev, "Thought signatures").
"""

import msgspec

from memoryos_adapters.llm.replay import ReplayCache, digest_of
from memoryos_ports.llm import ToolCall

SKIP = "skip_thought_signature_validator"
"""Google's own word for a call whose signature is lost; the model goes on without what it had thought."""


class _Google(msgspec.Struct, frozen=True):
    thought_signature: str | None = None


class _Extra(msgspec.Struct, frozen=True):
    google: _Google | None = None


_DECODER = msgspec.json.Decoder(_Extra | None)


class Signatures:
    """The signatures of calls that were answered here, by owner, id and what is called, for clients that lose them."""

    def __init__(self) -> None:
        self._cache = ReplayCache()

    def keep(self, owner: str, call: ToolCall, signature: str) -> None:
        """Keep the signature of a call."""
        self._cache.keep(owner, [call.id], signature.encode(), said=digest_of([call]))

    def find(self, owner: str, call: ToolCall) -> str | None:
        """Return what was kept for a call, None when nothing is."""
        found = self._cache.find(owner, call.id, said=digest_of([call]))
        return None if found is None else found.decode()

    def forget(self, owner: str) -> None:
        """Drop the signatures of an owner."""
        self._cache.forget(owner)


def extra_content(signature: str) -> msgspec.Raw:
    """Return a signature as a client carries it."""
    return msgspec.Raw(msgspec.json.encode({"google": {"thought_signature": signature}}))


def signature_in(extra: msgspec.Raw | msgspec.UnsetType | None) -> str | None:
    """Return the signature in a client's ``extra_content``, None when it holds none of Google's."""
    if extra is None or extra is msgspec.UNSET:
        return None
    try:
        found = _DECODER.decode(extra)
    except (msgspec.MsgspecError, RecursionError):
        return None  # the field is nobody's standard: what is not understood is not meant for us
    return (found.google.thought_signature or None) if found is not None and found.google is not None else None
