"""What OpenRouter says in its refusals beside OpenAI's dialect (wire contract: OR3-OR5)."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from memoryos_adapters.llm.refusals import ErrorTable, Refusal, read_refusal, refusal_of
from memoryos_ports.errors import MemoryOSError, ModelNotFound

_FILTERED = "content_filter"
_NO_ENDPOINTS = "No endpoints found"


class _Metadata(msgspec.Struct, frozen=True):
    raw: Any = None
    reasons: Any = None


class _Error(msgspec.Struct, frozen=True):
    metadata: _Metadata | None = None


class _Body(msgspec.Struct, frozen=True):
    error: _Error


class OpenRouterErrors(ErrorTable):
    """Finds the cause that the provider behind OpenRouter gave, and what its moderation refused.

    Only a refused request shows the cause: the words of other failures are about OpenRouter's own account.
    """

    def read(self, body: bytes) -> Refusal:
        """Read an error's body."""
        refusal, metadata = super().read(body), _metadata_of(body)
        if metadata.reasons is not None:
            return replace(refusal, code=_FILTERED)
        return _with_cause(refusal, _cause_of(metadata.raw))

    def error_of(
        self, refusal: Refusal, *, status: int, model: str, headers: Mapping[str, str] | None = None
    ) -> MemoryOSError:
        """Return the error for an answer of `status`; a 403 may be about the content, a 404 about the model."""
        filtered = status == 403 and refusal.code == _FILTERED
        if status == 404 and refusal.message.startswith(_NO_ENDPOINTS):
            return ModelNotFound(model)
        return super().error_of(refusal, status=400 if filtered else status, model=model, headers=headers)


def _metadata_of(body: bytes) -> _Metadata:
    try:
        return msgspec.json.decode(body, type=_Body).error.metadata or _Metadata()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Metadata()


def _cause_of(raw: Any) -> Refusal:
    """Return what the provider itself said, in JSON or in plain words; nothing when that is a page."""
    if not isinstance(raw, str):
        return refusal_of(raw)
    text = raw.strip()
    cause = read_refusal(text.encode())
    return Refusal(message=text) if not cause.message and text[:1] not in ("<", "{", "[") else cause


def _with_cause(refusal: Refusal, cause: Refusal) -> Refusal:
    if not cause.message:
        return refusal
    found = replace(cause, code=cause.code or refusal.code, type=cause.type or refusal.type)
    return found if found.status == refusal.status else replace(found, code=refusal.code)
