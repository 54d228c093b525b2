"""What Anthropic's refusals mean (AN20, AN21, E10, E11, E14, E15)."""

from typing import Any

import msgspec
import pytest

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
from tests.support.anthropic_answers import refusal
from tests.support.anthropic_requests import make_dialect


def _error(status: int, body: dict[str, Any] | bytes, **headers: str) -> MemoryOSError:
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_dialect().error_of(encoded, status=status, headers=spelled, model="claude-x")


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (400, "invalid_request_error", UpstreamRejected),
        (401, "authentication_error", UpstreamAuthError),
        (402, "billing_error", QuotaExhausted),
        (403, "permission_error", UpstreamAuthError),
        (404, "not_found_error", UpstreamRejected),
        (413, "request_too_large", UpstreamRejected),
        (429, "rate_limit_error", RateLimited),
        (500, "api_error", UpstreamUnavailable),
        (504, "timeout_error", UpstreamTimeout),
        (529, "overloaded_error", UpstreamUnavailable),
    ],
)
def test_each_status_has_its_error(status: int, kind: str, expected: type[MemoryOSError]) -> None:
    error = _error(status, refusal(kind, "No."))

    assert type(error) is expected
    assert getattr(error, "status", status) == status


@pytest.mark.parametrize(
    "text",
    [
        "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
        "You have reached your specified workspace API usage limits.",
        "Your credit balance is too low to access the Anthropic API.",
    ],
)
def test_a_usage_limit_told_as_a_400_is_no_quota(text: str) -> None:
    assert type(_error(400, refusal("invalid_request_error", text))) is QuotaExhausted


@pytest.mark.parametrize("code", ["contract_spend_limit_reached", "enforced_spend_limit_reached"])
def test_a_spend_limit_told_as_a_429_is_no_quota(code: str) -> None:
    assert type(_error(429, refusal("rate_limit_error", "Limit.", error_code=code))) is QuotaExhausted
    assert type(_error(429, refusal("rate_limit_error", "Limit.", error_code="ramp_limit_exceeded"))) is RateLimited


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("prompt is too long: 210000 tokens > 200000 maximum", "context_length_exceeded"),
        ("input length and `max_tokens` exceed context limit: 190000 + 64000 > 200000", "context_length_exceeded"),
        ("Output blocked by content filtering policy", "content_filter"),
        ("max_tokens: must be at least 1", None),
    ],
)
def test_a_refused_request_keeps_the_reason_and_gets_a_code(text: str, code: str | None) -> None:
    error = _error(400, refusal("invalid_request_error", text))

    assert isinstance(error, UpstreamRejected)
    assert (error.status, error.message, error.code) == (400, text, code)


def test_an_unknown_model_is_model_not_found() -> None:
    error = _error(404, refusal("not_found_error", "model: claude-x"))

    assert isinstance(error, ModelNotFound)
    assert error.identifier == "claude-x"


def test_a_refusal_says_how_long_to_wait() -> None:
    limited = _error(429, refusal("rate_limit_error", "Slow down."), retry_after="17")
    overloaded = _error(529, refusal("overloaded_error", "Overloaded"), retry_after="3")

    assert isinstance(limited, RateLimited)
    assert isinstance(overloaded, UpstreamUnavailable)
    assert (limited.retry_after_s, overloaded.retry_after_s) == (17, 3)


def test_neither_key_nor_host_is_told() -> None:
    error = _error(400, refusal("invalid_request_error", "Key sk-secret is not for example.com."))

    assert isinstance(error, UpstreamRejected)
    assert error.message == "Key … is not for …."


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"[]", b'{"error": 7}', b'{"type":"error","er', b"\xff"]
)
def test_a_body_that_cannot_be_read_is_still_the_error_of_its_status(body: bytes) -> None:
    assert type(_error(502, body)) is UpstreamUnavailable
    rejected = _error(400, body)
    assert isinstance(rejected, UpstreamRejected)
    assert "<" not in rejected.message
