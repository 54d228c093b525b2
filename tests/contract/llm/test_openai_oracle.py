"""OpenAI's own SDK takes the fake for OpenAI, and sends what our adapter sends: chats and embeddings."""

import base64
import struct
from collections.abc import AsyncIterator

import openai
import pytest

from memoryos_ports.llm import LlmAdapter
from memoryos_ports.llm_embeddings import EmbeddingsAdapter, EmbeddingsRequest, Tokens
from tests.contract.llm.conftest import Make
from tests.contract.llm.faults import KEY
from tests.contract.llm.openai_sdk import OpenAiSdkContract
from tests.support.fake_upstream import FakeUpstream

_INPUTS = [("one", "two", "three"), ((1, 2), (3,))]


@pytest.fixture
def llm(make: Make) -> LlmAdapter:
    """Our adapter."""
    return make()


@pytest.fixture
async def sdk(upstream: FakeUpstream) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's SDK with the same key, without retries."""
    async with openai.AsyncOpenAI(base_url=upstream.base_url, api_key=KEY, max_retries=0) as sdk:
        yield sdk


class TestOpenAiCompatibleLlmBesideTheSdk(OpenAiSdkContract):
    """`OpenAiCompatibleLlm` and the SDK on the same provider."""


async def test_the_sdk_reads_embeddings_in_either_form(sdk: openai.AsyncOpenAI) -> None:
    for answer in (
        await sdk.embeddings.create(model="m", input=["one", "two"], dimensions=4),
        await sdk.embeddings.create(model="m", input=["one", "two"], dimensions=4, encoding_format="float"),
    ):
        assert {row.index: row.embedding for row in answer.data} == {
            0: [0.0, 0.5, 0.5, 0.5],
            1: [1.0, 0.5, 0.5, 0.5],
        }
        assert answer.usage.total_tokens == 2


async def test_the_sdk_reads_the_embedding_of_a_text_alone(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.embeddings.create(model="m", input="one", encoding_format="base64")

    (row,) = answer.data
    asked_for: object = row.embedding  # the SDK's type says floats, whatever was asked for
    assert isinstance(asked_for, str)
    assert struct.unpack("<3f", base64.b64decode(asked_for)) == (0.0, 0.5, 0.5)


@pytest.mark.parametrize("inputs", _INPUTS)
async def test_the_sdk_asks_for_embeddings_as_we_do(
    sdk: openai.AsyncOpenAI,
    llm: LlmAdapter,
    upstream: FakeUpstream,
    inputs: tuple[str, ...] | tuple[Tokens, ...],
) -> None:
    assert isinstance(llm, EmbeddingsAdapter)
    theirs = await sdk.embeddings.create(model="m", input=list(inputs), dimensions=4, encoding_format="float")  # type: ignore[arg-type]  # a union of lists
    ours = await llm.embeddings(EmbeddingsRequest(model="m", input=inputs, dimensions=4))

    assert [row.embedding for row in sorted(theirs.data, key=lambda row: row.index)] == list(ours.vectors)
    first, second = upstream.requests
    assert (first.path, first.json) == (second.path, second.json)
