"""Workers as processes of their own, over a real Redis and the Qdrant engine behind its REST wire."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from memoryos_adapters.clock import SystemClock
from memoryos_adapters.embedding.hashed import HashedEmbedder
from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_adapters.settings import QdrantSettings, RedisSettings, WorkerSettings
from memoryos_adapters.storage.qdrant import QdrantMemory
from memoryos_ports.events import Receipt, TurnsEvent
from memoryos_ports.memory import MemoryStorage, only_pages
from tests.support.makers import ANA, after, make_event
from tests.support.process import Finished, ServingProcess, run_command
from tests.support.qdrant_facade.process import QdrantFacade, running_facade
from tests.support.redis_server import RedisServer, redis_server
from tests.support.worker_process import running_worker, server_profile


class ServerStores(msgspec.Struct, frozen=True, kw_only=True):
    """The stores of the server profile, as processes and as clients of a test that publishes and looks."""

    directory: Path
    redis: RedisServer
    qdrant: QdrantFacade
    events: RedisEvents
    memory: MemoryStorage

    def environ(self, **settings: str | int) -> dict[str, str]:
        """Return the environment of a worker or a command over them."""
        quick: dict[str, str | int] = {"worker__claim_idle_ms": 500, "worker__block_ms": 500}
        return server_profile(self.redis.url, self.qdrant.url, **quick | settings)

    @asynccontextmanager
    async def worker(self, **settings: str | int) -> AsyncIterator[ServingProcess]:
        """Run a worker over them until the block ends."""
        async with running_worker(self.directory, environ=self.environ(**settings)) as worker:
            yield worker

    async def command(self, *arguments: str) -> Finished:
        """Run ``memoryos-worker arguments`` over them."""
        return await run_command("memoryos_worker", *arguments, cwd=self.directory, environ=self.environ())

    async def publish(self, count: int) -> list[TurnsEvent]:
        """Publish so many events of Ana's."""
        events = [make_event(f"e{number}", f"turn {number}", at=after(number)) for number in range(count)]
        for event in events:
            await self.events.publish(event)
        return events

    async def settled(self, event: TurnsEvent) -> Receipt:
        """Return the receipt of an event once it is stored or dead."""
        receipt = await self.events.settled(event.scope, event.event_id, timeout_s=20)
        assert receipt is not None
        return receipt

    async def receipt(self, event: TurnsEvent) -> Receipt:
        """Return the receipt of an event as it is."""
        receipt = await self.events.receipt(event.scope, event.event_id)
        assert receipt is not None
        return receipt

    async def texts(self) -> list[str]:
        """Return what is remembered of Ana, sorted."""
        return sorted(p.text for p in only_pages((await self.memory.list_memories(ANA, limit=1000)).memories))


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[ServerStores]:
    with running_facade(tmp_path / "qdrant") as facade:
        embedder = HashedEmbedder()
        async with (
            redis_server(tmp_path / "redis", appendonly=True, appendfsync="always") as server,
            RedisDatabase.open(RedisSettings(url=server.url)) as db,
            RedisEvents.open(db, SystemClock(), WorkerSettings()) as events,
            QdrantMemory.open(QdrantSettings(url=facade.url), embedder.stamp) as memory,
        ):
            yield ServerStores(directory=tmp_path, redis=server, qdrant=facade, events=events, memory=memory)


async def test_what_a_killed_worker_had_in_hand_is_taken_over(stores: ServerStores) -> None:
    events = await stores.publish(300)
    async with stores.worker() as first:
        await _length_below(stores, 250)
        await first.kill()
        left = (await stores.events.stats()).length
    async with stores.worker():
        receipts = [await stores.settled(event) for event in events]

    assert left > 0
    assert {receipt.state for receipt in receipts} == {"stored"}
    assert {receipt.attempts for receipt in receipts} <= {1, 2}
    assert await stores.texts() == sorted(event.messages[0].content for event in events)


async def test_told_to_stop_it_leaves_nothing_half_done_and_the_next_of_its_name_starts_at_once(
    stores: ServerStores,
) -> None:
    events = await stores.publish(300)
    async with stores.worker(worker__consumer="w1") as first:
        await _length_below(stores, 250)
        first.ask_to_stop()
        code = await first.ended()
    attempts = {(receipt.state, receipt.attempts) for receipt in [await stores.receipt(event) for event in events]}
    async with stores.worker(worker__consumer="w1"):
        receipts = [await stores.settled(event) for event in events]

    assert code == 0
    assert attempts <= {("stored", 1), ("queued", 0)}
    assert {(receipt.state, receipt.attempts) for receipt in receipts} == {("stored", 1)}


@pytest.mark.parametrize("signals", [1, 2])
async def test_what_it_cannot_finish_in_time_is_given_back_without_an_attempt(
    signals: int, stores: ServerStores
) -> None:
    """Qdrant stands still; one signal lets the drain run out, two do not wait for it."""
    drain_s = 1 if signals == 1 else 600
    async with stores.worker(worker__drain_s=drain_s, storage__qdrant__timeout_s=600) as worker:
        await _mode_becomes(worker, "fully_operational")
        with _standing_still(stores.qdrant):
            (event,) = await stores.publish(1)
            await _in_hand(stores, event)
            for _ in range(signals):
                worker.ask_to_stop()
                await worker.said("worker drains")
            code = await worker.ended()
            receipt = await stores.receipt(event)

    assert code == 0
    assert (receipt.state, receipt.attempts) == ("queued", 0)


async def test_it_starts_without_redis_and_qdrant_and_goes_to_work_when_they_appear(stores: ServerStores) -> None:
    (event,) = await stores.publish(1)
    await stores.redis.stop()
    stores.qdrant.stop()
    async with stores.worker() as worker:
        await _mode_becomes(worker, "degraded")
        assert (await _get(worker, "/health/ready")).status_code == 200
        assert (await _get(worker, "/health")).json()["dependencies"] == {"redis": "down", "qdrant": "down"}
        await stores.redis.start()
        await asyncio.to_thread(stores.qdrant.start)
        receipt = await stores.settled(event)
        await _mode_becomes(worker, "fully_operational")

    assert (receipt.state, receipt.attempts) == ("stored", 1)


async def test_dead_letters_are_listed_put_back_and_dropped(stores: ServerStores) -> None:
    for payload in (b"no event", b"\xff\xfe"):
        stores.redis.cli("XADD", "chat_log", "*", "event_id", "typed", "payload", input=payload)
    async with stores.worker() as worker:
        await _dead(stores, 2)
        metrics = (await _get(worker, "/metrics")).text

        listed = await stores.command("dlq", "list", "--json")
        dry = await stores.command("dlq", "replay", "--all", "--dry-run")
        stats = await stores.command("stats", "--json")
        dropped = await stores.command("dlq", "drop", "--count", "1")

    assert 'memoryos_events_total{outcome="buried"} 2.0' in metrics
    letters: list[dict[str, Any]] = json.loads(listed.stdout)
    assert [(letter["event_id"], letter["source"]) for letter in letters] == [("typed", "chat_log")] * 2
    payloads = {letter["payload"]: letter["payload_encoding"] for letter in letters}
    assert payloads == {"no event": "utf-8", "//4=": "base64"}
    assert [line.split()[0] for line in dry.stdout.splitlines()] == [
        "ID",
        *(letter["id"] for letter in letters),
        "would",
    ]
    assert json.loads(stats.stdout)["dead"] == 2
    assert (dropped.code, dropped.stdout) == (0, "dropped 1 dead letter\n")


async def test_a_mended_letter_is_applied_once_it_is_put_back(stores: ServerStores) -> None:
    """The worker that could not read it is replaced by one that can: here the letter is mended instead."""
    (event,) = await stores.publish(1)
    (delivery,) = await stores.events.receive(limit=1, wait_s=5)
    await stores.events.bury(delivery, error="a fault of an earlier version")
    async with stores.worker():
        replayed = await stores.command("dlq", "replay", "--all")
        receipt = await stores.settled(event)

    assert (replayed.code, replayed.stdout) == (0, "replayed 1 dead letter\n")
    assert receipt.state == "stored"
    assert await stores.texts() == ["turn 0"]


async def test_a_command_without_redis_says_so_in_one_line(stores: ServerStores) -> None:
    await stores.redis.stop()
    stores.qdrant.stop()

    for arguments in (("stats",), ("dlq", "drop", "--all")):
        finished = await stores.command(*arguments)
        (line,) = finished.stderr.splitlines()
        assert (finished.code, finished.stdout) == (1, "")
        assert line.startswith("redis: ")


async def test_its_health_is_asked_by_a_command(stores: ServerStores) -> None:
    async with stores.worker() as worker:
        await _mode_becomes(worker, "fully_operational")
        alive = await stores.command("health", "--ready", "--url", worker.url)
        await worker.kill()
        dead = await stores.command("health", "--url", worker.url)

    assert (alive.code, alive.stderr) == (0, "")
    (line,) = dead.stderr.splitlines()
    assert (dead.code, line.startswith("worker: does not answer at ")) == (1, True)


@pytest.mark.soak
async def test_the_name_of_a_living_worker_is_refused(stores: ServerStores) -> None:
    async with stores.worker(worker__consumer="w1") as first:
        await _mode_becomes(first, "fully_operational")
        async with stores.worker(worker__consumer="w1") as second:
            assert await second.ended() == 1
        assert second.lines[-1] == "worker.consumer: 'w1' is in use by another process"
        assert first.runs


@contextmanager
def _standing_still(facade: QdrantFacade) -> Iterator[None]:
    facade.send(signal.SIGSTOP)
    try:
        yield
    finally:
        facade.send(signal.SIGCONT)


@asynccontextmanager
async def _asking(worker: ServingProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=worker.url, trust_env=False, timeout=10) as client:
        yield client


async def _get(worker: ServingProcess, path: str) -> httpx.Response:
    async with _asking(worker) as client:
        return await client.get(path)


async def _mode_becomes(worker: ServingProcess, mode: str) -> None:
    async def is_in_mode() -> bool:
        return bool((await _get(worker, "/health")).json()["mode"] == mode)

    await _until(is_in_mode)


async def _length_below(stores: ServerStores, length: int) -> None:
    async def is_below() -> bool:
        return (await stores.events.stats()).length < length

    await _until(is_below)


async def _in_hand(stores: ServerStores, event: TurnsEvent) -> None:
    async def is_in_hand() -> bool:
        return (await stores.receipt(event)).state == "processing"

    await _until(is_in_hand)


async def _dead(stores: ServerStores, letters: int) -> None:
    async def are_dead() -> bool:
        return (await stores.events.stats()).dead >= letters

    await _until(are_dead)


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await holds():  # noqa: ASYNC110 - another process tells nobody here
            await asyncio.sleep(0.005)
