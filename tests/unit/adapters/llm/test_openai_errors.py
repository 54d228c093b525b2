"""Refusals of OpenAI-compatible servers become the right error, and tell nothing that is not the caller's business."""

import msgspec
import pytest

from memoryos_adapters.llm.refusals import ErrorTable, Refusal, read_refusal
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
        (403, Refusal(code="model_not_found"), ModelNotFound),
        (400, Refusal(type="invalid_model"), ModelNotFound),
        (404, Refusal(message="The model `x` does not exist."), ModelNotFound),
        (404, Refusal(message='model "x" not found, try pulling it first'), ModelNotFound),
        (407, Refusal(message="Proxy Authentication Required"), UpstreamUnavailable),
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


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"x-ratelimit-reset-requests": "120ms"}, 0.12),
        ({"x-ratelimit-reset-tokens": "6m0s"}, 360),
        ({"retry-after-ms": "500", "x-ratelimit-reset-tokens": "6m0s"}, 0.5),
        ({"retry-after": "0", "x-ratelimit-reset-tokens": "6m0s"}, 0),
    ],
)
def test_a_rate_limit_says_how_long_to_wait(headers: dict[str, str], expected: float | None) -> None:
    error = _TABLE.error_of(Refusal(), status=429, model="m", headers=headers)

    assert isinstance(error, RateLimited)
    assert error.retry_after_s == expected


@pytest.mark.parametrize("status", [500, 502, 503, 529])
def test_a_provider_that_is_down_says_how_long_to_wait(status: int) -> None:
    headers = {"retry-after": "7", "x-ratelimit-reset-requests": "120ms"}
    error = _TABLE.error_of(Refusal(), status=status, model="m", headers=headers)

    assert isinstance(error, UpstreamUnavailable)
    assert (error.status, error.retry_after_s) == (status, 7)


def test_limits_say_nothing_of_a_provider_that_is_down() -> None:
    error = _TABLE.error_of(Refusal(), status=503, model="m", headers={"x-ratelimit-reset-requests": "6m0s"})

    assert isinstance(error, UpstreamUnavailable)
    assert error.retry_after_s is None


@pytest.mark.parametrize("word", ["insufficient_quota", "billing_hard_limit_reached"])
def test_no_quota_is_never_tried_again(word: str) -> None:
    error = _TABLE.error_of(Refusal(code=word), status=429, model="m", headers={"retry-after": "1"})

    assert type(error) is QuotaExhausted
    assert not error.retryable


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (400, Refusal(message="Too long.", code="context_length_exceeded")),
        (400, Refusal(message="This model's maximum context length is 4096 tokens. However, ...", code=400)),
        (413, Refusal(message="The input (9 tokens) is longer than the model's context length (8 tokens).")),
        (400, Refusal(message="request (9 tokens) exceeds the available context size (8 tokens)", code=400)),
        (400, Refusal(message="too large", type="exceed_context_size_error", code=400)),
        (422, Refusal(message="`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 9000")),
        (400, Refusal(message="The prompt (total length 9) is longer than the maximum model length of 8.")),
        (400, Refusal(message="Prompt contains 9 tokens, too large for model with 8 maximum context length")),
    ],
)
def test_a_context_that_is_too_long_has_one_code(status: int, refusal: Refusal) -> None:
    error = error_of(status, refusal)

    assert isinstance(error, UpstreamRejected)
    assert (error.status, error.code, error.message) == (400, "context_length_exceeded", refusal.message)


@pytest.mark.parametrize("code", ["content_filter", "content_policy_violation"])
def test_a_content_policy_keeps_its_code(code: str) -> None:
    error = error_of(400, Refusal(message="Against our policy.", code=code))

    assert isinstance(error, UpstreamRejected)
    assert (error.status, error.code) == (400, code)


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
        (Refusal(code="context_length_exceeded"), 400),
        (Refusal(code="content_filter"), 400),
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


def test_a_proxy_that_refuses_is_told_apart_from_the_provider() -> None:
    error = error_of(407, Refusal(message="Proxy Authentication Required"))

    assert isinstance(error, UpstreamUnavailable)
    assert error.detail == "the proxy refused"


def test_of_two_hidden_texts_the_longer_is_hidden_first() -> None:
    table = ErrorTable(upstream="server", hidden=("host.example", "sub.host.example"))

    error = table.error_of(Refusal(message="at sub.host.example"), status=400, model="m")

    assert isinstance(error, UpstreamRejected)
    assert error.message == "at …"
