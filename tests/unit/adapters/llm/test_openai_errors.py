"""Refusals of OpenAI-compatible servers become the right error, and tell nothing that is not the caller's business."""

import msgspec
import pytest

from memoryos_adapters.llm.openai_errors import ErrorTable, Refusal, read_refusal
from memoryos_ports.errors import (
    MemoryOSError,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    UpstreamAuthError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)

_TABLE = ErrorTable(upstream="server", hidden=("sk-secret", "llm.internal", ""))


def error_of(status: int, refusal: Refusal = Refusal(), **headers: str) -> MemoryOSError:  # noqa: B008 it is frozen
    """Return the error for an answer of this status."""
    return _TABLE.error_of(refusal, status=status, model="m", headers=headers)


@pytest.mark.parametrize(
    ("status", "refusal", "expected"),
    [
        (302, Refusal(), UpstreamProtocolError),
        (400, Refusal(), UpstreamRejected),
        (401, Refusal(), UpstreamAuthError),
        (402, Refusal(), QuotaExhausted),
        (403, Refusal(), UpstreamAuthError),
        (404, Refusal(), UpstreamRejected),
        (404, Refusal(code="model_not_found"), ModelNotFound),
        (404, Refusal(code="DeploymentNotFound"), ModelNotFound),
        (404, Refusal(message="The model `x` does not exist."), ModelNotFound),
        (404, Refusal(message='model "x" not found, try pulling it first'), ModelNotFound),
        (408, Refusal(), UpstreamTimeout),
        (409, Refusal(), UpstreamRejected),
        (418, Refusal(), UpstreamRejected),
        (429, Refusal(), RateLimited),
        (429, Refusal(code="insufficient_quota"), QuotaExhausted),
        (429, Refusal(type="insufficient_quota"), QuotaExhausted),
        (500, Refusal(), UpstreamUnavailable),
        (504, Refusal(), UpstreamTimeout),
        (529, Refusal(), UpstreamUnavailable),
    ],
)
def test_the_status_decides_and_words_refine(status: int, refusal: Refusal, expected: type[MemoryOSError]) -> None:
    assert type(error_of(status, refusal)) is expected


def test_a_rate_limit_says_how_long_to_wait() -> None:
    error = _TABLE.error_of(Refusal(), status=429, model="m", headers={"retry-after": "2.5"})

    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 2.5


def test_a_rejected_request_keeps_the_reason_without_secrets() -> None:
    error = error_of(400, Refusal(message="bad\n  key sk-secret\tat llm.internal", code=1234, param="messages[0]"))

    assert isinstance(error, UpstreamRejected)
    assert (error.message, error.code, error.param) == ("bad key … at …", "1234", "messages[0]")


def test_a_long_reason_is_shortened() -> None:
    error = error_of(400, Refusal(message="x" * 5000, code="y" * 5000))

    assert isinstance(error, UpstreamRejected)
    assert (len(error.message), len(error.code or "")) == (500, 100)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_other_errors_do_not_repeat_what_the_server_said(status: int) -> None:
    assert "organization" not in str(error_of(status, Refusal(message="limit of organization org-123 on node-7")))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"error": {"message": "a", "type": "b", "param": "c", "code": "d"}},
            Refusal(message="a", type="b", param="c", code="d"),
        ),
        ({"error": {"message": "a", "code": 429}}, Refusal(message="a", code=429)),
        ({"error": {"message": None, "code": None}}, Refusal()),
        ({"error": {"message": {"odd": 1}, "code": [1]}}, Refusal()),
        ({"error": "a"}, Refusal(message="a")),
        ({"object": "error", "message": "a", "type": "b", "code": 400}, Refusal(message="a", type="b", code=400)),
        ({"detail": "Not Found"}, Refusal(message="Not Found")),
        ({"detail": [{"loc": ["body"]}]}, Refusal()),
        (["odd"], Refusal()),
    ],
)
def test_every_known_shape_of_a_reason_is_read(body: object, expected: Refusal) -> None:
    assert read_refusal(msgspec.json.encode(body)) == expected


@pytest.mark.parametrize("body", [b"", b"<html>", b"{broken", b'{"error":"\xff"}', b"[" * 9999])
def test_what_cannot_be_read_gives_no_reason(body: bytes) -> None:
    assert read_refusal(body) == Refusal()


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (Refusal(code=503), 503),
        (Refusal(code=7), 502),
        (Refusal(code="rate_limit_exceeded"), 429),
        (Refusal(type="invalid_request_error"), 400),
        (Refusal(type="invalid_request_error", code="model_not_found"), 404),
        (Refusal(message="?"), 502),
    ],
)
def test_an_error_inside_a_200_has_the_status_of_its_words(refusal: Refusal, status: int) -> None:
    assert refusal.status == status
