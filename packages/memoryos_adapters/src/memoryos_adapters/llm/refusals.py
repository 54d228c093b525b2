"""What a refusal in the OpenAI dialect means, by status, code and words (E2, E8-E11, E15, OA5, OR3, OR4)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from memoryos_adapters.llm.retry_after import limit_resets_in_s, retry_after_s
from memoryos_ports.errors import (
    MemoryOSError,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    UpstreamAuthError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)

_MAX_MESSAGE_CHARACTERS = 500
_MAX_WORD_CHARACTERS = 100

_NO_MODEL_WORDS = frozenset({"model_not_found", "invalid_model", "DeploymentNotFound"})
_NO_MODEL_TEXT = re.compile(r"\bmodel\b.*\b(not found|not exist)\b", re.IGNORECASE | re.DOTALL)
_TOO_LONG = "context_length_exceeded"
_TOO_LONG_WORDS = frozenset({_TOO_LONG, "exceed_context_size_error"})  # the second is llama.cpp's
_TOO_LONG_TEXT = re.compile(  # vLLM, SGLang, llama.cpp, Mistral, OpenRouter; TGI
    r"\b(?:maximum|model's|available) (?:context|model) (?:length|size|window)\b|max_new_tokens` must be <=",
    re.IGNORECASE,
)
_LOOKED_AT = 500  # characters of a message, since the pattern takes time that grows with their square
_NO_QUOTA_WORDS = frozenset({"insufficient_quota", "billing_hard_limit_reached"})

_STATUS_OF_WORD = {
    "invalid_request_error": 400,
    _TOO_LONG: 400,
    "content_filter": 400,
    "content_policy_violation": 400,
    "BadRequestError": 400,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "model_not_found": 404,
    "not_found_error": 404,
    "timeout": 408,
    "insufficient_quota": 429,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
}
_STATUS_OF_OTHERS = 502


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The reason that came with an error, as far as it could be read."""

    message: str = ""
    type: str | None = None
    code: str | int | None = None
    param: str | None = None

    @property
    def status(self) -> int:
        """The HTTP status that fits, for an error that came inside a 200: OpenRouter's integer code, else by words."""
        if isinstance(self.code, int) and 400 <= self.code <= 599:
            return self.code
        by_code = _STATUS_OF_WORD.get(str(self.code))
        return by_code or _STATUS_OF_WORD.get(str(self.type), _STATUS_OF_OTHERS)


def read_refusal(body: bytes) -> Refusal:
    """Read an error's body; HTML, nothing or broken JSON give a refusal without a reason."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Refusal()
    return refusal_of(document)


def refusal_of(document: Any) -> Refusal:
    """Find the reason in decoded JSON: ``{"error": {…}}``, ``{"error": "text"}``, or the fields at the top (vLLM)."""
    match document:
        case {"error": dict(fields)}:
            pass
        case {"error": str(text)}:
            fields = {"message": text}
        case {"message": str()}:
            fields = document
        case {"detail": str(text)}:
            fields = {"message": text}
        case _:
            fields = {}
    code = fields.get("code")
    return Refusal(
        message=_text(fields.get("message")) or "",
        type=_text(fields.get("type")),
        code=code if isinstance(code, int) else _text(code),
        param=_text(fields.get("param")),
    )


class ErrorTable:
    """Maps one provider's refusals to our errors; `hidden` texts (secrets, the host) never show in them."""

    def __init__(self, *, upstream: str, hidden: tuple[str, ...]) -> None:
        self.upstream, self._hidden = upstream, tuple(sorted(filter(None, hidden), key=len, reverse=True))

    def read(self, body: bytes) -> Refusal:
        """Read an error's body; a relative of the dialect may find more in it."""
        return read_refusal(body)

    def error_inside(self, body: bytes, *, model: str) -> MemoryOSError:
        """Return the error that JSON under a 200 holds, a whole body or one event of a stream (OR4)."""
        refusal = self.read(body)
        return self.error_of(refusal, status=refusal.status, model=model)

    def error_of(
        self, refusal: Refusal, *, status: int, model: str, headers: Mapping[str, str] | None = None
    ) -> MemoryOSError:
        """Return the error for an answer of `status`.

        Only a refused request tells its caller the provider's own words; those of other failures are for the log.
        """
        error = self._error_of(refusal, status=status, model=model, headers=headers)
        if isinstance(error, UpstreamError):
            error.reason = self._clean(refusal.message)
        return error

    def _error_of(
        self, refusal: Refusal, *, status: int, model: str, headers: Mapping[str, str] | None
    ) -> MemoryOSError:
        words, headers = {refusal.code, refusal.type}, headers or {}
        match status:
            case 400 | 403 | 404 if words & _NO_MODEL_WORDS:
                return ModelNotFound(model)
            case 404 if _NO_MODEL_TEXT.search(refusal.message[:_LOOKED_AT]):
                return ModelNotFound(model)
            case 401 | 403:
                return UpstreamAuthError(upstream=self.upstream, detail=f"credentials refused ({status})")
            case 402:
                return QuotaExhausted(upstream=self.upstream, detail="no credit left")
            case 407:
                return UpstreamUnavailable(upstream=self.upstream, detail="the proxy refused")
            case 408 | 504:
                return UpstreamTimeout(upstream=self.upstream, detail=f"status {status}")
            case 429 if words & _NO_QUOTA_WORDS:
                return QuotaExhausted(upstream=self.upstream, detail="no quota left")
            case 429:
                return self._rate_limited(headers)
            case _ if 400 <= status < 500:
                return self._rejected(refusal, status=status)
            case _ if status >= 500:
                return self._unavailable(status, headers)
            case _:
                return UpstreamProtocolError(upstream=self.upstream, detail=f"unexpected status {status}")

    def _rate_limited(self, headers: Mapping[str, str]) -> RateLimited:
        wait_s = retry_after_s(headers, now=datetime.now(UTC))
        if wait_s is None:
            wait_s = limit_resets_in_s(headers)
        return RateLimited(upstream=self.upstream, retry_after_s=wait_s, detail="too many requests")

    def _unavailable(self, status: int, headers: Mapping[str, str]) -> UpstreamUnavailable:
        wait_s = retry_after_s(headers, now=datetime.now(UTC))
        return UpstreamUnavailable(
            upstream=self.upstream, detail=f"status {status}", status=status, retry_after_s=wait_s
        )

    def _rejected(self, refusal: Refusal, *, status: int) -> UpstreamRejected:
        code = None if refusal.code is None else self._clean(str(refusal.code))[:_MAX_WORD_CHARACTERS]
        if _is_too_long(refusal):
            status, code = 400, _TOO_LONG
        return UpstreamRejected(
            upstream=self.upstream,
            status=status,
            message=self._clean(refusal.message) or f"refused with status {status} and no reason",
            param=refusal.param and self._clean(refusal.param),
            code=code,
        )

    def _clean(self, text: str) -> str:
        for secret in self._hidden:
            text = text.replace(secret, "…")
        text = " ".join(text.split())
        return text if len(text) <= _MAX_MESSAGE_CHARACTERS else text[: _MAX_MESSAGE_CHARACTERS - 1] + "…"


def _is_too_long(refusal: Refusal) -> bool:
    if not _TOO_LONG_WORDS.isdisjoint((refusal.code, refusal.type)):
        return True
    return _TOO_LONG_TEXT.search(refusal.message[:_LOOKED_AT]) is not None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
