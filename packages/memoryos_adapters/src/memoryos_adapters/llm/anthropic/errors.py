"""What Anthropic's refusals mean (wire contract: AN20, AN21; platform.claude.com/docs/en/api/errors)."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from memoryos_adapters.llm.refusals import ErrorTable, Refusal, refusal_of
from memoryos_ports.errors import MemoryOSError

_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_STATUS_OF_OTHERS = 502

_LOOKED_AT = 500  # characters of a message
_NO_CREDIT = re.compile(r"reached your specified (?:\w+ )?API usage limits|credit balance is too low", re.IGNORECASE)
_TOO_LONG = re.compile(r"prompt is too long|exceeds? (?:the )?(?:model's )?context", re.IGNORECASE)
_FILTERED = re.compile(r"content filtering policy", re.IGNORECASE)
_SPENT = frozenset({"contract_spend_limit_reached", "enforced_spend_limit_reached"})


class AnthropicErrors:
    """Maps refusals to our errors; `hidden` texts (the key, the host) never show in them."""

    def __init__(self, *, upstream: str, hidden: tuple[str, ...]) -> None:
        self.upstream, self._table = upstream, ErrorTable(upstream=upstream, hidden=hidden)

    def error_of(self, body: bytes, *, status: int, headers: Mapping[str, str], model: str) -> MemoryOSError:
        """Return the error for an answer of `status`; `body` may be HTML, cut, or empty."""
        status, refusal = _understood(status, _decoded(body))
        return self._table.error_of(refusal, status=status, model=model, headers=headers)

    def error_inside(self, body: bytes, *, model: str) -> MemoryOSError:
        """Return the error that a 200 or an event of a stream holds."""
        document = _decoded(body)
        status = _STATUS_OF_TYPE.get(refusal_of(document).type or "", _STATUS_OF_OTHERS)
        status, refusal = _understood(status, document)
        return self._table.error_of(refusal, status=status, model=model)


def _understood(status: int, document: Any) -> tuple[int, Refusal]:
    """Return the status and code that OpenAI's dialect has for it: Anthropic tells some things by words alone."""
    refusal = refusal_of(document)
    text = refusal.message[:_LOOKED_AT]
    code: str | None = None
    if _details_code(document) in _SPENT or (status == 400 and _NO_CREDIT.search(text)):
        status, code = 429, "insufficient_quota"
    elif status == 400 and _TOO_LONG.search(text):
        code = "context_length_exceeded"
    elif status == 400 and _FILTERED.search(text):
        code = "content_filter"
    elif status == 404 and text.startswith("model:"):
        code = "model_not_found"
    return status, msgspec.structs.replace(refusal, code=code)


def _details_code(document: Any) -> str | None:
    match document:
        case {"error": {"details": {"error_code": str(code)}}}:
            return code
    return None


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
