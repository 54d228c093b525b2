"""A cluster of real processes on loopback: one Redis, one Qdrant facade, gateways and workers.

::

    async with running_cluster(tmp_path, gateways=2, workers=3) as cluster:
        ...  # talk to cluster.gateways[0].url
        await cluster.workers[0].kill()
        await cluster.workers[0].start()
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import httpx
from redis.asyncio import Redis
from redis.exceptions import ConnectionError

from tests.e2e.cluster.child import Child
from tests.e2e.cluster.people import keys_as_toml
from tests.support.redis_server import RedisServer, free_port

STREAM = "chat_log"
DEAD = "chat_log:dlq"
GROUP = "memoryos-workers"
TAP = "tap"
"""A group that nobody reads with: since it has everything before it, nothing may be trimmed."""

Fields: TypeAlias = dict[bytes, bytes]
"""The fields of a stream's entry."""

_POLL_S = 0.05


class Cluster:
    """Processes that share stores; none runs until it is started, and parts may be ended and started in between.

    `settings` are variables of the environment of gateways and workers. `redis` is a server that somebody else starts
    and ends, `redis_options` are lines of its section in the configuration.
    """

    def __init__(
        self,
        directory: Path,
        *,
        gateways: int = 2,
        workers: int = 3,
        llm_url: str | None = None,
        settings: Mapping[str, str] | None = None,
        redis: RedisServer | None = None,
        redis_options: str = "",
    ) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.redis = redis or RedisServer(directory / "redis", appendonly=True, appendfsync="always")
        self.qdrant = _facade(directory)
        environ = {"MEMORYOS_CONFIG": str(directory / "config.toml"), **(settings or {})}
        self.gateways = [_gateway(directory, number, environ) for number in range(gateways)]
        self.workers = [_worker(directory, number, environ) for number in range(workers)]
        (directory / "config.toml").write_text(self._configuration(llm_url, redis_options))

    @property
    def children(self) -> list[Child]:
        """Every process but Redis."""
        return [self.qdrant, *self.gateways, *self.workers]

    @property
    def urls(self) -> list[str]:
        """Where the gateways serve."""
        return [gateway.url for gateway in self.gateways]

    def part(self, name: str) -> "Child | RedisServer":
        """Return a process by its name: ``redis``, ``qdrant``, ``gateway-0``, ``worker-2``."""
        return self.redis if name == "redis" else next(child for child in self.children if child.name == name)

    async def start(self) -> None:
        """Start everything, the stores first."""
        await self.start_stores()
        await self.start_ours()

    async def start_stores(self) -> None:
        """Start Redis, with the tap, and Qdrant."""
        await self.redis.start()
        await self.tap()
        await self.qdrant.start()

    async def start_ours(self) -> None:
        """Start gateways and workers."""
        await asyncio.gather(*(child.start() for child in (*self.gateways, *self.workers)))

    async def tap(self) -> None:
        """Keep every entry of the stream: a group that does not read has everything before it."""
        async with self.client() as redis:
            await redis.xgroup_create(STREAM, TAP, id="0", mkstream=True)

    async def revive(self) -> None:
        """Start what does not run."""
        async with self.client() as redis:
            try:
                await redis.ping()
            except ConnectionError:
                await self.redis.kill()
                await self.redis.start()
        await asyncio.gather(*(child.start() for child in self.children if not child.runs))

    def client(self) -> Redis:
        """Return a new client of the Redis; whoever opens it closes it."""
        return Redis.from_url(self.redis.url, socket_timeout=10)

    async def drained(self, *, within_s: float) -> None:
        """Return once no gateway's outbox holds an event and every entry of the stream was delivered and settled."""
        try:
            async with (
                asyncio.timeout(within_s),
                self.client() as redis,
                httpx.AsyncClient(trust_env=False, verify=False, timeout=10) as http,
            ):
                while True:
                    if await self._outboxes_are_empty(http) and await _is_settled(redis):
                        return
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise AssertionError(f"not drained within {within_s} s: {await self.backlog()}") from None

    async def backlog(self) -> dict[str, Any]:
        """Return what is known of the queue, for messages."""
        async with self.client() as redis:
            groups: Any = await redis.xinfo_groups(STREAM)
            pending: Any = await redis.xpending_range(STREAM, GROUP, "-", "+", 5)
            return {"groups": groups, "length": await redis.xlen(STREAM), "pending": pending}

    async def put(self, fields: Fields, *, stream: str = STREAM) -> str:
        """Put an entry into a stream, as anybody may; return its id."""
        async with self.client() as redis:
            entry_id: Any = await redis.xadd(stream, {**fields})  # type: ignore[dict-item]  # mappings are invariant
        return str(entry_id.decode())

    async def entries(self, stream: str = STREAM) -> list[tuple[str, Fields]]:
        """Return everything in a stream: the entries' ids and fields."""
        async with self.client() as redis:
            found: Any = await redis.xrange(stream)
        return [(entry_id.decode(), fields) for entry_id, fields in found]

    async def _outboxes_are_empty(self, http: httpx.AsyncClient) -> bool:
        answers = await asyncio.gather(*(http.get(f"{url}/health/status") for url in self.urls))
        return not any(answer.json().get("outbox", {}).get("waiting", 0) for answer in answers)

    def _configuration(self, llm_url: str | None, redis_options: str) -> str:
        llm = f'[llm.providers.echo]\nkind = "openai"\nbase_url = "{llm_url}"\napi_key = "sk-echo"\n' if llm_url else ""
        return f"""
[storage]
profile = "server"
[storage.redis]
url = "{self.redis.url}"
{redis_options}
[storage.qdrant]
url = "{self.qdrant.url}"
[embedding]
kind = "hashed"
[worker]
claim_idle_ms = 2000
block_ms = 500
[memory]
recall_timeout_ms = 500
{llm}{keys_as_toml()}"""


@asynccontextmanager
async def running_cluster(
    directory: Path,
    *,
    gateways: int = 2,
    workers: int = 3,
    llm_url: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Cluster]:
    """Run a cluster until the block ends."""
    cluster = Cluster(directory, gateways=gateways, workers=workers, llm_url=llm_url, settings=settings)
    async with ended_at_last(cluster):
        await cluster.start()
        yield cluster


@asynccontextmanager
async def ended_at_last(cluster: Cluster) -> AsyncIterator[Cluster]:
    """End every process of a cluster when the block ends, however it ends."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(cluster.redis.kill)
        for child in cluster.children:
            stack.push_async_callback(child.kill)
        yield cluster


def _facade(directory: Path) -> Child:
    port = free_port()
    command = ("tests.support.qdrant_facade", "--port", str(port), "--path", str(directory / "qdrant"))
    root = str(Path(__file__).parents[3])
    return Child("qdrant", directory, command, port=port, live="/", environ={"PYTHONPATH": root})


def _gateway(directory: Path, number: int, environ: Mapping[str, str]) -> Child:
    port, name = free_port(), f"gateway-{number}"
    command = ("memoryos_gateway", "serve", "--port", str(port), "--data-dir", str(directory / name))
    switched = {"MEMORYOS_ASYNC_MEMORY_PIPELINE": "true", **environ}
    return Child(name, directory, command, port=port, live="/health/live", environ=switched)


def _worker(directory: Path, number: int, environ: Mapping[str, str]) -> Child:
    port, name = free_port(), f"worker-{number}"
    listening = {"MEMORYOS__WORKER__PORT": str(port), **environ}
    return Child(name, directory, ("memoryos_worker", "run"), port=port, live="/health/live", environ=listening)


async def _is_settled(redis: Redis) -> bool:
    try:
        newest: Any = await redis.xinfo_stream(STREAM)
        groups: Any = await redis.xinfo_groups(STREAM)
    except ConnectionError:  # a server that changes its role drops its clients
        return False
    return any(
        group["name"] == GROUP.encode()
        and group["pending"] == 0
        and group["last-delivered-id"] == newest["last-generated-id"]
        for group in groups
    )
