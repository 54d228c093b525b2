"""Embeddings with OpenAI's own SDK: base64 unasked, floats, lengths, tokens, order, and the embedder of memory."""

import math
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.service.sdk.conftest import NARROW_KEY
from tests.service.sdk.providers import EMBEDDING_MODEL, Provider, provider_of
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

pytestmark = pytest.mark.asyncio(loop_scope="package")

LOCAL = "memoryos/hashed"
GEMINI, OLLAMA = "ge/gemini-embedding-001", "ol/nomic-embed-text"
TEXTS = ["one", "three", "to"]

VECTORS: list[Any] = [
    pytest.param(EMBEDDING_MODEL, [[0.0, 0.5, 0.5], [1.0, 0.5, 0.5], [2.0, 0.5, 0.5]], 3, id="openai"),
    pytest.param(GEMINI, [[3.0, 0.0], [5.0, 1.0], [2.0, 2.0]], 30, id="gemini"),
    pytest.param(OLLAMA, [[3.0, 0.5, 0.5], [5.0, 0.5, 0.5], [2.0, 0.5, 0.5]], 10, id="ollama"),
]
"""What the fakes answer to TEXTS, and the tokens that they count. The one of OpenAI answers in the wrong order."""


@pytest.mark.parametrize("encoding_format", [openai.omit, "base64", "float"], ids=["unasked", "base64", "float"])
@pytest.mark.parametrize(("model", "vectors", "tokens"), VECTORS)
async def test_vectors_come_in_the_order_of_their_texts(
    sdk: AsyncOpenAI, model: str, vectors: list[list[float]], tokens: int, encoding_format: Any
) -> None:
    """B1, B2: the SDK asks for base64 unless told otherwise, and reads it unless told to."""
    answer = await sdk.embeddings.create(model=model, input=TEXTS, encoding_format=encoding_format)

    assert [(row.object, row.index) for row in answer.data] == [("embedding", place) for place in range(3)]
    assert (answer.object, answer.model) == ("list", model)
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (tokens, tokens)
    if encoding_format == "base64":
        assert all(isinstance(row.embedding, str) for row in answer.data)
    else:
        assert [row.embedding for row in answer.data] == vectors


async def test_what_is_sent_is_base64_only_when_asked_for(sdk: AsyncOpenAI) -> None:
    """B1."""
    asked: list[tuple[Any, type]] = [(openai.omit, str), ("base64", str), ("float", list)]
    for encoding_format, kind in asked:
        raw = await sdk.embeddings.with_raw_response.create(model=LOCAL, input="tea", encoding_format=encoding_format)
        (row,) = raw.http_response.json()["data"]
        assert isinstance(row["embedding"], kind)
    plain: Any = await sdk.post("/embeddings", body={"model": LOCAL, "input": "tea"}, cast_to=object)
    assert isinstance(plain["data"][0]["embedding"], list)


async def test_one_text_alone_is_one_vector(sdk: AsyncOpenAI) -> None:
    """B2."""
    for model in (EMBEDDING_MODEL, GEMINI, OLLAMA, LOCAL):
        (row,) = (await sdk.embeddings.create(model=model, input="tea")).data
        assert row.index == 0


async def test_the_length_of_vectors_may_be_chosen(sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream]) -> None:
    """B2, GE15."""
    for model in (EMBEDDING_MODEL, OLLAMA):
        assert len((await sdk.embeddings.create(model=model, input="tea", dimensions=4)).data[0].embedding) == 4
    await sdk.embeddings.create(model=GEMINI, input="tea", dimensions=4)
    (sent,) = upstreams["ge"].requests[0].json["requests"]
    assert sent["outputDimensionality"] == 4


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]]], ids=["one", "several"])
async def test_tokens_reach_a_provider_that_takes_them(sdk: AsyncOpenAI, upstream: FakeUpstream, tokens: Any) -> None:
    """B2."""
    answer = await sdk.embeddings.create(model=EMBEDDING_MODEL, input=tokens)
    several = tokens if isinstance(tokens[0], list) else [tokens]
    assert upstream.requests[0].json["input"] == several
    assert [row.index for row in answer.data] == list(range(len(several)))


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]]], ids=["one", "several"])
@pytest.mark.parametrize("model", [GEMINI, OLLAMA, LOCAL])
async def test_tokens_are_refused_where_only_texts_are_taken(
    sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream], model: str, tokens: Any
) -> None:
    """B2: clearly, and before anything is sent."""
    with pytest.raises(openai.BadRequestError, match="texts") as caught:
        await sdk.embeddings.create(model=model, input=tokens)
    assert (caught.value.param, caught.value.code) == ("input", "unsupported_value")
    assert not any(upstream.requests for upstream in upstreams.values())


@pytest.mark.parametrize("empty", ["", [], [""], ["tea", ""], [[]], [[1], []]], ids=str)
@pytest.mark.parametrize("model", [EMBEDDING_MODEL, GEMINI, OLLAMA, LOCAL])
async def test_nothing_to_embed_is_refused(
    sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream], model: str, empty: Any
) -> None:
    """B2."""
    with pytest.raises(openai.BadRequestError) as caught:
        await sdk.embeddings.create(model=model, input=empty)
    assert (caught.value.param, caught.value.type) == ("input", "invalid_request_error")
    assert not any(upstream.requests for upstream in upstreams.values())


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"input": [1, "tea"]}, "input"),
        ({"input": {"text": "tea"}}, "input"),
        ({"input": ["tea"] * 2049}, "input"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": "many"}, "dimensions"),
        ({"model": ""}, "model"),
    ],
    ids=["a mixture", "an object", "too many", "no such format", "no length", "a length in words", "no model"],
)
async def test_a_field_that_does_not_fit_is_named(sdk: AsyncOpenAI, asked: Any, param: str) -> None:
    """E6."""
    with pytest.raises(openai.BadRequestError) as caught:
        await sdk.embeddings.create(**{"model": EMBEDDING_MODEL, "input": "tea", **asked})
    assert caught.value.param == param


async def test_the_embedder_of_memory_is_a_model(sdk: AsyncOpenAI) -> None:
    """As ``memoryos/hashed`` here, and ``memoryos/minilm`` as it comes; without any provider."""
    answer = await sdk.embeddings.create(model=LOCAL, input=["tea with milk", "tea with milk", "a red car"])
    tea, again, car = (row.embedding for row in answer.data)
    assert tea == again != car
    assert math.isclose(math.hypot(*tea), 1, abs_tol=1e-5)
    assert answer.usage.total_tokens > 0
    assert len((await sdk.embeddings.create(model=LOCAL, input="tea", dimensions=len(tea))).data[0].embedding) == 384
    with pytest.raises(openai.BadRequestError) as caught:
        await sdk.embeddings.create(model=LOCAL, input="tea", dimensions=4)
    assert (caught.value.param, caught.value.code) == ("dimensions", "unsupported_value")


@pytest.mark.parametrize("name", ["an", "ds"])
async def test_a_provider_without_embeddings_says_so(
    sdk: AsyncOpenAI, upstreams: dict[str, FakeUpstream], name: str
) -> None:
    """E7."""
    with pytest.raises(openai.BadRequestError, match="no embeddings") as caught:
        await sdk.embeddings.create(model=provider_of(name, upstreams).model, input="tea")
    assert (caught.value.param, caught.value.code) == ("model", "unsupported_value")


@pytest.mark.parametrize(("model", "key"), [("gpt-9", None), ("memoryos/other", None), (LOCAL, NARROW_KEY)])
async def test_a_model_that_is_not_there_or_not_for_the_key_is_not_found(
    sdk: AsyncOpenAI, model: str, key: str | None
) -> None:
    """E4."""
    client = sdk.with_options(api_key=key) if key else sdk
    with pytest.raises(openai.NotFoundError) as caught:
        await client.embeddings.create(model=model, input="tea")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


@pytest.mark.parametrize(
    ("status", "raised"),
    [(400, openai.BadRequestError), (429, openai.RateLimitError), (500, openai.InternalServerError)],
)
@pytest.mark.parametrize("model", [EMBEDDING_MODEL, GEMINI, OLLAMA])
async def test_a_provider_that_refuses_is_told(
    sdk: AsyncOpenAI,
    upstreams: dict[str, FakeUpstream],
    model: str,
    status: int,
    raised: type[openai.APIStatusError],
) -> None:
    """E1, E2."""
    name = model.partition("/")[0] if "/" in model else "oa"
    provider: Provider = provider_of(name, upstreams)
    provider.refuses(status, "That went wrong.")
    with pytest.raises(raised) as caught:
        await sdk.embeddings.create(model=model, input="tea")
    assert type(caught.value) is raised
    assert caught.value.request_id


async def test_a_provider_that_fails_once_is_asked_again(sdk: AsyncOpenAI, upstream: FakeUpstream) -> None:
    upstream.next(Reply.error(500))
    raw = await sdk.embeddings.with_raw_response.create(model=EMBEDDING_MODEL, input="tea")
    assert raw.headers["x-memoryos-tries"] == "2"
    assert len(raw.parse().data) == 1
