"""What clients see of a provider's faults: the status and SDK class that fit, one shape, and nothing internal."""

import asyncio

import openai
import pytest
from openai import AsyncOpenAI

from tests.service.chat.conftest import PROVIDER_KEY
from tests.service.chat.person import Person
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply
from tests.support.wire import Answer

pytestmark = pytest.mark.asyncio(loop_scope="package")

STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
HTML = b"<html><body>nginx/1.2 upstream internal-host-7</body></html>"

FAULTS = [
    pytest.param(
        Reply.error(400, "too long", kind="invalid_request_error", code="context_length_exceeded", param="messages"),
        openai.BadRequestError,
        400,
        "context_length_exceeded",
        id="context too long",
    ),
    pytest.param(
        Reply.error(400, "no", kind="invalid_request_error", code="content_filter"),
        openai.BadRequestError,
        400,
        "content_filter",
        id="content policy",
    ),
    pytest.param(Reply.error(422, "bad"), openai.UnprocessableEntityError, 422, None, id="unprocessable"),
    pytest.param(Reply.page(HTML, status=400), openai.BadRequestError, 400, None, id="400 in HTML"),
    pytest.param(Reply.error(401, "bad key"), openai.InternalServerError, 502, "upstream_auth_error", id="401"),
    pytest.param(Reply.error(403, "bad key"), openai.InternalServerError, 502, "upstream_auth_error", id="403"),
    pytest.param(
        Reply.error(404, "gone", code="model_not_found"), openai.NotFoundError, 404, "model_not_found", id="no model"
    ),
    pytest.param(Reply.error(429, "slow"), openai.RateLimitError, 429, "rate_limit_exceeded", id="429"),
    pytest.param(
        Reply.error(429, "broke", code="insufficient_quota"),
        openai.RateLimitError,
        429,
        "insufficient_quota",
        id="no quota",
    ),
    pytest.param(Reply.error(500), openai.InternalServerError, 502, "upstream_unavailable", id="500"),
    pytest.param(Reply.error(529), openai.InternalServerError, 503, "upstream_unavailable", id="529"),
    pytest.param(Reply.error(504), openai.InternalServerError, 504, "upstream_timeout", id="504"),
    pytest.param(Reply.page(HTML, status=502), openai.InternalServerError, 502, "upstream_unavailable", id="HTML"),
    pytest.param(
        Reply.page(HTML, status=200), openai.InternalServerError, 502, "upstream_protocol_error", id="200 HTML"
    ),
    pytest.param(Reply.page(b"", status=503), openai.InternalServerError, 503, "upstream_unavailable", id="empty 503"),
    pytest.param(Reply.broken_json(), openai.InternalServerError, 502, "upstream_protocol_error", id="broken JSON"),
    pytest.param(Reply.json([1]), openai.InternalServerError, 502, "upstream_protocol_error", id="JSON array"),
    pytest.param(Reply.json({}), openai.InternalServerError, 502, "upstream_protocol_error", id="no choice"),
    pytest.param(Reply.garbage(), openai.InternalServerError, 502, "upstream_protocol_error", id="garbage"),
    pytest.param(Reply.reset(), openai.InternalServerError, 502, "upstream_unavailable", id="reset"),
]


def assert_well_formed(answer: Answer, upstream: FakeUpstream) -> None:
    """Check the shape of an error answer, and that it tells nothing of what is behind the gateway."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert answer.error["message"]
    told = answer.body.decode() + str(answer.headers)
    for secret in (PROVIDER_KEY, upstream.root_url.removeprefix("http://"), "internal-host-7", "Traceback", "aiohttp"):
        assert secret not in told


@STREAM
@pytest.mark.parametrize(("reply", "raised", "status", "code"), FAULTS)
async def test_a_fault_of_the_provider(
    person: Person,
    sdk: AsyncOpenAI,
    upstream: FakeUpstream,
    reply: Reply,
    raised: type[openai.APIStatusError],
    status: int,
    code: str | None,
    stream: bool,
) -> None:
    upstream.always = reply
    with pytest.raises(raised) as caught:
        await sdk.chat.completions.create(model="m-1", messages=[{"role": "user", "content": "Hi"}], stream=stream)
    assert type(caught.value) is raised
    assert (caught.value.status_code, caught.value.code) == (status, code)
    answer = await person.chat("Hi", stream=stream)
    assert answer.status == status
    assert_well_formed(answer, upstream)
    assert len(upstream.requests) == 2, "the gateway does not retry"


async def test_a_refused_request_keeps_the_providers_words_and_field(person: Person, upstream: FakeUpstream) -> None:
    upstream.next(Reply.error(400, "max_tokens is too large", kind="invalid_request_error", param="max_tokens"))
    error = (await person.chat("Hi")).error
    assert (error["message"], error["param"]) == ("max_tokens is too large", "max_tokens")
    assert error["type"] == "invalid_request_error"


async def test_words_of_a_refusal_do_not_tell_our_key(person: Person, upstream: FakeUpstream) -> None:
    upstream.next(Reply.error(400, f"Key {PROVIDER_KEY} may not do this"))
    answer = await person.chat("Hi")
    assert answer.status == 400
    assert_well_formed(answer, upstream)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, "7"),
        ({"retry-after": "0"}, "1"),
        ({"retry-after-ms": "1500"}, "2"),
        ({"retry-after": "300"}, "300"),
        ({}, None),
    ],
)
async def test_a_wait_that_the_provider_asks_for_is_passed_on(
    person: Person, upstream: FakeUpstream, headers: dict[str, str], seconds: str | None
) -> None:
    upstream.next(Reply.error(429, headers=headers))
    answer = await person.chat("Hi")
    assert answer.status == 429
    assert answer.error["type"] == "rate_limit_error"
    assert answer.headers.get("retry-after") == seconds
    assert ("retry-after-ms" in answer.headers) is bool(headers)


@pytest.mark.parametrize(
    "reply", [Reply.error(429, code="insufficient_quota"), Reply.error(401)], ids=["no quota", "bad credentials"]
)
async def test_what_waiting_cannot_mend_is_not_to_be_retried(
    person: Person, upstream: FakeUpstream, reply: Reply
) -> None:
    upstream.next(reply)
    assert (await person.chat("Hi")).headers["x-should-retry"] == "false"


@STREAM
async def test_a_provider_that_says_nothing_in_time_is_a_504(
    person: Person, upstream: FakeUpstream, stream: bool
) -> None:
    upstream.next(Reply.hang())
    async with asyncio.timeout(10):
        answer = await person.chat("Hi", model="quick/x", stream=stream)
        assert (answer.status, answer.error["code"]) == (504, "upstream_timeout")
        await upstream.requests[0].left.wait()


@STREAM
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions", "/v1/chat/completions/"])
async def test_a_provider_that_refuses_connections_is_a_502(
    person: Person, upstream: FakeUpstream, stream: bool, path: str
) -> None:
    answer = await person.chat("Hi", model="refused/x", stream=stream, path=path)
    assert (answer.status, answer.error["code"]) == (502, "upstream_unavailable")
    assert_well_formed(answer, upstream)


@STREAM
async def test_a_failing_provider_is_never_replaced_by_the_offline_model(
    person: Person, upstream: FakeUpstream, stream: bool
) -> None:
    upstream.always = Reply.error(500)
    answer = await person.chat("Hi", stream=stream)
    assert answer.status == 502
    assert b"offline" not in answer.body


async def test_a_request_that_failed_is_remembered_once_when_it_succeeds(
    person: Person, upstream: FakeUpstream
) -> None:
    upstream.next(Reply.error(500), Reply.text("Hello!"))
    assert [(await person.chat("Hi")).status for _ in range(2)] == [502, 200]
    assert await person.remembered() == [("user", "Hi"), ("assistant", "Hello!")]


async def test_the_sdk_retries_by_itself_and_it_is_one_exchange(
    person: Person, sdk: AsyncOpenAI, upstream: FakeUpstream
) -> None:
    upstream.next(Reply.error(429, headers={"retry-after-ms": "1"}), Reply.text("Hello!"))
    once_more = sdk.with_options(max_retries=1)
    message = [{"role": "user", "content": "Hi"}]
    completion = await once_more.chat.completions.create(model="m-1", messages=message)  # type: ignore[arg-type]
    assert completion.choices[0].message.content == "Hello!"
    assert await person.remembered() == [("user", "Hi"), ("assistant", "Hello!")]
