"""The commands as a user runs them: each in a process of its own, with an empty environment of ours.

::

    async with serving(tmp_path / "data") as gateway:
        ...  # talk to gateway.url
        await gateway.kill()
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

import msgspec

START_S = 30.0
STOP_S = 30.0

_ANNOUNCED = re.compile(r"^MemoryOS (?:gateway|worker) serves on (http://\S+)$")
_LONGEST_LINE = 1024 * 1024


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A command that ended."""

    code: int
    stdout: str
    stderr: str


class ServingProcess:
    """A running gateway or worker; `lines` is what it wrote to its standard error so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._news = asyncio.Condition()
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read())

    @property
    def url(self) -> str:
        """Where it serves."""
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
        """Return once it serves. Raises AssertionError with its output when it ends before."""
        async with asyncio.timeout(START_S):
            waited: set[asyncio.Future[Any]] = {self._url, self._reading}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        assert self._url.done(), "it did not start:\n" + "\n".join(self.lines)

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


@asynccontextmanager
async def serving(
    data_dir: Path, *flags: str, environ: Mapping[str, str] | None = None
) -> AsyncIterator[ServingProcess]:
    """Serve `data_dir` with the hashed embedder on a free port until the block ends; stopped then, if it still runs."""
    arguments = ("serve", "--port", "0", "--data-dir", str(data_dir), "--set", "embedding.kind=hashed", *flags)
    process = await start("memoryos_gateway", *arguments, cwd=data_dir.parent, environ=environ)
    async with stopping(ServingProcess(process)) as gateway:
        yield gateway


@asynccontextmanager
async def stopping(process: ServingProcess) -> AsyncIterator[ServingProcess]:
    """Wait until it serves, and stop it at the end, if it still runs."""
    try:
        await process.announced()
        yield process
    finally:
        if process.runs:
            process.ask_to_stop()
        await process.ended()


async def run_command(module: str, *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None) -> Finished:
    """Run ``python -m module arguments`` to its end."""
    process = await start(module, *arguments, cwd=cwd, environ=environ)
    async with asyncio.timeout(START_S):
        stdout, stderr = await process.communicate()
    assert process.returncode is not None
    return Finished(code=process.returncode, stdout=stdout.decode(), stderr=stderr.decode())


async def start(
    module: str, *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    """Start ``python -m module arguments``; its output is piped."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MEMORYOS")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        cwd=cwd,  # away from whatever config.toml stands where the tests are run
        env={**inherited, **(environ or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
