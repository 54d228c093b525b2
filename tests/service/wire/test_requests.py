"""What clients send and how: credentials, headers, unknown fields, every parameter, every method and form of a path."""

import gzip
import uuid
from typing import Any

import aiohttp
import msgspec
import pytest
from openai import AsyncOpenAI

from tests.service.wire.conftest import CHAT
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway
from tests.support.replies import Reply
from tests.support.wire import Answer, connected, send

pytestmark = pytest.mark.asyncio(loop_scope="package")

HI: Any = [{"role": "user", "content": "Hi"}]
PIXEL = "data:image/png;base64,iVBORw0KGgo="
MIB = 1024 * 1024

GETS = ["/", "/health", "/health/ready", "/openapi.json", "/v1/models", "/models", "/v1/models/m-1", "/v1/memory"]
POSTS = [CHAT, "/chat/completions", "/v1/embeddings", "/embeddings", "/v1/memory/add", "/v1/memory/search"]

CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "tea"}'}}
FUNCTION = {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}
MESSAGES: Any = [
    {"role": "system", "content": [{"type": "text", "text": "Be kind"}]},
    {"role": "developer", "content": "Be brief", "name": "dev"},
    {"role": "user", "content": [{"type": "text", "text": "Look"}], "name": "ana"},
    {"role": "assistant", "content": None, "tool_calls": [{**CALL, "extra_content": {"google": {"a": 1}}}]},
    {"role": "tool", "content": [{"type": "text", "text": "green"}], "tool_call_id": "call_1"},
    {"role": "assistant", "function_call": {"name": "look", "arguments": "{}"}},
    {"role": "function", "name": "look", "content": None},
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}], "refusal": "No", "audio": {"id": "a"}},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}},
        ],
    },
]
"""Every role and every type of part."""

PARAMETERS: dict[str, Any] = {
    "tools": [{"type": "function", "function": FUNCTION}],
    "tool_choice": {"type": "function", "function": {"name": "look"}},
    "parallel_tool_calls": False,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": {"type": "object"}, "strict": True},
    },
    "max_tokens": 5,
    "max_completion_tokens": 6,
    "reasoning_effort": "low",
    "verbosity": "low",
    "service_tier": "flex",
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "safety_identifier": "s",
    "store": False,
    "metadata": {"a": "b"},
    "prediction": {"type": "content", "content": "tea"},
    "modalities": ["text"],
    "audio": {"format": "wav", "voice": "alloy"},
    "web_search_options": {"search_context_size": "low"},
    "n": 1,
    "stop": ["a", "b"],
    "seed": 7,
    "logprobs": True,
    "top_logprobs": 2,
    "logit_bias": {"50256": -100},
    "temperature": 0.25,
    "top_p": 1,
    "frequency_penalty": 0.5,
    "presence_penalty": -0.5,
}
"""A value for every parameter of R3 that the SDK has a name for."""


def chat_body(**fields: Any) -> bytes:
    """Return the body of a small chat."""
    return msgspec.json.encode({"model": "m-1", "messages": HI, **fields})


async def post(http: aiohttp.ClientSession, gateway: RunningGateway, path: str, **fields: Any) -> Answer:
    """Send a small chat in a conversation of its own."""
    return await send(http, "POST", gateway.url + path, body=chat_body(**fields), headers={"x-memoryos-mode": "off"})


async def test_headers_of_an_sdk_are_taken(keyed_sdk: AsyncOpenAI) -> None:
    """R1."""
    client = keyed_sdk.with_options(organization="org-1", project="proj-1", timeout=30)
    headers = {"X-Stainless-Retry-Count": "2", "X-Stainless-Read-Timeout": "600", "OpenAI-Beta": "x", "X-New": "1"}
    completion = await client.chat.completions.create(model="m-1", messages=HI, extra_headers=headers)
    assert completion.choices[0].message.content == "Hello!"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_fields_that_nobody_knows_reach_the_provider(
    sdk: AsyncOpenAI, upstream: FakeUpstream, stream: bool
) -> None:
    """R2."""
    extra = {"x_flag": True, "x_none": None, "x_deep": {"a": [1, 2.5, {"b": "é"}]}, "guided_json": {"type": "object"}}
    message: Any = {"role": "user", "content": [{"type": "text", "text": "Hi", "x_part": 1}], "x_message": [1]}
    await sdk.chat.completions.create(model="m-1", messages=[message], extra_body=extra, stream=stream)
    sent = upstream.requests[0].json
    assert {name: sent[name] for name in extra} == extra
    assert sent["messages"] == [message]


async def test_every_parameter_and_every_role_reaches_the_provider(sdk: AsyncOpenAI, upstream: FakeUpstream) -> None:
    """R3."""
    more: dict[str, Any] = {"user": "ana", "extra_body": {"prompt_cache_options": {"ttl": "1h"}}}
    await sdk.chat.completions.create(
        model="m-1", messages=MESSAGES, extra_headers={"X-MemoryOS-Mode": "off"}, **PARAMETERS, **more
    )
    sent = upstream.requests[0].json
    assert {name: sent[name] for name in PARAMETERS} == PARAMETERS
    assert (sent["user"], sent["prompt_cache_options"]) == ("ana", {"ttl": "1h"})
    roles = ["system" if message["role"] == "developer" else message["role"] for message in MESSAGES]
    assert [message["role"] for message in sent["messages"]] == roles  # OA3: only OpenAI itself knows `developer`
    assert sent["messages"][-1] == MESSAGES[-1]


@pytest.mark.parametrize(
    "response_format",
    [{"type": "text"}, {"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "x"}}],
    ids=lambda form: form["type"],
)
@pytest.mark.parametrize("stop", ["\n", ["\n"], None], ids=repr)
async def test_a_parameter_of_two_forms_is_taken_in_each(
    sdk: AsyncOpenAI, upstream: FakeUpstream, response_format: Any, stop: Any
) -> None:
    """R3."""
    await sdk.chat.completions.create(model="m-1", messages=HI, response_format=response_format, stop=stop)
    sent = upstream.requests[0].json
    assert (sent["response_format"], sent["stop"]) == (response_format, stop)


async def test_options_of_a_stream_are_taken(sdk: AsyncOpenAI) -> None:
    """R3, S15."""
    options: Any = {"include_usage": True, "include_obfuscation": False}
    stream = await sdk.chat.completions.create(model="m-1", messages=HI, stream=True, stream_options=options)
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].usage is not None


@pytest.mark.parametrize("path", [CHAT, "/chat/completions"])
@pytest.mark.parametrize("slash", ["", "/"], ids=["bare", "slash"])
async def test_a_chat_is_served_with_and_without_version_and_slash(
    http: aiohttp.ClientSession, gateway: RunningGateway, upstream: FakeUpstream, path: str, slash: str
) -> None:
    """R4."""
    assert (await post(http, gateway, path + slash)).status == 200


@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize("slash", ["", "/"], ids=["bare", "slash"])
async def test_head_answers_as_get_without_the_body(
    http: aiohttp.ClientSession, gateway: RunningGateway, path: str, slash: str
) -> None:
    """R4."""
    url = f"{gateway.url}{path}{slash}?user_id=ana"
    got, headed = await send(http, "GET", url), await send(http, "HEAD", url)
    assert (headed.status, headed.body) == (200, b"")
    assert got.status == 200
    assert headed.headers["content-length"] == got.headers["content-length"] == str(len(got.body))
    assert headed.headers["content-type"] == got.headers["content-type"]


async def test_nothing_follows_the_head_of_an_answer_to_head(gateway: RunningGateway) -> None:
    """R4: a body would be taken for the next answer on the connection."""
    lines = [b"%b / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n" % method for method in (b"HEAD", b"OPTIONS", b"GET")]
    async with connected(gateway.url) as connection:
        connection.writer.write(b"".join(lines))
        heads = [await connection.read_until(b"\r\n\r\n") for _ in lines]
        assert (await connection.read_until(b"}")).startswith(b"{")
    assert [head.split(b"\r\n")[0] for head in heads] == [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 200 OK",
    ]


async def test_head_on_what_is_not_there_is_404_and_on_a_chat_405(
    http: aiohttp.ClientSession, gateway: RunningGateway
) -> None:
    """R4."""
    assert (await send(http, "HEAD", f"{gateway.url}/nothing")).status == 404
    refused = await send(http, "HEAD", gateway.url + CHAT)
    assert (refused.status, refused.headers["allow"], refused.body) == (405, "OPTIONS, POST", b"")


async def test_head_needs_the_key_that_get_needs(http: aiohttp.ClientSession, keyed: RunningGateway) -> None:
    assert (await send(http, "HEAD", f"{keyed.url}/v1/models")).status == 401


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        *((path, "GET, HEAD, OPTIONS") for path in GETS),
        *((path, "OPTIONS, POST") for path in POSTS),
        ("/v1/memory/some-id", "DELETE, GET, HEAD, OPTIONS, PATCH"),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"], ids=["bare", "slash"])
async def test_options_names_the_methods_of_every_route(
    http: aiohttp.ClientSession, keyed: RunningGateway, path: str, allowed: str, slash: str
) -> None:
    """R4, without a key: an operation's methods are no secret."""
    answer = await send(http, "OPTIONS", keyed.url + path + slash)
    assert (answer.status, answer.headers["allow"], answer.body) == (204, allowed, b"")
    assert "content-type" not in answer.headers
    assert answer.headers["x-request-id"]


async def test_options_on_what_is_not_there_is_404(http: aiohttp.ClientSession, gateway: RunningGateway) -> None:
    """R4, E13."""
    answer = await send(http, "OPTIONS", f"{gateway.url}/v1/nothing")
    assert (answer.status, answer.error["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, "OPTIONS, POST"),
        ("DELETE", "/v1/embeddings", "OPTIONS, POST"),
        ("PUT", "/v1/models/m-1", "GET, HEAD, OPTIONS"),
        ("TRACE", "/v1/memory/some-id", "DELETE, GET, HEAD, OPTIONS, PATCH"),
    ],
)
async def test_another_method_is_told_the_right_ones(
    http: aiohttp.ClientSession, gateway: RunningGateway, method: str, path: str, allowed: str
) -> None:
    """R4, E13."""
    answer = await send(http, method, gateway.url + path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert answer.error["code"] == "method_not_allowed"


@pytest.mark.parametrize(("size", "status"), [(MIB, 200), (MIB + 1, 413)], ids=["at the limit", "above it"])
async def test_a_body_is_taken_up_to_the_stated_limit(
    http: aiohttp.ClientSession, gateway: RunningGateway, upstream: FakeUpstream, size: int, status: int
) -> None:
    """R5; the limit here is 1 MiB, and the default of 20 MiB is tried in tests/service/chat/test_bad_input.py."""
    padding = "a" * (size - len(chat_body(x="")))
    answer = await post(http, gateway, CHAT, x=padding)
    assert answer.status == status
    if status == 413:
        assert (answer.error["type"], answer.error["code"]) == ("invalid_request_error", "request_too_large")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("path", POSTS)
async def test_a_compressed_body_is_refused_by_name(
    http: aiohttp.ClientSession, gateway: RunningGateway, path: str, encoding: str
) -> None:
    """R6."""
    body, headers = gzip.compress(chat_body()), {"content-encoding": encoding}
    answer = await send(http, "POST", gateway.url + path, body=body, headers=headers)
    assert (answer.status, answer.error["code"]) == (415, "unsupported_media_type")


async def test_a_retry_of_the_client_is_in_the_log(
    sdk: AsyncOpenAI, upstream: FakeUpstream, log_lines: list[dict[str, Any]]
) -> None:
    """T5: the SDK numbers its retries itself."""
    upstream.next(Reply.error(429, headers={"retry-after-ms": "1"}), Reply.text("Hello!"))
    await sdk.with_options(max_retries=1).chat.completions.create(model="m-1", messages=HI)
    assert [(line["status"], line.get("client_retry")) for line in log_lines] == [(429, None), (200, 1)]


@pytest.mark.parametrize("count", ["0", "-1", "x", "", "01", "9" * 30, "²"])
async def test_a_retry_count_that_is_none_is_not_in_the_log(
    http: aiohttp.ClientSession, gateway: RunningGateway, log_lines: list[dict[str, Any]], count: str
) -> None:
    """T5."""
    await send(http, "GET", f"{gateway.url}/health", headers={"x-stainless-retry-count": count})
    assert [line.get("client_retry") for line in log_lines] == [None]


async def test_the_log_names_the_provider_that_answered(
    sdk: AsyncOpenAI, http: aiohttp.ClientSession, gateway: RunningGateway, log_lines: list[dict[str, Any]]
) -> None:
    await sdk.chat.completions.create(model="fast", messages=HI)
    await send(http, "GET", f"{gateway.url}/health")
    assert [(line["path"], line.get("provider")) for line in log_lines] == [(CHAT, "open"), ("/health", None)]


async def test_the_log_tells_head_from_get_on_the_same_route(
    http: aiohttp.ClientSession, gateway: RunningGateway, log_lines: list[dict[str, Any]]
) -> None:
    for method in ("GET", "HEAD"):
        await send(http, method, f"{gateway.url}/v1/models/m-1")
    assert [(line["method"], line["path"], line["status"]) for line in log_lines] == [
        ("GET", "/v1/models/{model}", 200),
        ("HEAD", "/v1/models/{model}", 200),
    ]


async def test_every_answer_has_an_id_that_the_sdk_shows(sdk: AsyncOpenAI) -> None:
    """N5; for errors see test_errors.py."""
    given = f"req-{uuid.uuid4().hex}"
    completion = await sdk.chat.completions.create(model="m-1", messages=HI, extra_headers={"X-Request-ID": given})
    page = await sdk.models.list()
    raw = await sdk.chat.completions.with_raw_response.create(model="m-1", messages=HI, stream=True)
    assert completion._request_id == given
    assert page._request_id
    assert raw.headers["x-request-id"]
    assert given not in (page._request_id, raw.headers["x-request-id"])
