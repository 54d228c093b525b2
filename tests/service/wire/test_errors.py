"""Errors that the gateway itself answers with: one shape, the right class of the SDK, the field named, nothing told."""

import json
from typing import Any

import aiohttp
import msgspec
import openai
import pytest
from openai import AsyncOpenAI

from tests.service.wire.conftest import CHAT, PROVIDER_KEY
from tests.service.wire.test_requests import HI, chat_body
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway
from tests.support.replies import Reply
from tests.support.wire import Answer, send

pytestmark = pytest.mark.asyncio(loop_scope="package")

JSON_ROUTES = [CHAT, "/chat/completions", "/v1/embeddings", "/v1/memory/add", "/v1/memory/search"]
USER = b'"messages":[{"role":"user","content":"Hi"}]'

NO_JSON = [
    pytest.param(b"", id="empty"),
    pytest.param(b"{", id="cut off"),
    pytest.param(b"[]", id="an array"),
    pytest.param(b'["model"]', id="an array of texts"),
    pytest.param(b"null", id="null"),
    pytest.param(b'{"x":NaN}', id="NaN"),
    pytest.param(b'{"x":[-Infinity]}', id="Infinity"),
    pytest.param(b'{"x":1e999}', id="a number beyond floats"),
    pytest.param(b'{"x":' + b"9" * 5000 + b"}", id="a number without end"),
    pytest.param(b'{"x":{"y":"\\ud800"}}', id="a lone surrogate"),
    pytest.param(b'{"\\ud800":1}', id="a lone surrogate in a key"),
    pytest.param(b'{"x":"\xff"}', id="not UTF-8"),
    pytest.param(b'{"x":"a\nb"}', id="a raw line break"),
    pytest.param(b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}", id="nested without end"),
]

TWICE = [
    pytest.param(b'{"model":"m-1","model":"m-2",' + USER + b"}", "model", id="at the top"),
    pytest.param(b'{"model":"m-1",' + USER + b"," + USER + b"}", "messages", id="an array"),
    pytest.param(b'{"model":"m-1","messages":[{"role":"user","role":"system"}]}', "messages[0].role", id="in an array"),
    pytest.param(b'{"tools":[{},{"f":{"a":1,"b":2,"a":1}}]}', "tools[1].f.a", id="deep, with the same value"),
    pytest.param(b'{"a":1,"\\u0061":2}', "a", id="written in two ways"),
    pytest.param(b'{ "x" : {"k" : "v:w"} , "y" : {"k" : 1 , "k" : 1} }', "y.k", id="with blanks"),
    pytest.param('{"é":1,"é":2}'.encode(), "é", id="beyond ASCII"),
    pytest.param(b'{"x":{"":1,"":2}}', "x.", id="an empty key"),
    pytest.param(b'{"a":{"a":1},"b":[{"a":1},{"a":1,"a":{"a":1}}]}', "b[1].a", id="among others of that name"),
]

BAD_FIELDS: list[Any] = [
    ({"messages": HI}, "model", "missing_required_parameter"),
    ({"model": None, "messages": HI}, "model", None),
    ({"model": ["m-1"], "messages": HI}, "model", None),
    ({"model": "m-1"}, "messages", "missing_required_parameter"),
    ({"model": "m-1", "messages": "Hi"}, "messages", None),
    ({"model": "m-1", "messages": [{"content": "Hi"}]}, "messages[0].role", None),
    ({"model": "m-1", "messages": [*HI, {"role": "bot", "content": "Hi"}]}, "messages[1].role", None),
    ({"model": "m-1", "messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
    ({"model": "m-1", "messages": [{"role": "user", "content": None}]}, "messages[0].content", None),
    (
        {"model": "m-1", "messages": [{"role": "tool", "content": None, "tool_call_id": "c"}]},
        "messages[0].content",
        None,
    ),
    ({"model": "m-1", "messages": [{"role": "developer"}]}, "messages[0].content", "missing_required_parameter"),
    ({"model": "m-1", "messages": [{"role": "user", "content": 5}]}, "messages[0].content", None),
    (
        {"model": "m-1", "messages": [{"role": "tool", "content": "x"}]},
        "messages[0].tool_call_id",
        "missing_required_parameter",
    ),
    (
        {"model": "m-1", "messages": [{"role": "tool", "tool_call_id": "c"}]},
        "messages[0].content",
        "missing_required_parameter",
    ),
    (
        {"model": "m-1", "messages": [{"role": "function", "content": "x"}]},
        "messages[0].name",
        "missing_required_parameter",
    ),
    (
        {"model": "m-1", "messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]},
        "messages[0].tool_calls[0].function",
        "missing_required_parameter",
    ),
    (
        {"model": "m-1", "messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}]},
        "messages[0].tool_calls[0].id",
        None,
    ),
    *(
        (
            {
                "model": "m-1",
                "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": kind}]}],
            },
            f"messages[0].content[1].{kind}",
            "missing_required_parameter",
        )
        for kind in ("text", "image_url", "input_audio", "file", "refusal")
    ),
    (
        {"model": "m-1", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
        "messages[0].content[0].image_url.url",
        None,
    ),
    (
        {"model": "m-1", "messages": [{"role": "user", "content": [{"type": "file", "file": None}]}]},
        "messages[0].content[0].file",
        "missing_required_parameter",
    ),
    ({"model": "m-1", "messages": HI, "stream": "yes"}, "stream", None),
    (
        {"model": "m-1", "messages": HI, "stream_options": {"include_usage": "yes"}},
        "stream_options.include_usage",
        None,
    ),
    ({"model": "m-1", "messages": HI, "user": 5}, "user", None),
]

SPEECHLESS: list[Any] = [
    {"role": "assistant", "content": None},
    {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
    {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}}]},
    {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
    {"role": "assistant", "refusal": "No"},
    {"role": "function", "name": "f", "content": None},
    {"role": "system", "content": None},
]
"""Messages that need no content."""


async def refused(http: aiohttp.ClientSession, url: str, body: bytes, **headers: str) -> Answer:
    """Send a body that must be refused, and return the answer after a look at its shape."""
    answer = await send(http, "POST", url, body=body, headers={"x-user-id": "ana", **headers})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert answer.error["type"] == "invalid_request_error"
    return answer


@pytest.mark.parametrize("path", JSON_ROUTES)
@pytest.mark.parametrize("body", NO_JSON)
async def test_what_is_no_json_object_is_400(
    http: aiohttp.ClientSession, gateway: RunningGateway, path: str, body: bytes
) -> None:
    """E5, E1, N5."""
    answer = await refused(http, gateway.url + path, body)
    assert answer.status == 400
    if path in (CHAT, "/v1/embeddings"):
        assert "JSON" in answer.error["message"]


@pytest.mark.parametrize("path", JSON_ROUTES)
@pytest.mark.parametrize(("body", "named"), TWICE)
async def test_a_key_that_stands_twice_is_400_and_named(
    http: aiohttp.ClientSession, gateway: RunningGateway, upstream: FakeUpstream, path: str, body: bytes, named: str
) -> None:
    """E5."""
    answer = await refused(http, gateway.url + path, body)
    assert (answer.status, answer.error["param"]) == (400, named)
    assert f"{named} stands twice" in answer.error["message"]
    assert upstream.requests == []


@pytest.mark.parametrize("separators", [(",", ":"), (" , ", " : ")], ids=["compact", "with blanks"])
@pytest.mark.parametrize("ascii_only", [False, True], ids=["UTF-8", "escaped"])
async def test_keys_that_only_look_alike_are_no_fault(
    http: aiohttp.ClientSession,
    gateway: RunningGateway,
    upstream: FakeUpstream,
    separators: tuple[str, str],
    ascii_only: bool,
) -> None:
    """E5: the same key in two objects, in another case, in a text, and numbers that are written in many ways."""
    extra = {"x": [{"a": 1}, {"a": {"a": '"a":1,"a":2 é \U0001f375'}}], "A": 1e-7, "b": 1e22, "B": 10**25, "é": -0.0}
    document = {"model": "m-1", "messages": HI, **extra}
    body = json.dumps(document, ensure_ascii=ascii_only, separators=separators).encode()
    answer = await send(http, "POST", gateway.url + CHAT, body=body, headers={"x-memoryos-mode": "off"})
    assert answer.status == 200
    assert {name: upstream.requests[0].json[name] for name in extra} == extra


@pytest.mark.parametrize(
    ("path", "status", "param", "code"),
    [
        (CHAT, 400, "content-type", None),
        ("/v1/embeddings", 400, "content-type", None),
        ("/v1/memory/add", 415, None, "unsupported_media_type"),
        ("/v1/memory/search", 415, None, "unsupported_media_type"),
    ],
)
@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_another_content_type_is_400_to_a_model_and_415_to_memory(
    http: aiohttp.ClientSession,
    gateway: RunningGateway,
    path: str,
    status: int,
    param: str | None,
    code: str | None,
    media: str,
) -> None:
    """E5."""
    answer = await refused(http, gateway.url + path, chat_body(), **{"content-type": media})
    assert (answer.status, answer.error["param"], answer.error["code"]) == (status, param, code)
    assert "application/json" in answer.error["message"]


@pytest.mark.parametrize(("document", "param", "code"), BAD_FIELDS, ids=[field[1] for field in BAD_FIELDS])
async def test_a_field_that_is_missing_or_of_another_type_is_named(
    sdk: AsyncOpenAI, upstream: FakeUpstream, document: dict[str, Any], param: str, code: str | None
) -> None:
    """E6: 400, never 422."""
    with pytest.raises(openai.BadRequestError) as caught:
        await sdk.post("/chat/completions", cast_to=object, body=document)
    assert (caught.value.param, caught.value.code, caught.value.type) == (param, code, "invalid_request_error")
    assert upstream.requests == []


@pytest.mark.parametrize("message", SPEECHLESS, ids=str)
async def test_content_may_be_null_or_absent_where_something_else_may_stand(
    sdk: AsyncOpenAI, upstream: FakeUpstream, message: Any
) -> None:
    """E6, R3."""
    await sdk.chat.completions.create(model="m-1", messages=[*HI, message, *HI])
    assert len(upstream.requests[0].json["messages"]) == 3


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_parameter_that_a_provider_has_no_word_for_is_named(sdk: AsyncOpenAI, stream: bool) -> None:
    """E7: what an adapter refuses keeps its code; which ones it refuses is in the tests of each adapter."""
    with pytest.raises(openai.BadRequestError) as caught:
        await sdk.chat.completions.create(model="picky/x", messages=HI, logit_bias={"1": 1}, stream=stream)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "logit_bias")
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize("secret", ["sk-wrong-key-1234567890", "SK-ANY"])
async def test_a_wrong_key_is_401_and_not_repeated(keyed_sdk: AsyncOpenAI, secret: str) -> None:
    """E3."""
    with pytest.raises(openai.AuthenticationError) as caught:
        await keyed_sdk.with_options(api_key=secret).chat.completions.create(model="m-1", messages=HI)
    assert (caught.value.code, caught.value.type) == ("invalid_api_key", "invalid_request_error")
    assert caught.value.request_id
    assert secret not in caught.value.response.text


async def test_no_key_is_401(http: aiohttp.ClientSession, keyed: RunningGateway) -> None:
    """E3."""
    answer = await refused(http, keyed.url + CHAT, chat_body())
    assert (answer.status, answer.error["code"], answer.error["param"]) == (401, "invalid_api_key", None)


async def test_an_unknown_model_is_404_in_openais_words(sdk: AsyncOpenAI, upstream: FakeUpstream) -> None:
    """E4; a model that the key may not use: test_models.py."""
    with pytest.raises(openai.NotFoundError) as caught:
        await sdk.chat.completions.create(model="nobody/x", messages=HI)
    assert caught.value.body == {
        "message": "The model `nobody/x` does not exist or you do not have access to it.",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }
    assert upstream.requests == []


TURN = {"user_id": "ana", "role": "user", "content": "tea", "event_id": "evt-wire"}

CLASSES: list[Any] = [
    pytest.param(CHAT, {"model": 1}, "sk-any", openai.BadRequestError, 400, id="400"),
    pytest.param(CHAT, {}, "sk-nobody", openai.AuthenticationError, 401, id="401"),
    pytest.param(CHAT, {}, "sk-silent", openai.PermissionDeniedError, 403, id="403"),
    pytest.param("/v1/nothing", {}, "sk-any", openai.NotFoundError, 404, id="404"),
    pytest.param(CHAT, None, "sk-any", openai.APIStatusError, 405, id="405"),
    pytest.param("/v1/memory/add", {**TURN, "content": "milk"}, "sk-any", openai.ConflictError, 409, id="409"),
    pytest.param(CHAT, {"x": "a" * 2**20}, "sk-any", openai.APIStatusError, 413, id="413"),
]


@pytest.mark.parametrize(("path", "body", "secret", "raised", "status"), CLASSES)
async def test_the_sdk_raises_the_class_of_the_status(
    keyed_sdk: AsyncOpenAI,
    keyed: RunningGateway,
    path: str,
    body: Any,
    secret: str,
    raised: type[openai.APIStatusError],
    status: int,
) -> None:
    """E1, E2, E13, E14, N5; 429 and 5xx: below, and in tests/service/chat/test_errors.py."""
    await keyed_sdk.post(f"{keyed.url}/v1/memory/add", cast_to=object, body=TURN)
    client = keyed_sdk.with_options(api_key=secret)
    url = keyed.url + path
    asking = client.get(url, cast_to=object) if body is None else client.post(url, cast_to=object, body=body)
    with pytest.raises(raised) as caught:
        await asking
    error = caught.value
    assert type(error) is raised
    assert (error.status_code, error.type) == (status, "invalid_request_error")
    assert isinstance(error.body, dict)
    assert set(error.body) == {"message", "type", "param", "code"}
    assert error.body["message"] in error.message
    assert error.request_id == error.response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("reply", "raised", "status"),
    [
        (Reply.error(422, "no", kind="invalid_request_error"), openai.UnprocessableEntityError, 422),
        (Reply.error(429, "slow"), openai.RateLimitError, 429),
        (Reply.error(500, "broken"), openai.InternalServerError, 502),
        (Reply.page(b"<html>internal-host-7</html>", status=503), openai.InternalServerError, 503),
    ],
    ids=["422", "429", "500", "HTML"],
)
async def test_a_fault_of_the_provider_raises_the_class_of_its_status_and_tells_nothing(
    sdk: AsyncOpenAI, upstream: FakeUpstream, reply: Reply, raised: type[openai.APIStatusError], status: int
) -> None:
    """E1, E2, E14, N5."""
    upstream.always = reply
    with pytest.raises(raised) as caught:
        await sdk.chat.completions.create(model="m-1", messages=HI)
    assert type(caught.value) is raised
    assert caught.value.status_code == status
    assert caught.value.request_id
    told = caught.value.response.text + str(caught.value.response.headers)
    for secret in (PROVIDER_KEY, upstream.root_url.removeprefix("http://"), "internal-host-7", "Traceback", "aiohttp"):
        assert secret not in told


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/chat", "/v1/completions", "/v1/memory/add/x"])
async def test_an_unknown_route_is_404_in_the_same_shape(
    http: aiohttp.ClientSession, keyed: RunningGateway, method: str, path: str
) -> None:
    """E13, E14: the same for who has a key and who has none."""
    for headers in ({}, {"authorization": "Bearer sk-any"}):
        answer = await send(http, method, keyed.url + path, headers=headers)
        assert (answer.status, answer.error["code"], answer.error["param"]) == (404, "not_found", None)
        assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings", "/v1/memory/search"])
async def test_the_shape_survives_names_that_are_no_text(
    http: aiohttp.ClientSession, gateway: RunningGateway, path: str
) -> None:
    """E1: a path that cannot be shown must not break the error that names it."""
    long = "k" * 100_000
    for body in (b'{"\\ud800":{"x":NaN}}', msgspec.json.encode({long: 1})[:-1] + b',"' + long.encode() + b'":2}'):
        answer = await refused(http, gateway.url + path, body)
        assert answer.status == 400
        assert len(answer.body) < 1000
