"""Errors as OpenAI's own SDK raises them: the class of the status, the fields of the body, the id of the request."""

from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.service.sdk.conftest import NARROW_KEY, SILENT_KEY
from tests.service.sdk.providers import OF_OPENAIS_DIALECT, PROVIDER_KEY, Provider, provider_of
from tests.service.sdk.test_openai import HI
from tests.support.azure_openai_answers import filtered_prompt
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

pytestmark = pytest.mark.asyncio(loop_scope="package")

STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

OUR_OWN: list[Any] = [
    pytest.param({"messages": []}, {}, openai.BadRequestError, ("messages", None), id="400 no message"),
    pytest.param(
        {"messages": [{"role": "bot", "content": "Hi"}]},
        {},
        openai.BadRequestError,
        ("messages[0].role", None),
        id="400 no such role",
    ),
    pytest.param({"model": ""}, {}, openai.BadRequestError, ("model", None), id="400 no model"),
    pytest.param({}, {"api_key": "sk-nobody"}, openai.AuthenticationError, (None, "invalid_api_key"), id="401"),
    pytest.param({}, {"api_key": SILENT_KEY}, openai.PermissionDeniedError, (None, "permission_denied"), id="403"),
    pytest.param({"model": "gpt-9"}, {}, openai.NotFoundError, ("model", "model_not_found"), id="404 no such model"),
    pytest.param({}, {"api_key": NARROW_KEY}, openai.NotFoundError, ("model", "model_not_found"), id="404 not for you"),
]


def assert_well_formed(error: openai.APIStatusError) -> None:
    """Check what every error must have, and must not (E1, E14, N5)."""
    assert isinstance(error.body, dict)
    assert set(error.body) == {"message", "type", "param", "code"}
    assert error.body["message"]
    assert error.body["message"] in error.message
    assert error.request_id == error.response.headers["x-request-id"]
    assert error.response.headers["content-type"] == "application/json"
    told = error.response.text + str(error.response.headers)
    assert not any(secret in told for secret in (PROVIDER_KEY, "127.0.0.1", "Traceback"))


@STREAM
@pytest.mark.parametrize(("asked", "options", "raised", "field"), OUR_OWN)
async def test_the_gateway_refuses(
    sdk: AsyncOpenAI,
    upstream: FakeUpstream,
    asked: Any,
    options: Any,
    raised: type[openai.APIStatusError],
    field: tuple[str | None, str | None],
    stream: bool,
) -> None:
    """E2-E6: also for a stream, whose headers are not sent before (S6)."""
    with pytest.raises(raised) as caught:
        await sdk.with_options(**options).chat.completions.create(
            **{"model": "gpt-4o", "messages": HI, "stream": stream, **asked}
        )
    assert type(caught.value) is raised
    assert (caught.value.param, caught.value.code, caught.value.type) == (*field, "invalid_request_error")
    assert_well_formed(caught.value)
    assert upstream.requests == []


async def test_what_clashes_is_a_conflict(sdk: AsyncOpenAI) -> None:
    """E2: chats never clash, so this is the memory side."""
    turn = {"user_id": "ana", "role": "user", "content": "tea", "event_id": "evt-sdk"}
    await sdk.post("/memory/add", cast_to=object, body=turn)
    with pytest.raises(openai.ConflictError) as caught:
        await sdk.post("/memory/add", cast_to=object, body={**turn, "content": "milk"})
    assert caught.value.code == "event_id_reused"
    assert_well_formed(caught.value)


REFUSALS: Any = [
    (401, openai.InternalServerError, 502, "upstream_auth_error"),
    (429, openai.RateLimitError, 429, "rate_limit_exceeded"),
    (500, openai.InternalServerError, 502, "upstream_unavailable"),
    (503, openai.InternalServerError, 503, "upstream_unavailable"),
    (504, openai.InternalServerError, 504, "upstream_timeout"),
]


@STREAM
@pytest.mark.parametrize(("status", "raised", "told", "code"), REFUSALS)
async def test_a_provider_refuses(
    sdk: AsyncOpenAI,
    provider: Provider,
    status: int,
    raised: type[openai.APIStatusError],
    told: int,
    code: str,
    stream: bool,
) -> None:
    """E2, E8, E12, S6: each in its own words; a fault of the provider is never the client's."""
    provider.refuses(status, "That went wrong.")
    with pytest.raises(raised) as caught:
        await sdk.chat.completions.create(model=provider.model, messages=HI, stream=stream)
    assert type(caught.value) is raised
    assert (caught.value.status_code, caught.value.code) == (told, code)
    assert_well_formed(caught.value)


@STREAM
@pytest.mark.parametrize("status", [400, 422])
async def test_the_words_of_a_refusal_reach_the_client(
    sdk: AsyncOpenAI, provider: Provider, status: int, stream: bool
) -> None:
    """E1, E2, S6, DS5: what is wrong with the request itself stays a 4xx."""
    provider.refuses(status, "Too many cooks.")
    with pytest.raises((openai.BadRequestError, openai.UnprocessableEntityError), match="Too many cooks") as caught:
        await sdk.chat.completions.create(model=provider.model, messages=HI, stream=stream)
    assert caught.value.type == "invalid_request_error"
    assert_well_formed(caught.value)


@pytest.mark.parametrize("page", [Reply.page(status=502), Reply.page(b"", status=500), Reply.page(status=200)])
async def test_a_page_in_the_place_of_an_answer_is_an_error(sdk: AsyncOpenAI, provider: Provider, page: Reply) -> None:
    """E15."""
    provider.upstream.always = page
    with pytest.raises(openai.InternalServerError) as caught:
        await sdk.chat.completions.create(model=provider.model, messages=HI)
    assert caught.value.status_code == 502
    assert_well_formed(caught.value)


TOO_LONG = {
    "an": "prompt is too long: 208310 tokens > 200000 maximum",
    "ge": "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
    "ol": "the input length exceeds the context length",
    **dict.fromkeys(OF_OPENAIS_DIALECT, "This model's maximum context length is 8192 tokens."),
}


async def test_a_prompt_that_is_too_long_has_one_code_everywhere(sdk: AsyncOpenAI, provider: Provider) -> None:
    """E10: whatever words the provider has for it."""
    provider.refuses(400, TOO_LONG[provider.name])
    with pytest.raises(openai.BadRequestError) as caught:
        await sdk.chat.completions.create(model=provider.model, messages=HI)
    assert caught.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("oa", {"error": {"message": "No.", "type": "invalid_request_error", "code": "content_policy_violation"}}),
        ("az", filtered_prompt()),
        ("az", filtered_prompt(inner="inner_error")),
    ],
)
async def test_a_prompt_against_the_policy_has_its_code(
    sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream], name: str, document: Any
) -> None:
    """E11, AZ4."""
    provider = provider_of(name, upstreams)
    provider.upstream.next(Reply.json(document, status=400))
    with pytest.raises(openai.BadRequestError) as caught:
        await sdk.chat.completions.create(model=provider.model, messages=HI)
    assert caught.value.code in ("content_filter", "content_policy_violation")
