"""What a client is told beside the body of an error."""

from memoryos_gateway.errors import answer_error
from memoryos_ports.errors import RateLimited, UpstreamRejected


def test_a_rate_limit_tells_the_limits_of_its_provider() -> None:
    error = RateLimited(upstream="openai", retry_after_s=2)
    error.headers = {"x-ratelimit-limit-requests": "60", "x-memoryos-upstream-request-id": "req_1"}

    assert answer_error(error, asks_model=True).headers == {
        **error.headers,
        "retry-after": "2",
        "retry-after-ms": "2000",
    }


def test_what_a_store_refuses_is_no_fault_of_the_caller() -> None:
    error = UpstreamRejected(upstream="qdrant", status=413, message="too large")

    assert answer_error(error, asks_model=True).status == 413
    assert answer_error(error, asks_model=False).status == 502
