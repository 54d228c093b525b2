"""What a failed call means for the rest of a request: try again, try elsewhere, or tell the caller."""

from enum import Enum

from memoryos_ports.errors import (
    InvalidInput,
    LocalModelRequired,
    MemoryOSError,
    NotFound,
    QuotaExhausted,
    UpstreamAuthError,
    UpstreamRejected,
)

_OTHER_MODELS_MAY = frozenset({"context_length_exceeded", "unsupported_parameter", "unsupported_value"})
_TOO_LARGE = 413


class Verdict(Enum):
    """What to do next."""

    AGAIN = "again"
    """The same model may answer later, another one now."""

    ELSEWHERE = "elsewhere"
    """Only another model may answer."""

    FINAL = "final"
    """The request itself is at fault, or half an answer is out: nobody else is asked."""


def verdict_on(exc: MemoryOSError) -> Verdict:
    """Return what an error of one model means for the request."""
    match exc:
        case QuotaExhausted() | UpstreamAuthError() | NotFound() | LocalModelRequired():
            return Verdict.ELSEWHERE
        case UpstreamRejected() | InvalidInput() if exc.code in _OTHER_MODELS_MAY:
            return Verdict.ELSEWHERE
        case UpstreamRejected() if exc.status == _TOO_LARGE:
            return Verdict.ELSEWHERE
    return Verdict.AGAIN if exc.retryable else Verdict.FINAL
