"""What `memoryos_ports.embedding.Embedder` promises, asked of every embedder."""

import asyncio

import numpy as np
import pytest

from memoryos_adapters.embedding.openai import OpenAiEmbedder
from memoryos_ports.embedding import Embedder, Vector
from tests.contract.embedding.references import read_references

TEXTS = [reference.text for reference in read_references()]


async def embed(embedder: Embedder, *texts: str) -> list[Vector]:
    async with asyncio.timeout(20):
        return await embedder.embed(texts)


async def test_it_is_an_embedder(embedder: Embedder) -> None:
    assert isinstance(embedder, Embedder)


async def test_whether_texts_stay_here_is_known(embedder: Embedder) -> None:
    assert embedder.local is not isinstance(embedder, OpenAiEmbedder)


async def test_the_stamp_stays_the_same(embedder: Embedder) -> None:
    before = embedder.stamp
    await embed(embedder, "tea")
    assert embedder.stamp == before


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:12]))
async def test_any_text_has_a_vector_of_length_one(embedder: Embedder, text: str) -> None:
    [vector] = await embed(embedder, text)
    assert len(vector) == embedder.stamp.dimensions
    assert all(type(number) is float for number in vector)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


async def test_a_text_has_the_same_vector_alone_and_in_a_batch(embedder: Embedder) -> None:
    together = await embed(embedder, *TEXTS)
    alone = [vector for text in TEXTS for vector in await embed(embedder, text)]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)


async def test_a_text_has_the_same_vector_among_concurrent_calls(embedder: Embedder) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(embed(embedder, text)) for text in TEXTS]
    np.testing.assert_allclose([task.result()[0] for task in tasks], await embed(embedder, *TEXTS), rtol=0, atol=1e-5)


async def test_vectors_come_in_the_order_of_the_texts(embedder: Embedder) -> None:
    forward, backward = await embed(embedder, *TEXTS), await embed(embedder, *reversed(TEXTS))
    np.testing.assert_allclose(forward, backward[::-1], rtol=0, atol=1e-5)


async def test_no_texts_have_no_vectors(embedder: Embedder) -> None:
    assert await embed(embedder) == []


async def test_a_text_beyond_the_limit_is_cut(embedder: Embedder) -> None:
    megabyte = "I drink green tea. " * 55_000
    [cut] = await embed(embedder, megabyte)
    assert cut == pytest.approx((await embed(embedder, megabyte[:10_000]))[0], abs=1e-5)


async def test_a_text_that_is_no_unicode_has_a_vector(embedder: Embedder) -> None:
    [vector] = await embed(embedder, "half an emoji: \ud83d")
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


async def test_a_text_is_closer_to_a_related_than_to_an_unrelated_one(embedder: Embedder) -> None:
    tea, related, unrelated = np.array(
        await embed(
            embedder, "I drink green tea every morning.", "Which tea do I drink?", "The train to Oslo was late."
        )
    )
    assert tea @ related > tea @ unrelated + 0.2


async def test_the_event_loop_turns_while_a_batch_is_embedded(embedder: Embedder) -> None:
    texts = ["a page of some words that somebody said this morning"] * 64
    turns = 0
    call = asyncio.create_task(embed(embedder, *texts))
    while not call.done():
        await asyncio.sleep(0)
        turns += 1
    assert len(await call) == len(texts)
    assert turns >= len(texts) / 8


async def test_a_cancelled_call_leaves_the_embedder_usable(embedder: Embedder) -> None:
    expected = await embed(embedder, "tea")
    call = asyncio.create_task(embed(embedder, *["some words"] * 64))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    np.testing.assert_allclose(await embed(embedder, "tea"), expected, rtol=0, atol=1e-5)
