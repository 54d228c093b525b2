"""A command of ours as a process that a test kills, pauses and starts again; what it writes goes to a file."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

START_S = 60.0
STOP_S = 40.0

_POLL_S = 0.02


class Child:
    """``python -m module arguments`` that serves HTTP on a port of its own, the same after every start.

    It has started when `live` (a path) answers 200. What it writes is in ``NAME.log`` of its directory.
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        command: tuple[str, ...],
        *,
        port: int,
        live: str,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        self.url = f"http://127.0.0.1:{port}"
        self._directory = directory
        self._command = command
        self._live = live
        self._environ = dict(environ or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start it, and return when it answers. Raises AssertionError with its output when it ends before."""
        self.launch()
        async with asyncio.timeout(START_S), httpx.AsyncClient(trust_env=False, verify=False, timeout=2) as client:
            while not await self._answers(client):
                assert self.runs, f"{self.name} ended:\n{self.tail()}"
                await asyncio.sleep(_POLL_S)

    async def kill(self) -> None:
        """End it at once (SIGKILL); nothing happens when it does not run."""
        await asyncio.to_thread(self.end, signal.SIGKILL)

    async def stop(self) -> int:
        """Let it end in order (SIGTERM); return its exit code."""
        assert self._process is not None, f"{self.name} does not run"
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._process.wait, STOP_S)

    async def pause(self) -> None:
        """Stop its clock (SIGSTOP): connections stay, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    async def resume(self) -> None:
        """Let it go on after `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    def launch(self) -> None:
        """Start it, and do not wait until it answers."""
        assert not self.runs, f"{self.name} runs already"
        self._directory.mkdir(parents=True, exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MEMORYOS")}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._command],
                cwd=self._directory,  # away from whatever config.toml stands where the tests are run
                env={**inherited, "OMP_NUM_THREADS": "1", **self._environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def end(self, how: signal.Signals) -> None:
        """End it with a signal, paused or not. Blocks; after `STOP_S` it is killed."""
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of what it wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.url}{self._live}")).status_code == 200
        except httpx.TransportError:
            return False
