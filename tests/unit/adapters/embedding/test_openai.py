"""What the embedder outside sends, how it reads what comes back, and how it lives with an endpoint that is down."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import AsyncOpenAI

from memoryos_adapters.embedding.openai import OpenAiEmbedder
from memoryos_adapters.embedding.retries import Retries
from memoryos_adapters.http import Http, open_http
from memoryos_adapters.profiles.llms import make_embeddings_adapter
from memoryos_adapters.settings import EmbeddingSettings, Secret
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import (
    RateLimited,
    UpstreamAuthError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

TOO_LONG = Reply.error(400, "This model's maximum context length is 8192 tokens.", code="context_length_exceeded")


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with open_http() as http:
        yield http


@pytest.fixture
def waits() -> list[float]:
    """The pauses that were made before a call was made again."""
    return []


@pytest.fixture
def retries(waits: list[float]) -> Retries:
    async def wait(seconds: float) -> None:
        waits.append(seconds)

    return Retries(sleep=wait, chance=lambda: 1.0)


def make_settings(upstream: FakeUpstream, **changes: Any) -> EmbeddingSettings:
    return EmbeddingSettings(
        **{"kind": "openai", "base_url": upstream.base_url, "model": "m", "dimensions": 3, **changes}
    )


async def open_embedder(
    settings: EmbeddingSettings, http: Http, *, stored: EmbedderStamp | None, retries: Retries | None = None
) -> OpenAiEmbedder:
    adapter = make_embeddings_adapter(settings, http)
    return await OpenAiEmbedder.open(adapter, settings, stored=stored, retries=retries)


@pytest.fixture
async def embedder(upstream: FakeUpstream, http: Http, retries: Retries) -> OpenAiEmbedder:
    """An embedder of three dimensions; opening it asked for nothing."""
    return await open_embedder(make_settings(upstream), http, stored=None, retries=retries)


def vectors_of(*vectors: list[float]) -> Reply:
    return Reply.json({"data": [{"index": place, "embedding": vector} for place, vector in enumerate(vectors)]})


async def test_a_call_is_what_openais_own_sdk_sends(upstream: FakeUpstream, http: Http) -> None:
    settings = make_settings(upstream, api_key=Secret("sk-key"))
    await (await open_embedder(settings, http, stored=None)).embed(["tea", "茶"])
    async with AsyncOpenAI(base_url=upstream.base_url, api_key="sk-key") as sdk:
        await sdk.embeddings.create(model="m", input=["tea", "茶"], dimensions=3, encoding_format="float")
    ours, theirs = upstream.requests
    assert (ours.method, ours.path, ours.json) == (theirs.method, theirs.path, theirs.json)
    assert ours.headers["authorization"] == theirs.headers["authorization"]


async def test_vectors_come_in_the_order_of_the_texts_and_have_length_one(
    embedder: OpenAiEmbedder, upstream: FakeUpstream
) -> None:
    data = [{"index": 1, "embedding": [0.0, 0.0, 2.0]}, {"index": 0, "embedding": [3.0, 4.0, 0.0]}]
    upstream.next(Reply.json({"data": data}))
    assert await embedder.embed(["a", "b"]) == [pytest.approx([0.6, 0.8, 0.0]), pytest.approx([0.0, 0.0, 1.0])]


@pytest.mark.parametrize(
    ("texts", "sizes"),
    [(["x"] * 5, [2, 2, 1]), (["x" * 8192] * 3, [2, 1]), ([], [])],
)
async def test_texts_are_sent_in_batches_of_the_size_that_is_configured(
    upstream: FakeUpstream, http: Http, texts: list[str], sizes: list[int]
) -> None:
    embedder = await open_embedder(make_settings(upstream, batch_size=2), http, stored=None)
    assert len(await embedder.embed(texts)) == len(texts)
    assert [len(received.json["input"]) for received in upstream.requests] == sizes


async def test_long_texts_fill_a_batch_early(embedder: OpenAiEmbedder, upstream: FakeUpstream) -> None:
    await embedder.embed(["x" * 9000] * 15)
    assert [len(received.json["input"]) for received in upstream.requests] == [12, 3]
    assert {len(text) for received in upstream.requests for text in received.json["input"]} == {8192}


@pytest.mark.parametrize(("text", "sent"), [("", " "), ("half an emoji: \ud83d", "half an emoji: ?")])
async def test_what_the_protocol_does_not_allow_is_not_sent(
    embedder: OpenAiEmbedder, upstream: FakeUpstream, text: str, sent: str
) -> None:
    await embedder.embed([text])
    assert upstream.requests[0].json["input"] == [sent]


async def test_a_text_that_is_too_long_for_the_model_is_cut_and_its_neighbours_are_not(
    embedder: OpenAiEmbedder, upstream: FakeUpstream
) -> None:
    upstream.next(TOO_LONG, vectors_of([1.0, 0.0, 0.0]), TOO_LONG, TOO_LONG, vectors_of([0.0, 1.0, 0.0]))
    assert await embedder.embed(["a" * 900, "b" * 4000]) == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    sent = [[len(text) for text in received.json["input"]] for received in upstream.requests]
    assert sent == [[900, 4000], [900], [4000], [2000], [1000]]


async def test_a_short_text_that_is_refused_as_too_long_is_an_error(
    embedder: OpenAiEmbedder, upstream: FakeUpstream
) -> None:
    upstream.always = TOO_LONG
    with pytest.raises(UpstreamRejected):
        await embedder.embed(["b" * 500])
    assert [len(received.json["input"][0]) for received in upstream.requests] == [500, 250, 125]


@pytest.mark.parametrize(
    ("reply", "wait_s"),
    [
        (Reply.error(500), 0.5),
        (Reply.reset(), 0.5),
        (Reply.broken_json(), 0.5),
        (Reply.error(429, headers={"retry-after": "4"}), 4.0),
        (Reply.error(503, headers={"retry-after": "2"}), 2.0),
    ],
)
async def test_a_call_that_failed_for_a_while_is_made_again(
    embedder: OpenAiEmbedder, upstream: FakeUpstream, waits: list[float], reply: Reply, wait_s: float
) -> None:
    upstream.next(reply)
    assert len(await embedder.embed(["tea"])) == 1
    assert waits == [wait_s]
    await embedder.ping()


@pytest.mark.parametrize(
    ("reply", "expected", "calls"),
    [
        (Reply.error(401, "Incorrect API key provided."), UpstreamAuthError, 1),
        (Reply.error(429, headers={"retry-after": "60"}), RateLimited, 1),
        (Reply.error(500), UpstreamUnavailable, 3),
        (vectors_of([1.0, 0.0]), UpstreamRejected, 1),
        (vectors_of([0.0, 0.0, 0.0]), UpstreamProtocolError, 3),
        (vectors_of([1.0, 0.0, 0.0], [1.0, 0.0, 0.0]), UpstreamProtocolError, 3),
    ],
)
async def test_what_stays_wrong_is_an_error_of_our_tree(
    embedder: OpenAiEmbedder, upstream: FakeUpstream, reply: Reply, expected: type[UpstreamError], calls: int
) -> None:
    upstream.always = reply
    with pytest.raises(UpstreamError) as caught:
        await embedder.embed(["tea"])
    assert (type(caught.value), caught.value.upstream) == (expected, "embedder")
    assert len(upstream.requests) == calls


async def test_the_probe_tells_of_the_last_call_and_makes_none(
    embedder: OpenAiEmbedder, upstream: FakeUpstream
) -> None:
    await embedder.ping()
    upstream.next(Reply.error(401))
    with pytest.raises(UpstreamAuthError):
        await embedder.embed(["tea"])
    with pytest.raises(UpstreamAuthError):
        await embedder.ping()
    upstream.next(Reply.error(400, "This text is refused."))
    with pytest.raises(UpstreamRejected):
        await embedder.embed(["bad"])
    with pytest.raises(UpstreamAuthError):
        await embedder.ping()
    await embedder.embed(["tea"])
    await embedder.ping()
    assert len(upstream.requests) == 3


@pytest.mark.parametrize(
    ("dimensions", "stored", "expected", "calls"),
    [
        (8, None, 8, 0),
        (8, EmbedderStamp(name="openai:m", dimensions=5), 8, 0),
        (None, EmbedderStamp(name="openai:m", dimensions=5), 5, 0),
        (None, EmbedderStamp(name="openai:other", dimensions=5), 3, 1),
        (None, None, 3, 1),
    ],
)
async def test_the_stamp_is_known_once_it_is_open(
    upstream: FakeUpstream, http: Http, dimensions: int | None, stored: EmbedderStamp | None, expected: int, calls: int
) -> None:
    embedder = await open_embedder(make_settings(upstream, dimensions=dimensions), http, stored=stored)
    assert embedder.stamp == EmbedderStamp(name="openai:m", dimensions=expected)
    assert len(upstream.requests) == calls
    assert all("dimensions" not in received.json for received in upstream.requests)


async def test_the_probe_knows_of_a_failure_before_the_call_is_given_up(upstream: FakeUpstream, http: Http) -> None:
    async def wait(seconds: float) -> None:
        with pytest.raises(UpstreamUnavailable):
            await asked.ping()

    asked = await open_embedder(make_settings(upstream), http, stored=None, retries=Retries(sleep=wait))
    upstream.next(Reply.error(500))
    await asked.embed(["tea"])
    await asked.ping()


async def test_a_model_that_has_other_vectors_than_the_index_is_refused(
    upstream: FakeUpstream, http: Http, retries: Retries
) -> None:
    stored = EmbedderStamp(name="openai:m", dimensions=5)
    embedder = await open_embedder(make_settings(upstream, dimensions=None), http, stored=stored, retries=retries)
    with pytest.raises(UpstreamProtocolError, match="3 dimensions where the index has 5"):
        await embedder.embed(["tea"])
    with pytest.raises(UpstreamProtocolError):
        await embedder.ping()


async def test_only_an_index_without_a_stamp_needs_the_endpoint_at_start(
    upstream: FakeUpstream, http: Http, retries: Retries
) -> None:
    await upstream.refuse()
    settings = make_settings(upstream, dimensions=None)
    with pytest.raises(UpstreamUnavailable):
        await open_embedder(settings, http, stored=None, retries=retries)
    stored = EmbedderStamp(name="openai:m", dimensions=3)
    embedder = await open_embedder(settings, http, stored=stored, retries=retries)
    with pytest.raises(UpstreamUnavailable):
        await embedder.embed(["tea"])


@pytest.mark.parametrize("local", [True, False])
async def test_whether_texts_stay_here_is_said_by_the_settings(upstream: FakeUpstream, http: Http, local: bool) -> None:
    embedder = await open_embedder(make_settings(upstream, local=local), http, stored=None)
    assert embedder.local is local
