"""What a refusal of Google's (``google.rpc.Status`` in JSON) means, whatever it is wrapped in (wire contract: GE10)."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from memoryos_adapters.llm.refusals import ErrorTable, Refusal, refusal_of
from memoryos_ports.errors import MemoryOSError

_HTTP_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNKNOWN": 500,
    "INTERNAL": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "CANCELLED": 503,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}  # google/rpc/code.proto
_STATUS_OF_OTHERS = 502
_BAD_KEY = re.compile(r"API key (not valid|expired|not found)", re.IGNORECASE)
_TOO_LONG = re.compile(r"token count.{0,40} exceeds|exceeds the maximum number of tokens", re.IGNORECASE)
_NO_MODEL = re.compile(r"\b(models|tunedModels)/\S+ is not (found|supported)", re.IGNORECASE)
_NO_CREDIT = re.compile(r"current quota|billing|credits|per ?day", re.IGNORECASE)
_LOOKED_AT = 500  # characters of a message


class _Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal, Google's own word for its kind, why, and how long to wait."""

    refusal: Refusal
    word: str = ""
    reasons: frozenset[str] = frozenset()
    quotas: str = ""
    delay: str = ""


class GeminiErrors:
    """Maps one provider's refusals to our errors; `hidden` texts (the key, the host) never show in them."""

    def __init__(self, *, upstream: str, hidden: tuple[str, ...]) -> None:
        self.upstream, self._table = upstream, ErrorTable(upstream=upstream, hidden=hidden)

    def error_of(self, body: bytes, *, status: int, model: str, headers: Mapping[str, str]) -> MemoryOSError:
        """Return the error for an answer of `status`."""
        return self._error(_read(body), status=status, model=model, headers=headers)

    def error_in(self, body: bytes, *, model: str) -> MemoryOSError:
        """Return the error for a body that came under a 200, or for an event of a stream."""
        failure = _read(body)
        status = failure.refusal.code
        if not (isinstance(status, int) and 400 <= status <= 599):  # none, or one of gRPC's own
            status = _HTTP_STATUSES.get(failure.word, _STATUS_OF_OTHERS)
        return self._error(failure, status=status, model=model, headers={})

    def _error(self, failure: _Failure, *, status: int, model: str, headers: Mapping[str, str]) -> MemoryOSError:
        status, code = _meaning(failure, status)
        if failure.delay and "retry-after" not in headers:
            headers = {"retry-after": failure.delay}
        refusal = msgspec.structs.replace(failure.refusal, code=code)
        return self._table.error_of(refusal, status=status, model=model, headers=headers)


def _meaning(failure: _Failure, status: int) -> tuple[int, str | None]:
    """The status and the code that OpenAI would have given."""
    message = failure.refusal.message[:_LOOKED_AT]
    if status == 400 and ("API_KEY_INVALID" in failure.reasons or _BAD_KEY.search(message)):
        return 401, "invalid_api_key"
    if status == 400 and _TOO_LONG.search(message):
        return 400, "context_length_exceeded"
    if status == 404 and _NO_MODEL.search(message):
        return 404, "model_not_found"
    if status == 429 and not failure.delay and _NO_CREDIT.search(f"{message} {failure.quotas}"):
        return 429, "insufficient_quota"  # what waiting can help says for how long
    return status, failure.word or None


def _read(body: bytes) -> _Failure:
    """Read an error's body; HTML, nothing or broken JSON give a failure without a reason."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Failure(refusal=Refusal())
    if isinstance(document, list) and document:
        document = document[0]
    error = document.get("error") if isinstance(document, dict) else None
    fields = error if isinstance(error, dict) else {}
    details = [detail for detail in _list(fields.get("details")) if isinstance(detail, dict)]
    violations = [each for detail in details for each in _list(detail.get("violations")) if isinstance(each, dict)]
    return _Failure(
        refusal=refusal_of(document),
        word=_text(fields.get("status")),
        reasons=frozenset(_text(detail.get("reason")) for detail in details),
        quotas=" ".join(_text(violation.get("quotaId")) for violation in violations),
        delay=next((_text(detail["retryDelay"]).removesuffix("s") for detail in details if "retryDelay" in detail), ""),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
