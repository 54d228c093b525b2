"""What the in-process Qdrant index promises of scores beyond its port."""

import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memoryos_adapters.storage.bm25 import AVERAGE_LENGTH, K1, B
from memoryos_adapters.storage.qdrant_edge import QdrantEdgeMemory
from tests.contract.storage.indexes import STAMP, candidate_of, make_entry, make_page, make_query


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[QdrantEdgeMemory]:
    """An empty index."""
    async with QdrantEdgeMemory.open(tmp_path, STAMP) as opened:
        yield opened


async def test_the_score_by_words_is_bm25(memory: QdrantEdgeMemory) -> None:
    texts = ["tea tea cup", "cup saucer", "milk", "tea"]
    pages = [make_page(f"e{i}", text) for i, text in enumerate(texts)]
    await memory.insert([make_entry(page) for page in pages])

    found = await candidate_of(memory, pages[0], make_query("tea cup"))

    def part(count: int, length: int, containing: int) -> float:
        idf = math.log(1 + (len(texts) - containing + 0.5) / (containing + 0.5))
        return idf * count * (K1 + 1) / (count + K1 * (1 - B + B * length / AVERAGE_LENGTH))

    assert found.bm25 == pytest.approx(part(2, 3, 2) + part(1, 3, 2), rel=1e-5)
