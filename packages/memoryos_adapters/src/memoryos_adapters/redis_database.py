"""The Redis of the server profile: one client per process, scripts by their digest, errors of our tree.

Works on Redis 6.2 and later (no functions, no WAITAOF). Opening never fails for a server that is absent: the first
call does, and the one after it tries again.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import msgspec
from redis.asyncio import Redis
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from memoryos_adapters.settings import RedisSettings
from memoryos_ports.errors import StorageFull, UpstreamProtocolError, UpstreamTimeout, UpstreamUnavailable
from memoryos_ports.ids import Scope, scope_key

UPSTREAM: Final = "redis"

Argument: TypeAlias = str | bytes | int | float


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A Lua script: what it does is atomic. All its keys hash to one slot."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        """The name under which a server that has seen it runs it."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def beside(cls, module: str, name: str) -> Self:
        """Return the script in file `name` beside a module, given by its ``__file__``."""
        return cls(name=name, text=Path(module).with_name(name).read_text(encoding="utf-8"))


def scope_prefix(scope: Scope) -> str:
    """Return how every key of a scope begins; its hash tag keeps them all in one slot."""
    return f"memoryos:{{{scope_key(scope)}}}"


class RedisDatabase:
    """An open connection pool; built by `open`. Answers are bytes, integers and lists as the server gives them.

    Raises UpstreamUnavailable or UpstreamTimeout when the server cannot be reached, StorageFull when it is at its
    memory bound, UpstreamProtocolError for what it cannot do.
    """

    def __init__(self, client: Redis, settings: RedisSettings) -> None:
        self._client = client
        self._settings = settings

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: RedisSettings) -> AsyncIterator[Self]:
        """Make the client (nothing is connected yet), and close its connections at the end."""
        password = settings.password.reveal() if settings.password else None
        client = Redis.from_url(
            settings.url,
            password=password,
            socket_timeout=settings.timeout_s,
            socket_connect_timeout=settings.connect_timeout_s,
            max_connections=settings.max_connections,
        )
        try:
            yield cls(client, settings)
        finally:
            await client.aclose()

    @property
    def is_cluster(self) -> bool:
        """Whether keys of different hash slots are on different servers: a script then has keys of one slot only."""
        return self._settings.mode == "cluster"

    async def execute(self, *command: Argument) -> Any:
        """Send one command (``"HGET", key, field``); return its answer."""
        with redis_errors():
            return await self._client.execute_command(*command)

    async def run(self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """Run a script; a server that does not know it yet is given it. Return its answer."""
        with redis_errors():
            try:
                return await self._client.execute_command("EVALSHA", script.digest, len(keys), *keys, *args)
            except NoScriptError:
                return await self._client.execute_command("EVAL", script.text, len(keys), *keys, *args)

    async def pipeline(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        """Send commands in one round trip (a cluster: one to each server); they are not atomic. Return the answers."""
        with redis_errors():
            pipeline = self._client.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)
            return list(await pipeline.execute())

    async def ping(self) -> None:
        """Return when the server answers and takes writes."""
        await self.execute("PING")


@contextmanager
def redis_errors() -> Iterator[None]:
    """Translate the client library's errors into ours."""
    try:
        yield
    except (TimeoutError, BusyLoadingError) as exc:
        raise UpstreamTimeout(upstream=UPSTREAM, detail=str(exc)) from exc
    except (ConnectionError, AuthenticationError, ReadOnlyError) as exc:
        raise UpstreamUnavailable(upstream=UPSTREAM, detail=str(exc)) from exc
    except OutOfMemoryError as exc:
        raise StorageFull(UPSTREAM) from exc
    except (ResponseError, RedisError) as exc:
        raise UpstreamProtocolError(upstream=UPSTREAM, detail=str(exc)) from exc
