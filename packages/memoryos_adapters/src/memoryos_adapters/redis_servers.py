"""Which server a Redis command goes to, and a connection there: one server, the master of Sentinel, or a cluster's."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, Protocol, TypeAlias

from redis.asyncio import RedisCluster
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection, parse_url
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import MovedError

from memoryos_adapters.redis_cluster import ClusterServers
from memoryos_adapters.redis_connections import BROKEN, close_after, no_retry, refresh
from memoryos_adapters.redis_sentinels import open_sentinels
from memoryos_adapters.settings import RedisSettings
from memoryos_ports.errors import ConfigurationError

Argument: TypeAlias = str | bytes | int | float
Command: TypeAlias = Sequence[Argument]

_KEY_AT: Final = {"EVAL": 3, "EVALSHA": 3, "XGROUP": 2, "XINFO": 2, "OBJECT": 2}


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

    async def spread(self, key: str) -> list[str]:
        """Return keys, made of this one, of which each server that holds keys holds one."""
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
            return SingleServer(*open_sentinels(settings, options))
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
            await refresh(connection)
            yield connection
        except BaseException as exc:
            await close_after(connection, exc)
            if isinstance(exc, BROKEN):
                self.distrust(key)
            raise
        finally:
            self._idle.append(connection)

    def place(self, key: str | None) -> str:
        """Return the same for every key."""
        return ""

    async def spread(self, key: str) -> list[str]:
        """Return the key: there is one server."""
        return [key]

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
        "retry": no_retry(),
    }
