"""Which server a Redis command goes to, and a connection there: one server, the master of Sentinel, or a cluster's."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, Protocol, TypeAlias

from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, MovedError, RedisClusterException

from memoryos_adapters.settings import RedisSettings
from memoryos_ports.errors import ConfigurationError

Argument: TypeAlias = str | bytes | int | float
Command: TypeAlias = Sequence[Argument]

_KEY_AT: Final = {"EVAL": 3, "EVALSHA": 3, "XGROUP": 2, "XINFO": 2, "OBJECT": 2}
_BROKEN: Final = (ConnectionError, OSError)


class Servers(Protocol):
    """The servers behind a configuration. Raises the client library's errors."""

    def connection(self, key: str | None, server: str | None = None) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection to the server that holds a key (any for None), or to one of `names`."""
        ...

    async def names(self) -> list[str | None]:
        """Return the names of the servers that hold keys; None where there is but one."""
        ...

    def place(self, key: str | None) -> str:
        """Return what is the same for keys that may share a round trip."""
        ...

    def distrust(self, key: str | None) -> None:
        """Note that the server of this key did not answer as it should: before the next call it is looked for again."""
        ...

    async def follow(self, moved: MovedError) -> None:
        """Note where a server says that a slot is now. Raises the error when that cannot be."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


def open_servers(settings: RedisSettings) -> Servers:
    """Return the servers that the settings name; nothing is connected yet.

    Query parameters of the URL are options of the connection, such as ``ssl_ca_certs``, ``ssl_certfile`` and
    ``ssl_keyfile`` of a ``rediss://`` URL. Raises ConfigurationError for a URL that cannot be read.
    """
    options = _options(settings)
    match settings.mode:
        case "standalone":
            return SingleServer(ConnectionPool(**options))
        case "sentinel":
            return _sentinel(settings, options)
        case "cluster":
            options["ssl"] = options.pop("connection_class", Connection) is SSLConnection
            options["max_connections"] = settings.max_connections
            return ClusterServers(RedisCluster(**options))


class SingleServer:
    """One server at a time: the one of the URL, or the master that sentinels name when a connection is made."""

    def __init__(self, pool: ConnectionPool, sentinel: Sentinel | None = None) -> None:
        self._pool = pool  # makes connections; lending them by itself costs it a third of a command's time
        self._sentinel = sentinel
        self._idle: list[Connection] = []

    @asynccontextmanager
    async def connection(self, key: str | None, server: str | None = None) -> AsyncIterator[Connection]:
        """Lend a connection, one that was closed meanwhile connected anew."""
        connection = self._idle.pop() if self._idle else self._make()
        try:
            await _refresh(connection)
            yield connection
        except BaseException as exc:  # what was not read would be taken for the next command's answer
            await connection.disconnect(nowait=True)
            if isinstance(exc, _BROKEN):
                self.distrust(key)
            raise
        finally:
            self._idle.append(connection)

    def place(self, key: str | None) -> str:
        """Return the same for every key."""
        return ""

    def distrust(self, key: str | None) -> None:
        """Lend no idle connection as it is: the server that it leads to may be the master no more."""
        for connection in self._idle:
            connection.mark_for_reconnect()  # type: ignore[no-untyped-call]  # so is redis-py

    async def names(self) -> list[str | None]:
        """Return that there is one server."""
        return [None]

    async def follow(self, moved: MovedError) -> None:
        """Raise the error: these settings know of no other server."""
        raise moved

    async def aclose(self) -> None:
        """Close all connections, those to the sentinels too."""
        for connection in self._idle:
            await connection.disconnect(nowait=True)
        if self._sentinel is not None:
            await self._sentinel.aclose()

    def _make(self) -> Connection:
        connection: Connection = self._pool.make_connection()  # type: ignore[no-untyped-call]  # so is redis-py
        return connection


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
            await _refresh(connection)
            yield connection
        except BaseException as exc:
            await connection.disconnect(nowait=True)
            if isinstance(exc, _BROKEN):
                self.distrust(key)
            raise
        finally:
            node.release(connection)

    def place(self, key: str | None) -> str:
        """Return the slot of the key."""
        return "" if key is None else str(self._client.keyslot(key))

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


def key_of(command: Command) -> str | None:
    """Return the first key that a command names, None for one without keys."""
    name = str(command[0]).upper()
    if name in ("XREAD", "XREADGROUP"):
        return _text(command[[str(word).upper() for word in command].index("STREAMS") + 1])
    at = _KEY_AT.get(name, 1)
    return _text(command[at]) if len(command) > at else None


def _text(argument: Argument) -> str:
    return argument.decode() if isinstance(argument, bytes) else str(argument)


def _options(settings: RedisSettings) -> dict[str, Any]:
    try:
        options: dict[str, Any] = dict(parse_url(settings.url))
    except ValueError as exc:
        raise ConfigurationError([f"storage.redis.url: {exc}"]) from exc
    if settings.password is not None:
        options["password"] = settings.password.reveal()
    return {
        **options,
        "protocol": 2,  # answers of 6.2 and of later versions have the same shape
        "socket_timeout": None,  # the whole exchange has its time-out
        "socket_connect_timeout": settings.connect_timeout_s,
        "retry": _no_retry(),
    }


def _sentinel(settings: RedisSettings, options: dict[str, Any]) -> SingleServer:
    asking = {
        "socket_timeout": settings.connect_timeout_s,
        "socket_connect_timeout": settings.connect_timeout_s,
        "retry": _no_retry(),
    }
    addresses = [_host_and_port(each) for each in settings.sentinels]
    sentinel = Sentinel(addresses, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    secure = options.pop("connection_class", Connection) is SSLConnection
    options["connection_class"] = SentinelManagedSSLConnection if secure else SentinelManagedConnection
    options.pop("host", None)
    options.pop("port", None)
    pool = SentinelConnectionPool(settings.master, sentinel, **options)  # type: ignore[no-untyped-call]
    return SingleServer(pool, sentinel)


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigurationError([f"storage.redis.sentinels: {address!r} is not host:port"])
    return host.strip("[]"), int(port)


def _no_retry() -> Retry:
    """Return the policy of an error that comes out at once: who calls knows better what to do about it."""
    return Retry(NoBackoff(), 0)


async def _refresh(connection: Connection) -> None:
    """Connect what is not, or not any more."""
    is_spoilt = connection.should_reconnect()  # type: ignore[no-untyped-call]  # so is redis-py
    if connection.is_connected and (is_spoilt or await connection.can_read()):
        await connection.disconnect(nowait=True)
    await connection.connect()  # type: ignore[no-untyped-call]  # so is redis-py
