"""The adapter for OpenAI's dialect keeps the promises of its port, on a fake provider that can fail."""

import aiohttp
import msgspec
import pytest

from memoryos_ports.errors import (
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from memoryos_ports.llm import LlmAdapter, Message
from tests.contract.llm.conftest import Make
from tests.contract.llm.faults import KEY, LlmFaultContract, assert_idle, broken_stream, errors_of_both
from tests.contract.llm.requests import deltas_of, make_request, stream_of, text_of
from tests.contract.llm.suite import LlmContract
from tests.support.completion import sse
from tests.support.fake_upstream import FakeUpstream
from tests.support.openai_answers import choice_delta, chunk
from tests.support.replies import Reply


@pytest.fixture
def patient(make: Make) -> LlmAdapter:
    """An adapter that never gives up within a test."""
    return make()


class TestOpenAiCompatibleLlm(LlmContract):
    """`OpenAiCompatibleLlm` on a provider that works."""

    @pytest.fixture
    def llm(self, patient: LlmAdapter) -> LlmAdapter:
        """The adapter."""
        return patient


class TestOpenAiCompatibleLlmOnAFailingProvider(LlmFaultContract):
    """`OpenAiCompatibleLlm` on a provider that fails in every way."""

    @pytest.fixture
    def llm(self, patient: LlmAdapter) -> LlmAdapter:
        """The adapter."""
        return patient

    @pytest.fixture
    def hasty_llm(self, make: Make) -> LlmAdapter:
        """One that gives up soon: whole answers by their total time, streams by the other two."""
        return make(first_token_timeout_s=0.5, idle_timeout_s=0.3, total_timeout_s=1)


async def test_a_whole_answer_is_kept_byte_for_byte(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    body = b'{ "x_new": [1.50], ' + msgspec.json.encode(_ANSWER)[1:]
    upstream.next(Reply(headers={"content-type": "application/json"}, pieces=(body,)))

    answer = await patient.chat(make_request())

    assert answer.wire == body
    assert answer.choices[0].message.content == "Hi."


async def test_events_are_kept_byte_for_byte(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    events = [
        chunk(choice_delta({"role": "assistant", "content": ""}), x_new=1.5),
        chunk(choice_delta({"content": "Hé 🍵"}), obfuscation="abc"),
        chunk(choice_delta({}, "stop")),
        chunk(usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}),
    ]
    upstream.next(Reply.events(*events))

    chunks = await stream_of(patient, make_request())

    assert [chunk.wire for chunk in chunks] == [msgspec.json.encode(event) for event in events]


async def test_what_the_caller_sent_goes_out_byte_for_byte(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    message = b'{"role" : "user", "content":"hi", "x_new":1.50}'
    request = make_request(temperature=0.5)
    request = msgspec.structs.replace(
        request,
        messages=(msgspec.structs.replace(request.messages[0], wire=msgspec.Raw(message)),),
        params={"x_body": msgspec.Raw(b'{ "a" : 1.0 }')},
    )

    await patient.chat(request)

    assert upstream.requests[0].path == "/v1/chat/completions"
    assert upstream.requests[0].body == (
        b'{"model":"fake-model","messages":[' + message + b'],"x_body":{ "a" : 1.0 },"stream":false}'
    )


async def test_a_stream_asks_for_usage_and_keeps_the_other_options(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    await stream_of(patient, make_request(stream_options={"include_usage": False, "include_obfuscation": False}))

    assert upstream.requests[0].json["stream"] is True
    assert upstream.requests[0].json["stream_options"] == {"include_usage": True, "include_obfuscation": False}


async def test_its_headers_hold_the_key_and_no_surprises(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    await patient.chat(make_request())

    headers = upstream.requests[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["user-agent"] == "memoryos"
    assert headers["accept-encoding"] == "identity"
    assert headers["content-type"] == "application/json"


async def test_cookies_are_not_kept(make: Make, upstream: FakeUpstream) -> None:
    llm = make(base_url=upstream.base_url.replace("127.0.0.1", "localhost"))
    upstream.always = Reply.json(_ANSWER, headers={"set-cookie": "a=b"})

    await llm.chat(make_request())
    await llm.chat(make_request())

    assert "cookie" not in upstream.requests[1].headers


async def test_a_redirect_is_not_followed(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.next(Reply.json({}, status=307, headers={"location": f"{upstream.root_url}/elsewhere"}))

    with pytest.raises(UpstreamProtocolError):
        await patient.chat(make_request())
    assert [received.path for received in upstream.requests] == ["/v1/chat/completions"]


async def test_without_a_key_no_authorization_is_sent(make: Make, upstream: FakeUpstream) -> None:
    await make(base_url=f"{upstream.base_url}/", key=None).chat(make_request())

    assert "authorization" not in upstream.requests[0].headers
    assert upstream.requests[0].path == "/v1/chat/completions"


async def test_a_complete_stream_leaves_its_connection_for_the_next(
    patient: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession
) -> None:
    upstream.always = Reply.text("Hello!").paced(0.01)  # the body ends a little after [DONE]

    for _ in range(3):
        await stream_of(patient, make_request())

    assert session.connector is not None
    assert [len(idle) for idle in session.connector._conns.values()] == [1]


async def test_a_large_request_is_sent_whole(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    text = "x" * 3_000_000

    await patient.chat(make_request(text))

    assert upstream.requests[0].json["messages"][0]["content"] == text


async def test_an_answer_without_bounds_is_refused(
    patient: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession
) -> None:
    upstream.next(Reply(headers={"content-type": "application/json"}, pieces=(b" " * 1024 * 1024,) * 65))

    with pytest.raises(UpstreamProtocolError, match="too large"):
        await patient.chat(make_request())
    assert_idle(session)


async def test_an_unknown_model_is_model_not_found(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.error(404, "no", code="model_not_found")

    for error in await errors_of_both(patient):
        assert isinstance(error, ModelNotFound)
        assert error.identifier == "fake-model"


async def test_a_used_up_quota_is_told_apart_from_a_rate_limit(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.error(429, code="insufficient_quota")

    for error in await errors_of_both(patient):
        assert type(error) is QuotaExhausted


async def test_a_refused_request_keeps_the_reason(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.error(
        400, "Too long.", kind="invalid_request_error", code="context_length_exceeded", param="messages"
    )

    for error in await errors_of_both(patient):
        assert isinstance(error, UpstreamRejected)
        assert (error.status, error.message, error.param, error.code) == (
            400,
            "Too long.",
            "messages",
            "context_length_exceeded",
        )


async def test_the_limits_of_a_429_say_how_long_to_wait(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.error(
        429,
        code="rate_limit_exceeded",
        headers={"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"},
    )

    for error in await errors_of_both(patient):
        assert isinstance(error, RateLimited)
        assert error.retry_after_s == 360


@pytest.mark.parametrize("status", [502, 503, 529])
async def test_a_provider_that_is_down_says_how_long_to_wait(
    patient: LlmAdapter, upstream: FakeUpstream, status: int
) -> None:
    upstream.always = Reply.error(status, headers={"Retry-After": "7"})

    for error in await errors_of_both(patient):
        assert isinstance(error, UpstreamUnavailable)
        assert (error.status, error.retry_after_s) == (status, 7)


async def test_a_strict_schema_is_passed_as_given_and_so_is_its_refusal(
    patient: LlmAdapter, upstream: FakeUpstream
) -> None:
    schema = b'{"type" : "json_schema","json_schema":{"name":"a","strict":true,"schema":{"type":"object"}}}'
    request = msgspec.structs.replace(make_request(), params={"response_format": msgspec.Raw(schema)})
    upstream.next(Reply.error(400, "Invalid schema.", kind="invalid_request_error", param="response_format"))

    with pytest.raises(UpstreamRejected) as caught:
        await patient.chat(request)

    assert b'"response_format":' + schema in upstream.requests[0].body
    assert (caught.value.status, caught.value.message, caught.value.param) == (
        400,
        "Invalid schema.",
        "response_format",
    )


async def test_what_another_provider_wants_back_is_not_sent(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    wire = msgspec.Raw(b'{"role":"assistant","content":"Hi.","thinking_blocks":[{"signature":"c2ln"}]}')
    request = make_request()
    request = msgspec.structs.replace(request, messages=(Message(role="assistant", wire=wire), *request.messages))

    await patient.chat(request)
    await stream_of(patient, request)

    sent = [received.json["messages"][0] for received in upstream.requests]
    assert sent == [{"role": "assistant", "content": "Hi."}] * 2


async def test_an_error_under_a_200_is_an_error(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.json({"error": {"message": "down", "code": 503, "metadata": {}}})

    for error in await errors_of_both(patient):
        assert isinstance(error, UpstreamUnavailable)
        assert error.status == 503


async def test_an_error_event_ends_a_stream_after_what_came(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.next(
        Reply.events(
            chunk(choice_delta({"role": "assistant", "content": "Hel"})),
            chunk(choice_delta({}, "error"), error={"message": "died", "code": 502}),
        )
    )

    chunks, error = await broken_stream(patient, make_request())

    assert text_of(chunks) == "Hel"
    assert type(error) is UpstreamUnavailable


async def test_events_that_came_with_a_fault_are_yielded_before_it(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    together = sse(chunk(choice_delta({"role": "assistant", "content": "Hel"}))) + b"data: {broken\n\n"
    upstream.next(Reply.events(together))

    chunks, _ = await broken_stream(patient, make_request())

    assert text_of(chunks) == "Hel"


async def test_a_first_chunk_that_came_with_a_fault_has_its_facts(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    together = sse(chunk(choice_delta({"role": "assistant", "content": "Hel"}))) + b"data: {broken\n\n"
    upstream.next(msgspec.structs.replace(Reply.events(together), headers={**_EVENTS, "x-request-id": "req_1"}))

    chunks, _ = await broken_stream(patient, make_request())

    assert chunks[0].facts.headers == {"x-memoryos-upstream-request-id": "req_1"}


async def test_a_429_tells_the_limits_of_the_provider(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.error(429, headers={"X-RateLimit-Limit-Requests": "60", "set-cookie": "a=b"})

    for error in await errors_of_both(patient):
        assert isinstance(error, RateLimited)
        assert error.headers == {"x-ratelimit-limit-requests": "60"}


async def test_an_answer_that_hangs_while_it_is_only_reached_leaves_no_connection(
    make: Make, upstream: FakeUpstream, session: aiohttp.ClientSession
) -> None:
    upstream.next(Reply.error(500).stopping("hang", after=1))

    with pytest.raises(UpstreamTimeout):
        await make(connect_timeout_s=0.3).reach()
    assert_idle(session)


async def test_calls_of_another_type_go_out_as_they_came(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    call = b'{"id":"call_1", "type":"custom","custom":{"name":"code","input":"print(1)"}}'
    wire = b'{"role":"assistant","tool_calls":[' + call + b"]}"
    request = make_request()
    asked = Message(role="assistant", wire=msgspec.Raw(wire))

    await patient.chat(msgspec.structs.replace(request, messages=(asked, *request.messages)))

    assert wire in upstream.requests[0].body


_EVENTS = {"content-type": "text/event-stream"}
_ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


async def test_a_connection_that_breaks_after_the_end_was_said_has_merely_ended(
    patient: LlmAdapter, upstream: FakeUpstream
) -> None:
    upstream.next(
        Reply.events(
            chunk(choice_delta({"role": "assistant", "content": "Hi"})), chunk(choice_delta({}, "stop")), done=False
        ).stopping("reset", after=2)
    )

    chunks = await stream_of(patient, make_request())

    assert [delta.finish_reason for delta in deltas_of(chunks)] == [None, "stop"]


@pytest.mark.parametrize("status", [404, 405])
async def test_a_server_without_a_list_of_models_is_hardly_the_right_one(
    patient: LlmAdapter, upstream: FakeUpstream, status: int
) -> None:
    upstream.next(Reply.page(b"not here", status=status))

    with pytest.raises(UpstreamUnavailable, match="is base_url right"):
        await patient.reach()


async def test_what_a_failing_provider_says_is_for_the_log_alone(patient: LlmAdapter, upstream: FakeUpstream) -> None:
    upstream.always = Reply.error(500, f"shard 7 of 10.1.2.3 is down, {KEY}")

    for error in await errors_of_both(patient):
        assert isinstance(error, UpstreamUnavailable)
        assert error.reason.startswith("shard 7 of 10.1.2.3 is down")
        assert KEY not in error.reason
        assert "shard" not in str(error)
