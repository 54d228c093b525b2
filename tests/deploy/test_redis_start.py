"""How the cluster's Redis and Sentinel are started, with real servers: who is primary outlives a restart."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.deploy.compose import COMPOSE
from tests.support.redis_server import find_binary, free_port

PASSWORD = "not-a-secret"
START_S = 30


class Node:
    """A Redis or a Sentinel that a script of deploy/compose/redis starts on the loopback."""

    def __init__(self, script: str, directory: Path, **environ: str) -> None:
        self.port = free_port()
        self._script = COMPOSE / "redis" / script
        self._is_redis = script == "start-redis.sh"
        directory.mkdir()
        binaries = Path(find_binary("redis-server")).parent
        self._environ = {
            **os.environ,
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "NODE": "127.0.0.1",
            "REDIS_PASSWORD": PASSWORD,
            "REDIS_BASE": str(COMPOSE / "redis/redis.conf"),
            "REDIS_DATA": str(directory),
            "REDIS_PORT": str(self.port),
            "SENTINEL_DATA": str(directory),
            "SENTINEL_PORT": str(self.port),
            **environ,
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run it until the block ends; then it is killed, as a machine that loses its power would."""
        process = await asyncio.create_subprocess_exec(
            "sh", self._script, env=self._environ, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            await until(lambda: self.ask("PING") == "PONG")
            yield
        finally:
            process.kill()
            await process.wait()

    def ask(self, *command: str, password: str | None = PASSWORD) -> str:
        """Return the answer to a command, as redis-cli prints it. A Sentinel has no password."""
        call = [find_binary("redis-cli"), "-p", str(self.port), "--no-auth-warning", *command]
        environ = {**os.environ, **({"REDISCLI_AUTH": password} if password and self._is_redis else {})}
        return subprocess.run(call, env=environ, capture_output=True, text=True, timeout=20).stdout.strip()


async def until(holds: Callable[[], bool]) -> None:
    """Return once it holds."""
    async with asyncio.timeout(START_S):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110  # what another process says can only be asked for
            await asyncio.sleep(0.05)


def is_replica(node: Node) -> bool:
    """Tell whether a node follows another, and reaches it."""
    info = node.ask("INFO", "replication")
    return "role:slave" in info and "master_link_status:up" in info


@pytest.fixture
def primary(tmp_path: Path) -> Node:
    """Return the node that is primary at first."""
    return Node("start-redis.sh", tmp_path / "primary")


@pytest.fixture
def replica(tmp_path: Path, primary: Node) -> Node:
    """Return the node that is its replica at first."""
    return Node("start-redis.sh", tmp_path / "replica", PRIMARY="127.0.0.1", PRIMARY_PORT=str(primary.port))


@pytest.fixture
def sentinel(tmp_path: Path, primary: Node) -> Node:
    """Return a Sentinel that decides alone."""
    watched = {"PRIMARY": "127.0.0.1", "PRIMARY_PORT": str(primary.port), "QUORUM": "1"}
    return Node("start-sentinel.sh", tmp_path / "sentinel", **watched)


async def test_a_redis_keeps_what_it_acknowledges_and_asks_for_the_password(primary: Node) -> None:
    async with primary.running():
        kept = {name: primary.ask("CONFIG", "GET", name).splitlines()[-1] for name in ("appendonly", "appendfsync")}
        kept["maxmemory-policy"] = primary.ask("CONFIG", "GET", "maxmemory-policy").splitlines()[-1]
        refused = primary.ask("PING", password=None)
    assert kept == {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
    assert refused.startswith("NOAUTH")


async def test_after_a_failover_a_restarted_primary_stays_a_replica(
    primary: Node, replica: Node, sentinel: Node
) -> None:
    async with AsyncExitStack() as running:
        first = await running.enter_async_context(AsyncExitStack())
        await first.enter_async_context(primary.running())
        await running.enter_async_context(replica.running())
        await until(lambda: is_replica(replica))
        watching = await running.enter_async_context(AsyncExitStack())
        await watching.enter_async_context(sentinel.running())
        await until(lambda: sentinel.ask("SENTINEL", "FAILOVER", "mymaster") == "OK")
        await until(lambda: "role:master" in replica.ask("INFO", "replication") and is_replica(primary))

        await first.aclose()
        await watching.aclose()
        await running.enter_async_context(primary.running())
        await until(lambda: is_replica(primary))  # by its own file: no Sentinel is there to tell it
        async with sentinel.running():
            known = sentinel.ask("SENTINEL", "get-master-addr-by-name", "mymaster").splitlines()

    assert known == ["127.0.0.1", str(replica.port)]
