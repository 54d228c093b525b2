"""The headers that OpenAI's own SDK shows with `with_raw_response`: ids, routes, dropped parameters, rate limits."""

from typing import Any

import msgspec
import openai
import pytest
from openai import AsyncOpenAI

from tests.service.sdk.providers import EMBEDDING_MODEL, KINDS, OF_OPENAIS_DIALECT, Provider, provider_of
from tests.service.sdk.test_openai import HI
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

pytestmark = pytest.mark.asyncio(loop_scope="package")

STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


async def headers_of(sdk: AsyncOpenAI, model: str, **asked: Any) -> dict[str, str]:
    """Return the headers of an answer that was read to its end."""
    raw = await sdk.chat.completions.with_raw_response.create(**{"model": model, "messages": HI, **asked})
    answer: Any = raw.parse()
    if asked.get("stream"):
        assert [chunk async for chunk in answer]
    else:
        assert answer._request_id == raw.request_id
    assert raw.request_id
    return dict(raw.headers)


@STREAM
async def test_every_answer_has_an_id_of_its_own(sdk: AsyncOpenAI, stream: bool) -> None:
    """N5."""
    seen = {(await headers_of(sdk, "gpt-4o", stream=stream))["x-request-id"] for _ in range(3)}
    assert len(seen) == 3


async def test_every_error_and_list_has_an_id_as_well(sdk: AsyncOpenAI) -> None:
    """N5."""
    assert (await sdk.models.with_raw_response.list()).request_id
    assert (await sdk.embeddings.with_raw_response.create(model="memoryos/hashed", input="tea")).request_id
    for asking in (sdk.models.retrieve("nobody/x"), sdk.get("/nothing", cast_to=object)):
        with pytest.raises(openai.NotFoundError) as caught:
            await asking
        assert caught.value.request_id


@STREAM
async def test_the_route_and_the_tries_are_told(sdk: AsyncOpenAI, provider: Provider, stream: bool) -> None:
    headers = await headers_of(sdk, provider.model, stream=stream)
    assert (headers["x-memoryos-route"], headers["x-memoryos-tries"]) == (f"default/{provider.model}", "1")


async def test_the_route_of_an_alias_is_what_it_stands_for(sdk: AsyncOpenAI) -> None:
    assert (await headers_of(sdk, "fast"))["x-memoryos-route"] == "default/oa/o-mini"


KNOBS: dict[str, Any] = {"seed": 1, "logit_bias": {"1": 1}, "temperature": 0.5, "extra_body": {"x_flag": 1}}
DROPPED = {
    "an": {"seed", "logit_bias", "x_flag"},
    "ge": {"logit_bias", "x_flag"},
    "ol": {"logit_bias", "x_flag"},
    "ds": {"temperature"},
}


@STREAM
async def test_parameters_that_a_provider_has_no_word_for_are_named(
    sdk: AsyncOpenAI, provider: Provider, stream: bool
) -> None:
    """X5: and no other; what is not named has reached the provider."""
    headers = await headers_of(sdk, provider.model, stream=stream, **KNOBS)
    dropped = DROPPED.get(provider.name, set())
    assert set(filter(None, headers.get("x-memoryos-dropped-params", "").split(", "))) == dropped
    if provider.name in OF_OPENAIS_DIALECT:
        sent = provider.upstream.requests[0].json
        assert {"seed", "logit_bias", "temperature", "x_flag"} - sent.keys() == dropped


SHOWN: list[Any] = [
    ("oa", {"x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-tokens": "6m0s", "openai-processing-ms": "12"}),
    ("an", {"anthropic-ratelimit-tokens-remaining": "9000"}),
    ("or", {"x-generation-id": "gen-1"}),
    ("az", {"apim-request-id": "apim-1", "x-ms-region": "France Central", "x-ratelimit-remaining-tokens": "7"}),
]
HIDDEN = {"set-cookie": "a=b", "x-internal-host": "host-7", "via": "proxy-7", "openai-organization": "our-org"}


@STREAM
@pytest.mark.parametrize(("name", "shown"), SHOWN, ids=[name for name, _ in SHOWN])
async def test_what_a_provider_says_of_its_limits_is_passed_on(
    sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream], name: str, shown: dict[str, str], stream: bool
) -> None:
    """N5, AZ5, OR6: and nothing else that it says; its id of the request is not ours."""
    provider = provider_of(name, upstreams)
    said = {**shown, **HIDDEN, "x-request-id": "req_of_the_provider"}
    provider.upstream.next(msgspec.structs.replace(Reply.text("Hello!"), headers=said))

    headers = await headers_of(sdk, provider.model, stream=stream)

    assert {header: headers.get(header) for header in shown} == shown
    assert headers["x-memoryos-upstream-request-id"] == "req_of_the_provider"
    assert headers["x-request-id"] != "req_of_the_provider"
    assert not HIDDEN.keys() & headers.keys()


async def test_embeddings_tell_the_same(sdk: AsyncOpenAI, upstream: FakeUpstream) -> None:
    said = {"x-ratelimit-remaining-requests": "59"}
    upstream.next(msgspec.structs.replace(Reply.text("Hello!"), headers=said))
    raw = await sdk.embeddings.with_raw_response.create(model=EMBEDDING_MODEL, input="tea")
    told = {name: raw.headers[name] for name in ("x-memoryos-route", "x-memoryos-tries", *said)}
    assert told == {"x-memoryos-route": f"default/oa/{EMBEDDING_MODEL}", "x-memoryos-tries": "1", **said}


async def test_parameters_of_embeddings_that_are_dropped_are_named(
    sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream]
) -> None:
    """X5."""
    for name, dropped in (("ge", "x_flag"), ("ol", "x_flag"), ("oa", None)):
        model = f"oa/{EMBEDDING_MODEL}" if name == "oa" else f"{name}/{KINDS[name].model}"
        raw = await sdk.embeddings.with_raw_response.create(model=model, input="tea", extra_body={"x_flag": 1})
        assert raw.headers.get("x-memoryos-dropped-params") == dropped
    assert upstreams["oa"].requests[0].json["x_flag"] == 1


async def test_a_stream_is_not_held_back_on_its_way(sdk: AsyncOpenAI) -> None:
    """S1."""
    headers = await headers_of(sdk, "gpt-4o", stream=True)
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-cache", "no")
    assert "content-encoding" not in headers


@STREAM
async def test_what_memory_did_is_told(sdk: AsyncOpenAI, stream: bool) -> None:
    """Only of a request that says whose memory it is."""
    nobody = await headers_of(sdk, "gpt-4o", stream=stream)
    ana = await headers_of(sdk, "gpt-4o", stream=stream, extra_headers={"X-User-ID": "ana"})
    assert nobody["x-memoryos-memory"].endswith("state=off; reason=no_user")
    assert "x-memoryos-event" not in nobody
    assert ana["x-memoryos-memory"].endswith("state=ok")
    assert ana["x-memoryos-event"]
