"""The Redis of the server profile: one client per process, scripts by their digest, errors of our tree.

Works on Redis 6.2 and later (no functions, no WAITAOF). Opening never fails for a server that is absent: the first
call does, and the one after it tries again.
"""

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import msgspec
from redis.asyncio.connection import Connection
from redis.exceptions import MovedError, NoScriptError, ResponseError

from memoryos_adapters.breaker import Breaker
from memoryos_adapters.redis_errors import UPSTREAM, code_of, redis_errors
from memoryos_adapters.redis_servers import Argument, Command, Servers, key_of, open_servers
from memoryos_adapters.settings import RedisSettings
from memoryos_ports.errors import UpstreamUnavailable
from memoryos_ports.ids import Scope, scope_key

_PROBE: Final = "memoryos:probe"
_PROBE_MS: Final = 1_000
_REPLICAS_PATIENCE_S: Final = 1.0
"""Who pings has 2 s, and is to be told what is wrong."""
_TOO_FEW_PATIENCE_S: Final = 0.2
_PAGE: Final = 500
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
    `wait_replicas` replicas have what it wrote, and raises UpstreamUnavailable when they have not in `timeout_s`: it is
    written then, and may be lost. Calls after it wait 0.2 s for them, until one, or a `ping`, finds that they are back.

    Raises UpstreamUnavailable or UpstreamTimeout when the server cannot be reached, StorageFull when it is at its
    memory bound, UpstreamProtocolError for what it cannot do. Once it hangs, calls fail at once (`Breaker`).
    """

    def __init__(self, servers: Servers, settings: RedisSettings) -> None:
        self._servers = servers
        self._settings = settings
        self._breaker = Breaker(UPSTREAM, self._answers)
        self._turns = asyncio.Semaphore(settings.max_connections)
        self._are_too_few = False  # replicas, for a durable write

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
            answers = await self._ask([command], key_of(command), wait_s=self._wait_s(durable), patience_s=patience_s)
            return _value(answers[0])

    async def run(
        self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = (), durable: bool = False
    ) -> Any:
        """Run a script; a server that does not know it yet is given it. Return its answer."""
        key = keys[0] if keys else None
        async with self._guarded():
            command: Command = ("EVALSHA", script.digest, len(keys), *keys, *args)
            (answer,) = await self._ask([command], key, wait_s=self._wait_s(durable))
            if isinstance(answer, NoScriptError):
                command = ("EVAL", script.text, len(keys), *keys, *args)
                (answer,) = await self._ask([command], key, wait_s=self._wait_s(durable))
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
                found = await self._ask(sent, key_of(sent[0]), wait_s=self._wait_s(durable))
                for index, answer in zip(indexes, found, strict=True):
                    answers[index] = answer
            return [_value(answer) for answer in answers]

    async def keys(self, pattern: str) -> AsyncIterator[str]:
        """Yield the names of all keys that match a glob, from every server; for rare and patient work.

        A key that comes or goes meanwhile may be missed.
        """
        with redis_errors():
            async with asyncio.timeout(self._settings.timeout_s):
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
        """Return when a `durable` write would be: every server takes writes, and its replicas have them.

        It is asked even while other calls fail at once; replicas are waited for a second at most. Raises
        UpstreamUnavailable with the detail ``not on 1 replicas: 0`` when they are too few, or do not answer.
        """
        with redis_errors():
            async with asyncio.timeout(self._settings.timeout_s):
                keys = await self._servers.spread(_PROBE)
        wait_s = min(self._settings.timeout_s, _REPLICAS_PATIENCE_S)
        answers = await asyncio.gather(*(self._probe(key, wait_s=wait_s) for key in keys), return_exceptions=True)
        for answer in answers:
            _value(answer)

    async def _answers(self) -> None:
        await self._probe(_PROBE)

    async def _probe(self, key: str, *, wait_s: float = 0.0) -> None:
        """Write, as only a write tells a master from a replica, and without one WAIT counts who is but connected."""
        with redis_errors():
            _value((await self._ask([("SET", key, "1", "PX", _PROBE_MS)], key, wait_s=wait_s))[0])

    def _wait_s(self, durable: bool) -> float:
        """Return how long replicas are waited for: not long when they were too few the last time."""
        if not durable:
            return 0.0
        return min(self._settings.timeout_s, _TOO_FEW_PATIENCE_S if self._are_too_few else math.inf)

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        async with self._breaker.guarding():
            with redis_errors():
                yield

    async def _ask(
        self, commands: Sequence[Command], key: str | None, *, wait_s: float = 0.0, patience_s: float = 0.0
    ) -> list[Any]:
        """Return the answer to each command or the error that the server answered; where keys moved is followed.

        With `wait_s` the replicas must have what was written, in so many seconds.
        """
        replicas = self._settings.wait_replicas if wait_s else 0
        sent = [*commands, ("WAIT", replicas, round(wait_s * 1000))] if replicas else commands
        patience_s += wait_s if replicas else 0.0
        answers = await self._exchange(sent, key, patience_s=patience_s)
        if isinstance(answers[0], MovedError):  # the slot moved, so that no command was done
            await self._servers.follow(answers[0])
            answers = await self._exchange(sent, key, patience_s=patience_s)
        if not replicas:
            return answers
        reached = answers.pop()
        self._are_too_few = not (isinstance(reached, int) and reached >= replicas)
        if self._are_too_few:
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
        if any(code_of(answer) in _OF_ANOTHER_SERVER for answer in answers):
            self._servers.distrust(key)
        return answers


async def _read(connection: Connection) -> Any:
    try:
        return await connection.read_response(timeout=math.inf)
    except ResponseError as exc:
        return exc


def _value(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer
