"""A `memoryos-worker run` as an operator runs it: a process of its own, with an environment of ours.

::

    async with running_worker(tmp_path, environ=server_profile(redis.url, facade.url)) as worker:
        ...  # look at worker.url + "/metrics"
        await worker.kill()
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.process import ServingProcess, start, stopping


def server_profile(redis_url: str, qdrant_url: str, **settings: str | int) -> dict[str, str]:
    """Return the environment of a worker of the server profile; ``section__key=value`` sets anything else."""
    named: dict[str, str | int] = {
        "storage__profile": "server",
        "storage__redis__url": redis_url,
        "storage__qdrant__url": qdrant_url,
        "embedding__kind": "hashed",
        "worker__port": 0,
        **settings,
    }
    return {f"MEMORYOS__{name.upper()}": str(value) for name, value in named.items()} | {"OMP_NUM_THREADS": "1"}


@asynccontextmanager
async def running_worker(directory: Path, *, environ: Mapping[str, str]) -> AsyncIterator[ServingProcess]:
    """Run a worker until the block ends; stopped then, if it still runs."""
    process = await start("memoryos_worker", "run", cwd=directory, environ=environ)
    async with stopping(ServingProcess(process)) as worker:
        yield worker
