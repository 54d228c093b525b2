"""Refusals of Google's become the right error, and tell nothing that is not the caller's business."""

from typing import Any

import pytest
from multidict import CIMultiDict

from memoryos_ports.errors import (
    MemoryOSError,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    UpstreamAuthError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from tests.support.gemini_answers import failure, indented, retry_info
from tests.support.gemini_requests import asking, make_dialect

PER_DAY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "20"}],
}
BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}


def error_of(document: Any, status: int, **headers: str) -> MemoryOSError:
    """Return the error for an answer of this status."""
    found = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return make_dialect().error_of(indented(document), status=status, headers=found, model="m")


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (400, failure(400, "INVALID_ARGUMENT", "Bad."), UpstreamRejected),
        (400, failure(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), UpstreamAuthError),
        (400, failure(400, "INVALID_ARGUMENT", "API key expired. Please renew the API key."), UpstreamAuthError),
        (400, failure(400, "INVALID_ARGUMENT", "Bad.", BAD_KEY), UpstreamAuthError),
        (401, failure(401, "UNAUTHENTICATED"), UpstreamAuthError),
        (403, failure(403, "PERMISSION_DENIED"), UpstreamAuthError),
        (404, failure(404, "NOT_FOUND", "models/m is not found for API version v1beta, or is not …"), ModelNotFound),
        (404, failure(404, "NOT_FOUND", "Requested entity was not found."), UpstreamRejected),
        (429, failure(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."), RateLimited),
        (429, failure(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota."), QuotaExhausted),
        (429, failure(429, "RESOURCE_EXHAUSTED", "", PER_DAY), QuotaExhausted),
        (429, failure(429, "RESOURCE_EXHAUSTED", "", PER_DAY, retry_info("36s")), RateLimited),
        (499, failure(499, "CANCELLED"), UpstreamRejected),
        (500, failure(500, "INTERNAL"), UpstreamUnavailable),
        (503, failure(503, "UNAVAILABLE"), UpstreamUnavailable),
        (504, failure(504, "DEADLINE_EXCEEDED"), UpstreamTimeout),
    ],
)
def test_ge10_status_and_words_decide(status: int, document: Any, expected: type[MemoryOSError]) -> None:
    assert type(error_of(document, status)) is expected
    assert type(error_of([document], status)) is expected


@pytest.mark.parametrize(
    ("delay", "seconds"), [("36s", 36), ("36.429760048s", 36.429760048), ("0s", 0), ("soon", None), (7, None)]
)
def test_ge10_a_refusal_says_how_long_to_wait(delay: Any, seconds: float | None) -> None:
    limited = error_of(failure(429, "RESOURCE_EXHAUSTED", "", retry_info(delay)), 429)
    down = error_of(failure(503, "UNAVAILABLE", "", retry_info(delay)), 503)

    assert isinstance(limited, RateLimited)
    assert isinstance(down, UpstreamUnavailable)
    assert limited.retry_after_s == down.retry_after_s == seconds


def test_a_header_goes_before_the_detail() -> None:
    error = error_of(failure(429, "RESOURCE_EXHAUSTED", "", retry_info("36s")), 429, Retry_After="7")

    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 7


@pytest.mark.parametrize(
    "message",
    [
        "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).",
        "The input token count exceeds the maximum number of tokens allowed (1048576).",
    ],
)
def test_a_prompt_that_is_too_long_has_openais_code(message: str) -> None:
    error = error_of(failure(400, "INVALID_ARGUMENT", message), 400)

    assert isinstance(error, UpstreamRejected)
    assert (error.status, error.code, error.message) == (400, "context_length_exceeded", message)


def test_a_refused_request_keeps_the_reason_and_no_secret() -> None:
    error = error_of(failure(400, "INVALID_ARGUMENT", "a-secret-key at gemini.example: bad\n tools."), 400)

    assert isinstance(error, UpstreamRejected)
    assert (error.message, error.code) == ("… at …: bad tools.", "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ([], 503),
        ({}, 503),
        ({"error": "down"}, 503),
        ({"error": {"details": [1, {"retryDelay": {}}, {"violations": [1]}, {"reason": []}]}}, 503),
        ({"error": {"details": "none", "status": 1, "message": []}}, 503),
        ("text", 503),
    ],
)
def test_an_odd_body_leaves_the_status(document: Any, status: int) -> None:
    error = error_of(document, status)

    assert isinstance(error, UpstreamUnavailable)
    assert error.status == status


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"code": 503}, UpstreamUnavailable),
        ({"status": "DEADLINE_EXCEEDED"}, UpstreamTimeout),
        ({"code": 8, "status": "RESOURCE_EXHAUSTED"}, RateLimited),
        ({"code": 400, "status": "INVALID_ARGUMENT"}, UpstreamRejected),
        ({"message": "something"}, UpstreamUnavailable),
        ({}, UpstreamUnavailable),
    ],
)
def test_ge10_an_error_under_a_200_is_the_error_of_its_words(
    fields: dict[str, Any], expected: type[MemoryOSError]
) -> None:
    with pytest.raises(MemoryOSError) as caught:
        make_dialect().read_answer(indented({"error": fields}), asking())

    assert type(caught.value) is expected
