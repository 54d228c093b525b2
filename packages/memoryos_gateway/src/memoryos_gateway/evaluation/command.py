"""The command `eval`: runs a recall benchmark on a gateway, its own for the occasion unless one is named."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec

from memoryos_adapters.http import open_http
from memoryos_adapters.settings import Settings
from memoryos_gateway.evaluation.benchmark import Benchmark, read_benchmark
from memoryos_gateway.evaluation.evaluate import Measured, evaluate
from memoryos_gateway.evaluation.memory import GatewayMemory
from memoryos_gateway.gateway_client import GatewayClient
from memoryos_gateway.local_gateway import throwaway_gateway


class EvaluationOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to run on. `url` None: a gateway of its own; `limit` None: every conversation of a file."""

    files: tuple[Path, ...]
    url: str | None = None
    key: str | None = None
    one_user: bool = False
    limit: int | None = None


async def run_benchmarks(settings: Settings, options: EvaluationOptions) -> list[Measured]:
    """Return the figures of each file. Raises MemoryOSError for a file that is none and a gateway that fails."""
    benchmarks = [_cut(read_benchmark(file), options.limit) for file in options.files]
    run = f"eval-{os.getpid()}-{int(time.time())}"
    async with _gateway(settings, options.url) as url, open_http(settings.http) as http:
        memory = GatewayMemory(GatewayClient(http, url, key=options.key))
        return [
            await evaluate(memory, benchmark, run=f"{run}-{number}", one_user=options.one_user)
            for number, benchmark in enumerate(benchmarks)
        ]


def _gateway(settings: Settings, url: str | None) -> AbstractAsyncContextManager[str]:
    return throwaway_gateway(settings) if url is None else _elsewhere(url)


@asynccontextmanager
async def _elsewhere(url: str) -> AsyncIterator[str]:
    yield url


def _cut(benchmark: Benchmark, limit: int | None) -> Benchmark:
    return msgspec.structs.replace(benchmark, conversations=benchmark.conversations[:limit])
