"""What each error means for the rest of a request."""

from collections.abc import Iterator

import pytest

from memoryos_core.routing.verdict import Verdict, verdict_on
from memoryos_ports.errors import (
    ConfigurationError,
    Conflict,
    CoolingDown,
    EmbedderMismatch,
    EventIdReused,
    ForeignIndex,
    InvalidEvent,
    InvalidInput,
    LocalModelRequired,
    MemoryDisabled,
    MemoryOSError,
    ModelNotFound,
    NotFound,
    Overloaded,
    PermissionDenied,
    QuotaExhausted,
    RateLimited,
    RememberOff,
    StorageFull,
    StreamCut,
    Unauthenticated,
    UpstreamAuthError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
    VersionConflict,
)


def rejected(status: int = 400, code: str | None = None) -> UpstreamRejected:
    """Return the refusal of a provider."""
    return UpstreamRejected(upstream="a", status=status, message="no", code=code)


AGAIN: list[MemoryOSError] = [
    UpstreamUnavailable(upstream="a", status=500),
    CoolingDown(upstream="a", retry_after_s=1),
    UpstreamTimeout(upstream="a"),
    UpstreamProtocolError(upstream="a"),
    RateLimited(upstream="a"),
    Overloaded("pool"),
    StorageFull("disk"),
]
ELSEWHERE: list[MemoryOSError] = [
    QuotaExhausted(upstream="a"),
    UpstreamAuthError(upstream="a"),
    ModelNotFound("m"),
    NotFound("direct answer", "faq"),
    LocalModelRequired("m"),
    rejected(code="context_length_exceeded"),
    rejected(code="unsupported_parameter"),
    rejected(code="unsupported_value"),
    rejected(status=413),
    InvalidInput("no", code="unsupported_parameter"),
    InvalidInput("no", code="unsupported_value"),
    InvalidInput("no", code="context_length_exceeded"),
]
FINAL: list[MemoryOSError] = [
    rejected(),
    rejected(code="content_filter"),
    rejected(status=422),
    rejected(status=409),
    rejected(code="invalid_request_error"),
    InvalidInput("no"),
    InvalidInput("no", code="invalid_image"),
    StreamCut(upstream="a"),
    UpstreamError(upstream="a"),
    Unauthenticated(),
    PermissionDenied("no"),
    RememberOff(),
    Conflict("no"),
    EventIdReused("e1"),
    VersionConflict(kind="k", identifier="i", expected=1, found=2),
    MemoryDisabled(),
    ConfigurationError(["no"]),
    EmbedderMismatch(stored="a", configured="b"),
    ForeignIndex("notes", setting="storage.qdrant.collection"),
    InvalidEvent("no"),
]
VERDICTS = [
    *((error, Verdict.AGAIN) for error in AGAIN),
    *((error, Verdict.ELSEWHERE) for error in ELSEWHERE),
    *((error, Verdict.FINAL) for error in FINAL),
]


@pytest.mark.parametrize(("error", "verdict"), VERDICTS, ids=lambda value: repr(value)[:60])
def test_an_error_says_whether_to_try_again_elsewhere_or_not_at_all(error: MemoryOSError, verdict: Verdict) -> None:
    assert verdict_on(error) is verdict


def test_every_class_of_the_tree_is_judged_here() -> None:
    assert {type(error) for error, _ in VERDICTS} == {cls for cls in tree(MemoryOSError) if cls is not MemoryOSError}


@pytest.mark.parametrize("error", [*ELSEWHERE, *FINAL], ids=lambda value: repr(value)[:60])
def test_only_what_is_retryable_is_tried_again(error: MemoryOSError) -> None:
    assert not error.retryable


def tree(cls: type[MemoryOSError]) -> Iterator[type[MemoryOSError]]:
    """Yield a class and all below it, as far as the ports define them."""
    yield cls
    for below in cls.__subclasses__():
        if below.__module__ == MemoryOSError.__module__:
            yield from tree(below)
