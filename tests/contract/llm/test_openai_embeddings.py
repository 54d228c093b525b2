"""The adapter for OpenAI's dialect keeps the promises of the port of embeddings (B1, B2)."""

import pytest

from memoryos_ports.errors import QuotaExhausted, RateLimited, UpstreamProtocolError, UpstreamRejected
from memoryos_ports.llm import Usage
from memoryos_ports.llm_embeddings import EmbeddingsAdapter, EmbeddingsRequest
from tests.contract.llm.conftest import Make
from tests.contract.llm.faults import KEY
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply


@pytest.fixture
def embedder(make: Make) -> EmbeddingsAdapter:
    """The adapter."""
    adapter = make()
    assert isinstance(adapter, EmbeddingsAdapter)
    return adapter


async def test_there_is_one_vector_for_each_text_in_their_order(
    embedder: EmbeddingsAdapter, upstream: FakeUpstream
) -> None:
    answer = await embedder.embeddings(EmbeddingsRequest(model="m", input=("one", "two", "three")))

    assert answer.vectors == ([0.0, 0.5, 0.5], [1.0, 0.5, 0.5], [2.0, 0.5, 0.5])
    assert answer.usage == Usage(prompt_tokens=3, completion_tokens=0)
    (received,) = upstream.requests
    assert (received.method, received.path) == ("POST", "/v1/embeddings")
    assert received.headers["authorization"] == f"Bearer {KEY}"
    assert received.json == {"model": "m", "input": ["one", "two", "three"], "encoding_format": "float"}


async def test_more_inputs_than_the_provider_takes_are_asked_for_in_turn(
    embedder: EmbeddingsAdapter, upstream: FakeUpstream
) -> None:
    answer = await embedder.embeddings(EmbeddingsRequest(model="m", input=("text",) * 2050, dimensions=1))

    assert [len(received.json["input"]) for received in upstream.requests] == [2048, 2]
    assert answer.vectors == (*([float(place)] for place in range(2048)), [0.0], [1.0])
    assert answer.usage == Usage(prompt_tokens=2050, completion_tokens=0)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply.error(400, "No such dimensions.", param="dimensions"), UpstreamRejected),
        (Reply.error(429, headers={"retry-after": "7"}), RateLimited),
        (Reply.error(429, code="insufficient_quota"), QuotaExhausted),
        (Reply.broken_json(), UpstreamProtocolError),
        (Reply.page(status=200), UpstreamProtocolError),
    ],
)
async def test_a_refusal_is_an_error_of_our_tree(
    embedder: EmbeddingsAdapter, upstream: FakeUpstream, reply: Reply, expected: type[Exception]
) -> None:
    upstream.next(reply)

    with pytest.raises(expected) as caught:
        await embedder.embeddings(EmbeddingsRequest(model="m", input=("one",)))
    assert type(caught.value) is expected


async def test_what_the_provider_tells_beside_the_vectors_is_told(
    embedder: EmbeddingsAdapter, upstream: FakeUpstream
) -> None:
    data = [{"index": 0, "embedding": [1.0]}]
    upstream.next(Reply.json({"data": data}, headers={"x-request-id": "req_1", "x-secret": "no"}))

    answer = await embedder.embeddings(EmbeddingsRequest(model="m", input=("one",)))

    assert answer.facts.headers == {"x-memoryos-upstream-request-id": "req_1"}
    assert answer.usage is None


async def test_a_length_that_was_not_asked_for_is_refused(embedder: EmbeddingsAdapter, upstream: FakeUpstream) -> None:
    upstream.next(Reply.json({"data": [{"embedding": [1.0, 0.5]}]}))

    with pytest.raises(UpstreamRejected) as caught:
        await embedder.embeddings(EmbeddingsRequest(model="m", input=("one",), dimensions=1))
    assert caught.value.param == "dimensions"


async def test_usage_below_nothing_is_not_reported(embedder: EmbeddingsAdapter, upstream: FakeUpstream) -> None:
    upstream.next(Reply.json({"data": [{"embedding": [1.0]}], "usage": {"prompt_tokens": -1}}))

    answer = await embedder.embeddings(EmbeddingsRequest(model="m", input=("one",)))

    assert answer.usage is None
