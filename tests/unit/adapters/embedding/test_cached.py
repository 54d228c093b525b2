"""Which vectors are kept, for how long, and who shares a call."""

import asyncio
from collections.abc import Sequence

import pytest

from memoryos_adapters.embedding.cached import CachedEmbedder
from memoryos_ports.embedding import Embedder, EmbedderStamp, EmbeddingCache, Vector
from memoryos_ports.errors import UpstreamUnavailable


class CountingEmbedder:
    """Gives each text the vector ``[number of the call]``; `gate` holds calls up once it is cleared."""

    local = False

    def __init__(self) -> None:
        self.stamp = EmbedderStamp(name="counting", dimensions=1)
        self.calls: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: UpstreamUnavailable | None = None

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return the number of this call, counted from 1, once the gate is open."""
        self.calls.append(list(texts))
        number = float(len(self.calls))
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [[number]] * len(texts)


@pytest.fixture
def inner() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
def cached(inner: CountingEmbedder) -> CachedEmbedder:
    return CachedEmbedder(inner, max_kept=2)


async def start(cached: CachedEmbedder, count: int = 1) -> list[asyncio.Task[list[Vector]]]:
    """Return calls for the same text that are under way."""
    calls = [asyncio.create_task(cached.embed(["tea"])) for _ in range(count)]
    await asyncio.sleep(0)
    return calls


def test_it_is_an_embedder_that_forgets(cached: CachedEmbedder, inner: CountingEmbedder) -> None:
    assert isinstance(cached, Embedder)
    assert isinstance(cached, EmbeddingCache)
    assert (cached.stamp, cached.local) == (inner.stamp, False)


async def test_a_question_that_repeats_is_embedded_once(cached: CachedEmbedder, inner: CountingEmbedder) -> None:
    assert [await cached.embed([text]) for text in ("tea", "Tea", "tea")] == [[[1.0]], [[2.0]], [[1.0]]]
    assert inner.calls == [["tea"], ["Tea"]]


async def test_who_changes_a_vector_changes_his_own(cached: CachedEmbedder) -> None:
    [vector] = await cached.embed(["tea"])
    vector[0] = 9.0
    [again] = await cached.embed(["tea"])
    again[0] = 9.0
    assert await cached.embed(["tea"]) == [[1.0]]


async def test_what_was_not_asked_for_longest_goes_first(cached: CachedEmbedder, inner: CountingEmbedder) -> None:
    for text in ("a", "b", "a", "c", "a", "b"):
        await cached.embed([text])
    assert inner.calls == [["a"], ["b"], ["c"], ["b"]]


@pytest.mark.parametrize("texts", [(), ("tea", "tea")])
async def test_batches_are_not_kept(cached: CachedEmbedder, inner: CountingEmbedder, texts: tuple[str, ...]) -> None:
    await cached.embed(texts)
    await cached.embed(texts)
    assert inner.calls == [list(texts)] * 2


async def test_equal_questions_at_the_same_time_are_embedded_once(
    cached: CachedEmbedder, inner: CountingEmbedder
) -> None:
    inner.gate.clear()
    async with asyncio.timeout(10):
        calls = await start(cached, 3)
        inner.gate.set()
        assert await asyncio.gather(*calls) == [[[1.0]]] * 3
    assert inner.calls == [["tea"]]


async def test_an_error_is_everybodys_and_is_not_kept(cached: CachedEmbedder, inner: CountingEmbedder) -> None:
    inner.gate.clear()
    inner.error = UpstreamUnavailable(upstream="x")
    async with asyncio.timeout(10):
        calls = await start(cached, 2)
        inner.gate.set()
        assert await asyncio.gather(*calls, return_exceptions=True) == [inner.error] * 2
        inner.error = None
        assert await cached.embed(["tea"]) == [[2.0]]


@pytest.mark.parametrize("cancelled", [0, 1])
async def test_who_gives_up_does_not_harm_the_others(
    cached: CachedEmbedder, inner: CountingEmbedder, cancelled: int
) -> None:
    inner.gate.clear()
    async with asyncio.timeout(10):
        calls = await start(cached, 2)
        calls[cancelled].cancel()
        with pytest.raises(asyncio.CancelledError):
            await calls[cancelled]
        inner.gate.set()
        assert await calls[1 - cancelled] == [[2.0 if cancelled == 0 else 1.0]]


async def test_nothing_is_kept_beyond_an_erasure(cached: CachedEmbedder, inner: CountingEmbedder) -> None:
    await cached.embed(["coffee"])
    inner.gate.clear()
    async with asyncio.timeout(10):
        (under_way,) = await start(cached)
        cached.forget()
        inner.gate.set()
        assert await under_way == [[2.0]]
        assert [await cached.embed([text]) for text in ("coffee", "tea")] == [[[3.0]], [[4.0]]]


async def test_a_text_that_is_no_unicode_can_be_kept(cached: CachedEmbedder) -> None:
    assert await cached.embed(["\ud83d"]) == await cached.embed(["\ud83d"])
