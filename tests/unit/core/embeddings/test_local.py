"""The embedder of memory as a model for clients: texts only, vectors of one length, no chat."""

import pytest

from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_core.embeddings.local import LocalEmbeddings
from memoryos_ports.errors import InvalidInput, ModelNotFound
from memoryos_ports.llm import ChatRequest, LlmAdapter, Usage
from memoryos_ports.llm_embeddings import EmbeddingsAdapter, EmbeddingsRequest, Tokens
from tests.support.makers import make_message

EMBEDDER = HashedEmbedder(dimensions=8)


@pytest.fixture
def local() -> LocalEmbeddings:
    """The adapter under test."""
    return LocalEmbeddings(EMBEDDER)


def make_request(*texts: str, dimensions: int | None = None) -> EmbeddingsRequest:
    """Return a request for the vectors of these texts."""
    return EmbeddingsRequest(model="minilm", input=texts, dimensions=dimensions)


async def test_every_text_has_its_vector_in_its_place(local: LocalEmbeddings) -> None:
    answer = await local.embeddings(make_request("green tea", "", "机密", "green tea"))
    assert answer.vectors == tuple(await EMBEDDER.embed(["green tea", "", "机密", "green tea"]))
    assert (answer.model, [len(vector) for vector in answer.vectors]) == ("minilm", [8] * 4)


async def test_its_usage_is_an_estimate(local: LocalEmbeddings) -> None:
    answer = await local.embeddings(make_request("12345", "机密"))
    assert answer.usage == Usage(prompt_tokens=4, completion_tokens=0, estimated=True)


@pytest.mark.parametrize("input_", [((1, 2),), ((1, 2), (3,))])
async def test_tokens_are_refused_clearly(local: LocalEmbeddings, input_: tuple[Tokens, ...]) -> None:
    with pytest.raises(InvalidInput) as caught:
        await local.embeddings(EmbeddingsRequest(model="minilm", input=input_))
    assert (caught.value.param, caught.value.code) == ("input", "unsupported_value")


async def test_its_own_dimensions_may_be_asked_for(local: LocalEmbeddings) -> None:
    assert len((await local.embeddings(make_request("tea", dimensions=8))).vectors[0]) == 8


@pytest.mark.parametrize("dimensions", [0, 1, 7, 9, 384])
async def test_other_dimensions_are_refused_and_never_cut(local: LocalEmbeddings, dimensions: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        await local.embeddings(make_request("tea", dimensions=dimensions))
    assert (caught.value.param, caught.value.code) == ("dimensions", "unsupported_value")
    assert "8" in caught.value.message


async def test_it_is_a_provider_without_a_chat_model(local: LocalEmbeddings) -> None:
    assert isinstance(local, EmbeddingsAdapter)
    assert isinstance(local, LlmAdapter)
    request = ChatRequest(model="minilm", messages=(make_message("hi"),))
    with pytest.raises(ModelNotFound):
        await local.chat(request)
    with pytest.raises(ModelNotFound):
        local.chat_stream(request)
    await local.reach()
