"""What Ollama's refusals mean; the texts are those that its versions send."""

import pytest

from memoryos_adapters.llm.ollama.errors import OllamaErrors
from memoryos_ports.errors import (
    MemoryOSError,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    UpstreamAuthError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from tests.support.completion import encode

ERRORS = OllamaErrors(upstream="server", hidden=("sk-key", "gpu.internal"))

_RUNNER = '{"error":{"code":400,"message":"%s","type":"%s","n_prompt_tokens":2622,"n_ctx":512}}'
RUNNER_TOO_LONG = _RUNNER % (
    "request (2622 tokens) exceeds the available context size (512 tokens), try increasing it",
    "exceed_context_size_error",
)
RUNNER_NO_IMAGES = _RUNNER % ("model does not support multimodal requests", "invalid_request_error")


def error_of(text: object, status: int, headers: dict[str, str] | None = None) -> MemoryOSError:
    """Return the error for a body ``{"error": text}``."""
    return ERRORS.error_of(encode({"error": text}), status=status, headers=headers or {}, model="m")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("the input length exceeds the context length", 400),
        ("the input length exceeds the context length", 500),
        ("input length exceeds maximum context length", 400),
        (RUNNER_TOO_LONG, 400),
    ],
)
def test_a_prompt_that_is_too_long_is_said_to_be(text: str, status: int) -> None:
    error = error_of(text, status)

    assert isinstance(error, UpstreamRejected)
    assert (error.status, error.code) == (400, "context_length_exceeded")
    assert not error.message.startswith("{")


@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [
        ('model "m" not found, try pulling it first', 404, ModelNotFound),
        ("model 'm' not found", 404, ModelNotFound),
        ("page not found", 404, UpstreamRejected),
        (RUNNER_NO_IMAGES, 400, UpstreamRejected),
        ("m does not support tools", 400, UpstreamRejected),
        ("unauthorized", 401, UpstreamAuthError),
        ("you've reached your hourly usage limit, please wait or upgrade to continue", 429, QuotaExhausted),
        ("too many concurrent requests", 429, RateLimited),
        ("llama runner process has terminated", 500, UpstreamUnavailable),
        ("cannot reach the cloud", 502, UpstreamUnavailable),
        ("", 307, UpstreamProtocolError),
    ],
)
def test_a_refusal_is_the_error_of_its_status_and_words(text: str, status: int, expected: type[MemoryOSError]) -> None:
    assert type(error_of(text, status)) is expected


def test_the_runners_own_words_are_taken_out_of_their_wrapping() -> None:
    error = error_of(RUNNER_NO_IMAGES, 400)

    assert isinstance(error, UpstreamRejected)
    assert error.message == "model does not support multimodal requests"


@pytest.mark.parametrize("text", ["{not JSON", "{}", '{"error":""}', "{" * 100_000])
def test_a_text_that_only_looks_like_a_wrapping_is_kept(text: str) -> None:
    error = error_of(text, 400)

    assert isinstance(error, UpstreamRejected)
    assert error.message.startswith(text[:5])


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":', b'{"error":null}', b"\xff", b'{"error":[1]}'])
def test_a_body_without_a_reason_is_survived(body: bytes) -> None:
    error = ERRORS.error_of(body, status=400, headers={}, model="m")

    assert isinstance(error, UpstreamRejected)
    assert error.message


def test_how_long_to_wait_is_passed_on() -> None:
    limited, down = (error_of("busy", status, {"retry-after": "9"}) for status in (429, 503))

    assert isinstance(limited, RateLimited)
    assert isinstance(down, UpstreamUnavailable)
    assert (limited.retry_after_s, down.retry_after_s) == (9, 9)


def test_keys_and_hosts_are_not_told() -> None:
    error = error_of("bad key sk-key at gpu.internal", 400)

    assert str(error) == "server: bad key … at …"


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        ("an error was encountered while running the model", None, UpstreamUnavailable),
        ('model "m" not found, try pulling it first', None, ModelNotFound),
        ("the input length exceeds the context length", None, UpstreamRejected),
        ("m does not support thinking", 400, UpstreamRejected),
        ({"message": "an object"}, None, UpstreamUnavailable),
        (True, None, UpstreamUnavailable),
    ],
)
def test_an_error_inside_a_200_is_a_failure_unless_it_says_more(
    error: object, status: int | None, expected: type[MemoryOSError]
) -> None:
    assert type(ERRORS.error_within(error, status=status, model="m")) is expected
