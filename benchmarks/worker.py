"""How many events a worker applies per second and core: ``python -m benchmarks.worker [--embedding hashed minilm]``.

Starts a redis-server, the Qdrant engine behind its REST wire and one worker, each a process of its own on loopback.
The events are published before the worker starts. What is told is events by CPU seconds of the worker's process
(user and system), so that what else runs on the machine does not matter; the CPU of the other processes is not in it.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.settings import RedisSettings, WorkerSettings
from memoryos_ports.events import ChainLink, EventLog, TurnsEvent
from memoryos_ports.ids import Scope, SessionId, TenantId, UserId
from tests.support.makers import after, make_event, make_turn
from tests.support.qdrant_facade.process import running_facade
from tests.support.redis_server import running_redis
from tests.support.worker_process import running_worker, server_profile

EVENTS = 3000
USERS = 200
TIMEOUT_S = 180.0

_WORDS = (
    "tea",
    "coffee",
    "Lisbon",
    "train",
    "Monday",
    "green",
    "sister",
    "guitar",
    "doctor",
    "garden",
    "chess",
    "river",
)
_TICKS = os.sysconf("SC_CLK_TCK")


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Events of some twenty words a turn: additions of one turn, or exchanges of two when they are `chats`."""

    events: int = EVENTS
    users: int = USERS
    chats: bool = False


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One run: how many events, in how many CPU seconds of the worker and how many seconds of everybody's."""

    embedding: str
    events: int
    cpu_s: float
    wall_s: float

    @property
    def line(self) -> str:
        """What is printed."""
        per_core, by_the_clock = self.events / self.cpu_s, self.events / self.wall_s
        each_ms = 1000 * self.cpu_s / self.events
        return (
            f"{self.embedding:<8}{per_core:6.0f} events/s per core ({each_ms:.2f} ms each), {by_the_clock:.0f}/s in all"
        )


async def main(embeddings: Sequence[str], load: Load, *, profile: Path | None) -> None:
    """Measure with each embedder and print a line for it."""
    for embedding in embeddings:
        with TemporaryDirectory() as directory:
            measured = await measure(Path(directory), embedding, load, profile=profile)
        print(measured.line, flush=True)


async def measure(directory: Path, embedding: str, load: Load, *, profile: Path | None = None) -> Measured:
    """Apply a load and say what it took."""
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(running_redis(directory / "redis"))
        facade = stack.enter_context(running_facade(directory / "qdrant"))
        db = await stack.enter_async_context(RedisDatabase.open(RedisSettings(url=redis.url)))
        log = await stack.enter_async_context(RedisEvents.open(db, SystemClock(), WorkerSettings()))
        await publish(log, load)
        environ = server_profile(redis.url, facade.url, embedding__kind=embedding, log__level="warning")
        worker = await stack.enter_async_context(running_worker(directory, environ=environ))
        began, before_s = time.monotonic(), cpu_s(worker.pid)
        profiling = await _profile(worker.pid, profile) if profile else None
        async with asyncio.timeout(TIMEOUT_S):
            while (left := await log.stats()).length:  # noqa: ASYNC110 - Redis tells nobody when a queue is empty
                await asyncio.sleep(0.1)
        assert not left.dead, "events were buried"
        measured = Measured(
            embedding=embedding, events=load.events, cpu_s=cpu_s(worker.pid) - before_s, wall_s=time.monotonic() - began
        )
        if profiling is not None:
            await profiling.wait()
        return measured


async def publish(log: EventLog, load: Load) -> None:
    """Publish the events of a load, its users in turn."""
    for number in range(load.events):
        scope = Scope(tenant_id=TenantId("default"), user_id=UserId(f"user-{number % load.users}"))
        await log.publish(_exchange(number, scope) if load.chats else _addition(number, scope))


def _addition(number: int, scope: Scope) -> TurnsEvent:
    return make_event(f"event-{number}", _text(number), scope=scope, at=after(number))


def _exchange(number: int, scope: Scope) -> TurnsEvent:
    answer = make_turn(_text(number + 1), role="assistant", at=after(number))
    chain, session = ChainLink(hash=f"{number:032x}"), SessionId(f"session-{scope.user_id}")
    turns = (_text(number), answer)
    return make_event(
        f"event-{number}", *turns, scope=scope, at=after(number), chain=chain, session_id=session, source="chat"
    )


def _text(number: int) -> str:
    return f"Turn {number}: {' '.join(_WORDS[(number * step + step) % len(_WORDS)] for step in range(1, 20))}"


def cpu_s(pid: int) -> float:
    """Return the CPU seconds, user and system, that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def _profile(pid: int, file: Path) -> asyncio.subprocess.Process:
    command = ("py-spy", "record", "--pid", str(pid), "--duration", "6", "--rate", "200", "--format", "raw")
    return await asyncio.create_subprocess_exec(*command, "--output", str(file))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks.worker", description=__doc__)
    parser.add_argument("--embedding", nargs="+", default=["hashed", "minilm"], help="hashed, minilm, static")
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--chats", action="store_true", help="exchanges of two turns, in conversations")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="where py-spy writes stacks, in its raw format")
    options = parser.parse_args()
    load = Load(events=options.events, users=options.users, chats=options.chats)
    asyncio.run(main(options.embedding, load, profile=options.profile))
