"""The Redis of the server profile: one client per process, scripts by their digest, errors of our tree.

Works on Redis 6.2 and later (no functions, no WAITAOF). Opening never fails for a server that is absent: the first
call does, and the one after it tries again.
"""

import asyncio
import hashlib
import math
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import msgspec
from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import (
    InvalidResponse,
    MovedError,
    NoPermissionError,
    NoScriptError,
    RedisClusterException,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from memoryos_adapters.breaker import Breaker
from memoryos_adapters.redis_servers import Argument, Command, Servers, key_of, open_servers
from memoryos_adapters.settings import RedisSettings
from memoryos_ports.errors import StorageFull, UpstreamProtocolError, UpstreamTimeout, UpstreamUnavailable
from memoryos_ports.ids import Scope, scope_key

UPSTREAM: Final = "redis"

_PROBE: Final = "memoryos:probe"
_PAGE: Final = 500
# the code of an error, which inside a script's error stands in the middle of Redis 6.2's text
_CODE: Final = re.compile(
    r"(?:^|-)(READONLY|OOM|LOADING|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|MISCONF|TRYAGAIN|ASK|NOAUTH|NOPERM|BUSY)\b"
)
_NOT_ALLOWED: Final = ("The user executing the script can't run", "ACL failure in script")  # of Redis 6.2, of 7
_OF_ANOTHER_SERVER: Final = frozenset({"READONLY", "LOADING", "MASTERDOWN"})


class Script(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A Lua script: what it does is atomic. All its keys hash to one slot."""

    name: str
    text: str

    @cached_property
    def digest(self) -> str:
        """The name under which a server that has seen it runs it."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def beside(cls, module: str, *names: str) -> Self:
        """Return the script in the files `names`, one after the other, beside a module, given by its ``__file__``."""
        texts = [Path(module).with_name(name).read_text(encoding="utf-8") for name in names]
        return cls(name=names[-1], text="\n".join(texts))


def scope_prefix(scope: Scope) -> str:
    """Return how every key of a scope begins; its hash tag keeps them all in one slot."""
    return f"memoryos:{{{scope_key(scope)}}}"


class RedisDatabase:
    """Open connections; built by `open`. Answers are bytes, integers and lists as the server gives them.

    At most `max_connections` calls are under way, others wait their turn. With `durable` a call returns when
    `wait_replicas` replicas have what it wrote, and raises UpstreamUnavailable when they have not in time: it is
    written then, and may be lost.

    Raises UpstreamUnavailable or UpstreamTimeout when the server cannot be reached, StorageFull when it is at its
    memory bound, UpstreamProtocolError for what it cannot do. Once it hangs, calls fail at once (`Breaker`).
    """

    def __init__(self, servers: Servers, settings: RedisSettings) -> None:
        self._servers = servers
        self._settings = settings
        self._breaker = Breaker(UPSTREAM, self.ping)
        self._turns = asyncio.Semaphore(settings.max_connections)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: RedisSettings) -> AsyncIterator[Self]:
        """Make the client (nothing is connected yet), and close its connections at the end."""
        servers = open_servers(settings)
        database = cls(servers, settings)
        try:
            yield database
        finally:
            await database._breaker.aclose()
            await servers.aclose()

    @property
    def is_cluster(self) -> bool:
        """Whether keys of different hash slots are on different servers: a script then has keys of one slot only."""
        return self._settings.mode == "cluster"

    async def execute(self, *command: Argument, durable: bool = False, patience_s: float = 0.0) -> Any:
        """Send one command (``"HGET", key, field``); return its answer.

        One that blocks on the server may take `patience_s` longer than others.
        """
        async with self._guarded():
            answers = await self._ask([command], key_of(command), durable=durable, patience_s=patience_s)
            return _value(answers[0])

    async def run(
        self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = (), durable: bool = False
    ) -> Any:
        """Run a script; a server that does not know it yet is given it. Return its answer."""
        key = keys[0] if keys else None
        async with self._guarded():
            command: Command = ("EVALSHA", script.digest, len(keys), *keys, *args)
            (answer,) = await self._ask([command], key, durable=durable)
            if isinstance(answer, NoScriptError):
                command = ("EVAL", script.text, len(keys), *keys, *args)
                (answer,) = await self._ask([command], key, durable=durable)
            return _value(answer)

    async def pipeline(self, commands: Sequence[Command], *, durable: bool = False) -> list[Any]:
        """Send commands in one round trip (a cluster: one for each slot); they are not atomic. Return the answers.

        When one of them fails the others are done all the same, and its error is raised.
        """
        async with self._guarded():
            places: dict[str, list[int]] = {}
            for index, command in enumerate(commands):
                places.setdefault(self._servers.place(key_of(command)), []).append(index)
            answers: list[Any] = [None] * len(commands)
            for indexes in places.values():
                sent = [commands[index] for index in indexes]
                for index, answer in zip(indexes, await self._ask(sent, key_of(sent[0]), durable=durable), strict=True):
                    answers[index] = answer
            return [_value(answer) for answer in answers]

    async def keys(self, pattern: str) -> AsyncIterator[str]:
        """Yield the names of all keys that match a glob, from every server; for rare and patient work.

        A key that comes or goes meanwhile may be missed.
        """
        with redis_errors():
            servers = await self._servers.names()
        for server in servers:
            cursor = 0
            while True:
                with redis_errors():
                    (page,) = await self._exchange([("SCAN", cursor, "MATCH", pattern, "COUNT", _PAGE)], server=server)
                    cursor, names = int(_value(page)[0]), page[1]
                for name in names:
                    yield name.decode()
                if cursor == 0:
                    break

    async def ping(self) -> None:
        """Return when the server takes writes; it is asked even while other calls fail at once."""
        with redis_errors():
            _value((await self._ask([("SET", _PROBE, "1", "PX", 1000)], _PROBE))[0])

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        async with self._breaker.guarding():
            with redis_errors():
                yield

    async def _ask(
        self, commands: Sequence[Command], key: str | None, *, durable: bool = False, patience_s: float = 0.0
    ) -> list[Any]:
        """Return the answer to each command or the error that the server answered; where keys moved is followed."""
        replicas = self._settings.wait_replicas if durable else 0
        wait = [("WAIT", replicas, round(self._settings.timeout_s * 1000))] if replicas else []
        patience_s += self._settings.timeout_s * len(wait)
        answers = await self._exchange([*commands, *wait], key, patience_s=patience_s)
        if isinstance(answers[0], MovedError):  # the slot moved, so that no command was done
            await self._servers.follow(answers[0])
            answers = await self._exchange([*commands, *wait], key, patience_s=patience_s)
        reached = answers.pop() if wait else replicas
        if isinstance(reached, Exception) or reached < replicas:
            raise UpstreamUnavailable(upstream=UPSTREAM, detail=f"not on {replicas} replicas: {reached}")
        return answers

    async def _exchange(
        self,
        commands: Sequence[Command],
        key: str | None = None,
        *,
        patience_s: float = 0.0,
        server: str | None = None,
    ) -> list[Any]:
        try:
            within = asyncio.timeout(self._settings.timeout_s + patience_s)
            async with within, self._turns, self._servers.connection(key, server) as connection:
                await connection.send_packed_command(connection.pack_commands(commands))
                answers = [await _read(connection) for _ in commands]
        except TimeoutError:
            self._servers.distrust(key)
            raise
        if any(_code(answer) in _OF_ANOTHER_SERVER for answer in answers):
            self._servers.distrust(key)
        return answers


@contextmanager
def redis_errors() -> Iterator[None]:
    """Translate the client library's errors into ours."""
    try:
        yield
    except (TimeoutError, RedisTimeoutError) as exc:
        raise UpstreamTimeout(upstream=UPSTREAM, detail=str(exc)) from exc
    except (RedisConnectionError, RedisClusterException, OSError) as exc:
        raise UpstreamUnavailable(upstream=UPSTREAM, detail=str(exc)) from exc
    except InvalidResponse as exc:
        detail = f"what is at storage.redis.url, or is a sentinel, does not answer as Redis does: {exc}"
        raise UpstreamProtocolError(upstream=UPSTREAM, detail=detail) from exc
    except RedisError as exc:
        match _code(exc):
            case None:
                raise UpstreamProtocolError(upstream=UPSTREAM, detail=str(exc)) from exc
            case "OOM":
                raise StorageFull(UPSTREAM) from exc
            case _:
                raise UpstreamUnavailable(upstream=UPSTREAM, detail=str(exc)) from exc


async def _read(connection: Connection) -> Any:
    try:
        return await connection.read_response(timeout=math.inf)
    except ResponseError as exc:
        return exc


def _value(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def _code(answer: Any) -> str | None:
    """Return the code of an error that is none of a command, but of the server's state; None for all else."""
    if not isinstance(answer, RedisError):
        return None
    if isinstance(answer, NoPermissionError) or any(words in str(answer) for words in _NOT_ALLOWED):
        return "NOPERM"
    found = _CODE.search(f"{answer.status_code or ''} {answer}".lstrip())
    return found[1] if found else None
