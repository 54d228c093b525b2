"""How the MiniLM embedder shares its threads among questions and batches, and what it needs to start."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_adapters.embedding.encoder import MiniLmEncoder
from memoryos_adapters.embedding.minilm import MiniLmEmbedder
from memoryos_ports.errors import ConfigurationError, UpstreamUnavailable
from tests.unit.adapters.embedding.gate import GatedEncoder


@pytest.fixture
def encoder() -> GatedEncoder:
    return GatedEncoder(shut=["page 0", "page 16"])


@pytest.fixture
async def embedder(encoder: GatedEncoder) -> AsyncIterator[MiniLmEmbedder]:
    embedder = MiniLmEmbedder(encoder.encode)
    yield embedder
    encoder.gate.set()
    await embedder.aclose()


def pages(count: int) -> list[str]:
    return [f"page {number}" for number in range(count)]


FIRST_PIECES = [pages(32)[:16], pages(32)[16:]]


async def test_a_batch_is_encoded_on_two_threads_at_once(embedder: MiniLmEmbedder, encoder: GatedEncoder) -> None:
    async with asyncio.timeout(10):
        batch = asyncio.create_task(embedder.embed(pages(40)))
        assert await asyncio.to_thread(encoder.entered.wait, 10)
        assert sorted(encoder.seen) == FIRST_PIECES
        encoder.gate.set()
        await batch


async def test_of_a_batch_texts_of_one_length_go_together_and_the_vectors_stay_in_order(
    embedder: MiniLmEmbedder, encoder: GatedEncoder
) -> None:
    texts = ["long " * (1 + number % 2) for number in range(40)]

    assert await embedder.embed(texts) == [[float(len(text))] for text in texts]

    assert sorted(len(set(map(len, piece))) for piece in encoder.seen) == [1, 1, 2]


async def test_a_question_does_not_wait_behind_a_batch(embedder: MiniLmEmbedder, encoder: GatedEncoder) -> None:
    async with asyncio.timeout(10):
        batch = asyncio.create_task(embedder.embed(pages(40)))
        assert await asyncio.to_thread(encoder.entered.wait, 10)
        assert await embedder.embed(["tea?"]) == [[4.0]]
        assert not batch.done()
        encoder.gate.set()
        assert len(await batch) == 40


async def test_a_small_batch_has_its_turn_within_a_large_one(embedder: MiniLmEmbedder, encoder: GatedEncoder) -> None:
    async with asyncio.timeout(10):
        large = asyncio.create_task(embedder.embed(pages(160)))
        assert await asyncio.to_thread(encoder.entered.wait, 10)
        small = asyncio.create_task(embedder.embed(["a", "bb"]))
        await asyncio.sleep(0)
        encoder.gate.set()
        assert await small == [[1.0], [2.0]]
        await large
    assert encoder.seen[2] == ["a", "bb"]


async def test_a_cancelled_batch_stops_at_the_pieces_it_is_at(embedder: MiniLmEmbedder, encoder: GatedEncoder) -> None:
    async with asyncio.timeout(10):
        batch = asyncio.create_task(embedder.embed(pages(160)))
        assert await asyncio.to_thread(encoder.entered.wait, 10)
        batch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await batch
        encoder.gate.set()
        assert await embedder.embed(["a", "bb"]) == [[1.0], [2.0]]
    assert sorted(encoder.seen[:2]) == FIRST_PIECES
    assert encoder.seen[2:] == [["a", "bb"]]


async def test_closing_while_a_batch_runs_ends_it_with_an_error(
    embedder: MiniLmEmbedder, encoder: GatedEncoder
) -> None:
    async with asyncio.timeout(10):
        batch = asyncio.create_task(embedder.embed(pages(160)))
        assert await asyncio.to_thread(encoder.entered.wait, 10)
        closing = asyncio.create_task(embedder.aclose())
        await asyncio.sleep(0)
        encoder.gate.set()
        with pytest.raises(UpstreamUnavailable):
            await batch
        await closing
    assert sorted(encoder.seen) == FIRST_PIECES


def test_a_build_without_the_model_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"embedding\.kind"):
        MiniLmEncoder.load(tmp_path)
