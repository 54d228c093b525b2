"""Lag: how long after an add can a turn be found?"""

import time
from pathlib import Path

from benchmarks.quality.client import becomes_true, probe_client
from benchmarks.quality.figure import Figure, percentile
from tests.service.memory.api import MemoryApi

ADDS = 200

_POLL_S = 0.002


async def probe_lag(directory: Path, *, adds: int = ADDS) -> list[Figure]:
    """Return the median and 95th percentile, in milliseconds, of adds one after another."""
    async with probe_client(directory / "lag") as prober:
        memory = prober.memory("ana")
        waited = [await _waited(memory, number) for number in range(adds)]
        polled = [await _polled(memory, adds + number) for number in range(adds)]
    of = f"{adds} adds"
    return [
        Figure(probe="lag", case=f"{case}, {name}", value=percentile(values, share), of=of, unit="ms")
        for case, values in (("until wait=searchable answers", waited), ("until a search finds it", polled))
        for name, share in (("p50", 0.5), ("p95", 0.95))
    ]


async def _waited(memory: MemoryApi, number: int) -> float:
    start = time.perf_counter()
    await memory.add(_text(number))
    return 1000 * (time.perf_counter() - start)


async def _polled(memory: MemoryApi, number: int) -> float:
    start = time.perf_counter()
    (id_,) = (await memory.add(_text(number), wait="accepted"))["memory_ids"]

    async def is_found() -> bool:
        return id_ in {hit["id"] for hit in await memory.search(f"entry{number}", limit=5)}

    assert await becomes_true(is_found, every_s=_POLL_S)
    return 1000 * (time.perf_counter() - start)


def _text(number: int) -> str:
    return f"entry{number}: today I planted {number} tulips"
