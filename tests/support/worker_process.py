"""A `memoryos-worker run` as an operator runs it: a process of its own, with an environment of ours.

::

    async with running_worker(tmp_path, environ=server_profile(redis.url, facade.url)) as worker:
        ...  # look at worker.url + "/metrics"
        await worker.kill()
"""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

START_S = 30.0
STOP_S = 30.0

_ANNOUNCED = re.compile(r"^MemoryOS worker serves on (http://\S+)$")
_LONGEST_LINE = 1024 * 1024


class WorkerProcess:
    """A running worker; `lines` is what it wrote to its standard error so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._news = asyncio.Condition()
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read())

    @property
    def url(self) -> str:
        """Where its health and metrics are."""
        return self._url.result()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.returncode is None

    async def announced(self) -> None:
        """Return once its endpoint answers. Raises AssertionError with its output when it ends before."""
        async with asyncio.timeout(START_S):
            waited: set[asyncio.Future[Any]] = {self._url, self._reading}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        assert self._url.done(), "the worker did not start:\n" + "\n".join(self.lines)

    async def said(self, words: str) -> None:
        """Return once it has written a line that holds these words."""
        async with asyncio.timeout(STOP_S), self._news:
            await self._news.wait_for(lambda: any(words in line for line in self.lines))

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Return the exit code, once it has ended."""
        async with asyncio.timeout(STOP_S):
            await self._reading
            return await self._process.wait()

    async def kill(self) -> None:
        """Send SIGKILL, and return when it is dead."""
        self._process.kill()
        await self.ended()

    async def _read(self) -> None:
        assert self._process.stderr is not None
        async for raw in self._process.stderr:
            line = raw.decode().rstrip("\n")
            async with self._news:
                self.lines.append(line)
                self._news.notify_all()
            if (found := _ANNOUNCED.match(line)) and not self._url.done():
                self._url.set_result(found[1])


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
async def running_worker(directory: Path, *, environ: Mapping[str, str]) -> AsyncIterator[WorkerProcess]:
    """Run a worker until the block ends; stopped then, if it still runs."""
    worker = WorkerProcess(await start_worker(directory, "run", environ=environ))
    try:
        await worker.announced()
        yield worker
    finally:
        if worker.runs:
            worker.ask_to_stop()
        await worker.ended()


async def start_worker(directory: Path, *arguments: str, environ: Mapping[str, str]) -> asyncio.subprocess.Process:
    """Start ``memoryos-worker arguments`` away from whatever config.toml stands where the tests are run."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MEMORYOS")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "memoryos_worker",
        *arguments,
        cwd=directory,
        env={**inherited, **environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
