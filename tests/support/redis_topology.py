"""More than one real redis-server: a master with a replica that a sentinel watches, and a cluster of three masters."""

import asyncio
import atexit
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from functools import cache, partial
from pathlib import Path

import msgspec

from tests.support.redis_server import START_S, RedisServer, redis_server, running_redis

MASTER = "mymaster"

_POLL_S = 0.01
_SLOTS = 16_384
_SENTINEL = """\
port {port}
bind 127.0.0.1
dir {directory}
sentinel monitor {master} 127.0.0.1 {watched} 1
sentinel down-after-milliseconds {master} {down_after_ms}
sentinel failover-timeout {master} 2000
"""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A master and its replica, and the addresses (``host:port``) of the sentinels that watch them."""

    master: RedisServer
    replica: RedisServer
    sentinels: tuple[str, ...]


@asynccontextmanager
async def watched_redis(
    directory: Path, *, down_after_ms: int = 300, **options: str | int | bool
) -> AsyncIterator[Watched]:
    """Run a master, a replica that has caught up, and one sentinel that decides alone (quorum 1)."""
    async with AsyncExitStack() as stack:
        master = await stack.enter_async_context(redis_server(directory / "master"))
        follow = f"127.0.0.1 {master.port}"
        replica = await stack.enter_async_context(
            redis_server(directory / "replica", replicaof=follow, repl_diskless_sync=True, repl_diskless_sync_delay=0)
        )
        sentinel = _Sentinel(directory / "sentinel", watched=master.port, down_after_ms=down_after_ms)
        stack.push_async_callback(sentinel.kill)
        await sentinel.start()
        await until(partial(_says, replica, "master_link_status:up", "info", "replication"))
        await until(partial(_says, sentinel, "num-slaves\n1\n", "sentinel", "master", MASTER))
        yield Watched(master=master, replica=replica, sentinels=(f"127.0.0.1:{sentinel.port}",))


@contextmanager
def running_cluster(directory: Path, *, masters: int = 3) -> Iterator[list[RedisServer]]:
    """Run a cluster without replicas whose masters hold all slots. Blocks: it takes two seconds to come together."""
    bounds = [number * _SLOTS // masters for number in range(masters + 1)]
    with ExitStack() as stack:
        servers = [
            stack.enter_context(running_redis(directory / f"node{number}", cluster_enabled=True))
            for number in range(masters)
        ]
        for server, first, end in zip(servers, bounds[:-1], bounds[1:], strict=True):
            server.cli("cluster", "addslots", *map(str, range(first, end)))
            servers[0].cli("cluster", "meet", "127.0.0.1", str(server.port))
        deadline = time.monotonic() + START_S
        while not all(_says(server, "cluster_state:ok", "cluster", "info") for server in servers):
            assert time.monotonic() < deadline, "the cluster does not come together"
            time.sleep(_POLL_S)
        yield servers


@cache
def shared_cluster() -> list[RedisServer]:
    """Return a cluster that is there until this process ends; whoever uses it empties it first."""
    directory = Path(tempfile.mkdtemp(prefix="memoryos-cluster-"))
    running = running_cluster(directory)
    servers = running.__enter__()
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    atexit.register(running.__exit__, None, None, None)
    return servers


async def until(condition: Callable[[], bool]) -> None:
    """Return once a condition about servers holds, which is looked at again and again."""
    deadline = time.monotonic() + START_S
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, "the servers do not come together"
        await asyncio.sleep(_POLL_S)


class _Sentinel(RedisServer):
    """A sentinel, which keeps its state in its own configuration file."""

    def __init__(self, directory: Path, *, watched: int, down_after_ms: int) -> None:
        super().__init__(directory)
        self._file = directory / "sentinel.conf"
        directory.mkdir(parents=True)
        text = _SENTINEL.format(
            port=self.port, directory=directory, master=MASTER, watched=watched, down_after_ms=down_after_ms
        )
        self._file.write_text(text, encoding="utf-8")

    def _arguments(self) -> list[str]:
        return [str(self._file), "--sentinel"]


def _says(server: RedisServer, words: str, *command: str) -> bool:
    return words in server.cli(*command).replace("\r", "")
