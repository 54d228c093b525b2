"""Of a provider's headers a client sees those that tell it something, and no others."""

import pytest

from memoryos_adapters.llm.answer_headers import UPSTREAM_REQUEST_ID, shown_headers


def test_limits_ids_and_times_are_shown_by_their_lower_case_name() -> None:
    assert shown_headers(
        {
            "X-RateLimit-Remaining-Tokens": "100",
            "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:00Z",
            "OpenAI-Processing-Ms": "12",
            "apim-request-id": "a",
            "x-ms-region": "West Europe",
            "X-Generation-Id": "gen-1",
        }
    ) == {
        "x-ratelimit-remaining-tokens": "100",
        "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:00Z",
        "openai-processing-ms": "12",
        "apim-request-id": "a",
        "x-ms-region": "West Europe",
        "x-generation-id": "gen-1",
    }


@pytest.mark.parametrize("name", ["x-request-id", "X-Request-ID", "request-id", "x-oneapi-request-id"])
def test_the_providers_id_of_the_call_does_not_pass_for_ours(name: str) -> None:
    assert shown_headers({name: "req_1"}) == {UPSTREAM_REQUEST_ID: "req_1"}


@pytest.mark.parametrize(
    "name",
    ["set-cookie", "server", "content-length", "transfer-encoding", "www-authenticate", "openai-organization", "via"],
)
def test_anything_else_is_not_shown(name: str) -> None:
    assert shown_headers({name: "x"}) == {}


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b", "\x00", "é", "x" * 257])
def test_a_value_that_could_break_a_header_is_not_shown(value: str) -> None:
    assert shown_headers({"x-request-id": value}) == {}
