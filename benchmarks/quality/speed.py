"""How fast are recall and ingest over HTTP? ``python -m benchmarks.quality.speed``.

Recall: one user of 10,000 memories, searched one question after another. Ingest: turns in adds of 64 messages, a few at
a time, until all are searchable, with MiniLM. Goals on two cores: p95 ≤ 30 ms, ≥ 150 turns a second.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import msgspec

from benchmarks.quality.figure import Figure, as_markdown, percentile
from benchmarks.quality.users import said_by
from tests.service.memory.api import MemoryApi
from tests.support.process import serving

MEMORIES = 10_000
QUESTIONS = 300
INGESTED = 1_920
RECALL_MS = 30.0
TURNS_PER_S = 150.0

_MESSAGES = 64
_AT_ONCE = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memories", type=int, default=MEMORIES)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--ingested", type=int, default=INGESTED)
    parser.add_argument("--embedding", default="minilm", help="of recall and ingest")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    figures = asyncio.run(_measure(options))
    sys.stdout.write((msgspec.json.encode(figures).decode() if options.json else as_markdown(figures)) + "\n")


async def _measure(options: argparse.Namespace) -> list[Figure]:
    ingest = await measure_ingest(options.embedding, options.ingested)
    return [*await measure_recall(options.embedding, options.memories, options.questions), ingest]


async def measure_recall(embedding: str, memories: int, questions: int) -> list[Figure]:
    """Return the median and 95th percentile of a search of one user with so many memories."""
    async with _memory(embedding) as memory:
        await _add(memory, memories)
        wall_ms = []
        for question in said_by(-1, questions):
            start = time.perf_counter()
            await memory.search(f"When was that? {question}")
            wall_ms.append(1000 * (time.perf_counter() - start))
    of = f"{memories} memories, {embedding}"
    return [
        Figure(probe="recall", case="p50", value=percentile(wall_ms, 0.5), unit="ms", of=of),
        Figure(probe="recall", case="p95", value=percentile(wall_ms, 0.95), unit="ms", of=of, most=RECALL_MS),
    ]


async def measure_ingest(embedding: str, turns: int) -> Figure:
    """Return the time of a turn, from the first add until all are searchable; a whole add goes ahead unmeasured."""
    async with _memory(embedding) as memory:
        await _add(memory, _MESSAGES, speaker=1)
        start = time.perf_counter()
        await _add(memory, turns)
        took_s = time.perf_counter() - start
    of = f"{turns} turns, {embedding}, {turns / took_s:.0f} turns a second"
    return Figure(probe="ingest", case="a turn", value=1000 * took_s / turns, unit="ms", of=of, most=1000 / TURNS_PER_S)


@asynccontextmanager
async def _memory(embedding: str) -> AsyncIterator[MemoryApi]:
    flags = ("--set", f"embedding.kind={embedding}", "--set", "consolidation.enabled=false")
    with TemporaryDirectory(prefix="memoryos-speed-") as directory:
        async with (
            serving(Path(directory) / "data", *flags) as gateway,
            httpx.AsyncClient(base_url=gateway.url, trust_env=False, timeout=120) as client,
        ):
            yield MemoryApi(client, "ana")


async def _add(memory: MemoryApi, turns: int, *, speaker: int = 0) -> None:
    said = [{"role": "user", "content": text} for text in said_by(speaker, turns)]
    starts = iter(range(0, turns, _MESSAGES))

    async def add_next() -> None:
        for start in starts:
            await memory.add(messages=said[start : start + _MESSAGES], wait_timeout_s=60)

    await asyncio.gather(*(add_next() for _ in range(_AT_ONCE)))


if __name__ == "__main__":
    main()
