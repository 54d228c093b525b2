"""The masters of a Redis Cluster: which of them holds a key, and connections there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection
from redis.exceptions import MovedError, RedisClusterException

from memoryos_adapters.redis_connections import BROKEN, close_after, refresh

_MOST_KEYS: Final = 16_384


class ClusterServers:
    """The masters of a cluster, learnt from the server of the URL, and learnt again when keys move or masters die."""

    def __init__(self, client: RedisCluster) -> None:
        self._client = client
        self._suspect: str | None = None

    @asynccontextmanager
    async def connection(self, key: str | None, server: str | None = None) -> AsyncIterator[Connection]:
        """Lend a connection to the master that holds the key, or to the one of a name."""
        await self._learn()
        node = self._node(key) if server is None else self._client.get_node(node_name=server)
        if node is None:
            raise RedisClusterException("no server of the cluster is known")
        connection = node.acquire_connection()
        try:
            await refresh(connection)
            yield connection
        except BaseException as exc:
            await close_after(connection, exc)
            if isinstance(exc, BROKEN):
                self.distrust(key)
            raise
        finally:
            node.release(connection)

    def place(self, key: str | None) -> str:
        """Return the slot of the key."""
        return "" if key is None else str(self._client.keyslot(key))

    async def spread(self, key: str) -> list[str]:
        """Return keys of which each master holds one; one that holds next to no slots may have none."""
        await self._learn()
        masters, found = len(self._client.get_primaries()), dict[str, str]()
        for number in range(_MOST_KEYS):
            if len(found) >= masters:
                break
            numbered = f"{key}:{number}"
            if (node := self._node(numbered)) is not None:
                found.setdefault(node.name, numbered)
        return list(found.values())

    def distrust(self, key: str | None) -> None:
        """Learn again who holds what before the next command, from any server rather than this one."""
        node = self._node(key)
        self._suspect = node.name if node else ""

    async def names(self) -> list[str | None]:
        """Return the names of the masters."""
        await self._learn()
        return [node.name for node in self._client.get_primaries()]

    async def follow(self, moved: MovedError) -> None:
        """Note who holds the slot now."""
        await self._client.nodes_manager.move_slot(moved)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def _node(self, key: str | None) -> ClusterNode | None:
        return self._client.get_default_node() if key is None else self._client.get_node_from_key(key)

    async def _learn(self) -> None:
        await self._client.initialize()
        if self._suspect is not None:
            await self._client.nodes_manager.initialize(last_failed_node_name=self._suspect)
            self._suspect = None
