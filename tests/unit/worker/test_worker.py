"""A worker in this process: it applies events, says how it is, starts without its dependencies, and drains."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from loguru import logger

from memoryos_adapters.settings import Settings, WorkerSettings
from memoryos_ports.errors import ConfigurationError
from memoryos_ports.events import Delivery
from memoryos_worker.endpoint import listening, url_of
from memoryos_worker.health import ask_health
from memoryos_worker.serve import serve
from tests.support.consolidation import facts
from tests.support.faults import DOWN
from tests.support.makers import ANA, make_event
from tests.support.memory_stack import MemoryStack
from tests.unit.worker.wiring import SETTINGS, open_worker_stack, running_worker, taken_port, wire

EVENT = make_event("e1", "my tea is green")


@pytest.fixture
async def stack() -> AsyncIterator[MemoryStack]:
    async with open_worker_stack() as opened:
        yield opened


async def test_what_waits_is_applied_and_counted(stack: MemoryStack) -> None:
    await stack.ingest.accept(EVENT)
    async with running_worker(stack) as worker:
        assert (await worker.settled(EVENT)).state == "stored"
        assert await stack.found("which tea is green") == {"my tea is green"}
        assert await worker.metric("events_total", outcome="stored") == 1
        assert await worker.metric("event_attempts_sum") == 1
        assert await worker.metric("events_in_hand") == 0
        assert await worker.metric("queue_length") is not None
        assert await worker.metric("dependency_up", dependency="qdrant") == 1


async def test_a_sound_worker_says_so_on_every_route(stack: MemoryStack) -> None:
    async with running_worker(stack) as worker:
        await worker.mode_becomes("fully_operational")
        for path in ("/health", "/health/live", "/health/ready", "/health/status"):
            code, body = await worker.status(path)
            assert (code, sorted(body)) == (200, ["dependencies", "mode", "timestamp"])
            assert body["dependencies"] == {"redis": "up", "qdrant": "up"}
        assert (await worker.client.get("/metrics")).headers["content-type"].startswith("text/plain; version=0.0.4")
        assert (await worker.client.get("/elsewhere")).status_code == 404


async def test_it_starts_degraded_without_its_dependencies_and_works_once_they_are_there(stack: MemoryStack) -> None:
    await stack.ingest.accept(EVENT)
    stack.faults.events.fail("*")
    stack.faults.storage.fail("*")
    async with running_worker(stack) as worker:
        await worker.mode_becomes("degraded")
        assert (await worker.status("/health/ready"))[0] == 200
        assert (await worker.status())[1]["dependencies"] == {"redis": "down", "qdrant": "down"}
        assert await worker.metric("dependency_up", dependency="redis") == 0
        stack.faults.events.mend()
        stack.faults.storage.mend()
        receipt = await worker.settled(EVENT)
        await worker.mode_becomes("fully_operational")
    assert (receipt.state, receipt.attempts) == ("stored", 1)


async def test_the_pause_of_its_runner_shows(stack: MemoryStack) -> None:
    stack.faults.storage.fail("*")
    await stack.ingest.accept(EVENT)
    async with running_worker(stack) as worker:
        async with asyncio.timeout(10):
            while await worker.metric("events_total", outcome="put_off") != 1:
                pass
        assert await worker.metric("runner_paused") == 1
        stack.faults.storage.mend()
        await worker.settled_in_time(EVENT)
        assert await worker.metric("runner_paused") == 0


async def test_while_it_drains_it_is_not_ready_and_finishes_what_it_has_in_hand(stack: MemoryStack) -> None:
    await stack.ingest.accept(EVENT)
    gate = stack.faults.embedder.hold("embed")
    async with running_worker(stack) as worker:
        await stack.faults.embedder.hung.wait()
        worker.ask_to_stop()
        assert (await worker.status("/health/ready"))[0] == 503
        assert (await worker.status("/health/live"))[0] == 200
        assert (await worker.status())[1]["mode"] == "not_ready"
        gate.set()
    receipt = await stack.events.receipt(ANA, EVENT.event_id)
    assert receipt is not None
    assert receipt.state == "stored"


@pytest.mark.parametrize("again", [False, True], ids=["after its bound", "told twice"])
async def test_what_it_cannot_finish_is_given_back_without_an_attempt(again: bool, stack: MemoryStack) -> None:
    settings = msgspec.structs.replace(SETTINGS, worker=WorkerSettings(block_ms=50, drain_s=600 if again else 0.05))
    await stack.ingest.accept(EVENT)
    stack.faults.embedder.hang("embed")
    async with running_worker(stack, settings) as worker:
        await stack.faults.embedder.hung.wait()
        worker.ask_to_stop()
        if again:
            worker.ask_to_stop()
    receipt = await stack.events.receipt(ANA, EVENT.event_id)
    assert receipt is not None
    assert (receipt.state, receipt.attempts) == ("queued", 0)


async def test_new_pages_are_consolidated(stack: MemoryStack) -> None:
    await stack.ingest.accept(make_event("e1", "my name is Ana"))
    async with running_worker(stack) as worker:
        await worker.settled(make_event("e1"))
        async with asyncio.timeout(10):
            while not await facts(stack):
                stack.clock.advance(1)
                await asyncio.sleep(0)


async def test_a_name_that_another_worker_has_ends_it_with_the_reason(stack: MemoryStack) -> None:
    class Taken:
        async def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
            raise ConfigurationError(["worker.consumer: 'w1' is in use by another process"])

        def __getattr__(self, name: str) -> object:
            return getattr(stack.events, name)

    container = wire(stack, events=Taken())  # type: ignore[arg-type]  # the rest is passed on
    with pytest.raises(ConfigurationError, match="'w1' is in use by another process"):
        async with asyncio.timeout(10):
            await container.worker().run()


def test_a_taken_address_is_named() -> None:
    with taken_port() as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match=f"^worker.port: cannot listen on 127.0.0.1:{port}: "),
            listening(WorkerSettings(port=port)),
        ):
            pass


def test_a_host_that_is_not_of_this_machine_is_named() -> None:
    with (
        pytest.raises(
            ConfigurationError, match=r"^worker\.host: cannot listen on 192\.0\.2\.1:0: "
        ),  # RFC 5737: nobody's
        listening(WorkerSettings(host="192.0.2.1")),
    ):
        pass


@pytest.mark.parametrize(("async_pipeline", "warnings"), [(False, 1), (True, 0), (None, 0)])
async def test_beside_gateways_that_apply_events_themselves_it_says_so(
    async_pipeline: bool | None, warnings: int
) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING")
    with taken_port() as taken:
        worker = WorkerSettings(port=taken.getsockname()[1], async_pipeline=async_pipeline)
        with pytest.raises(ConfigurationError):  # so that it ends there
            await serve(Settings(worker=worker), announce=lines.append)
    logger.remove(sink)
    assert ["gateways with this configuration apply events too" in line for line in lines] == [True] * warnings


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:8081"), ("::1", "http://[::1]:8081")], ids=["IPv4", "IPv6"]
)
def test_an_address_is_written_as_a_url(host: str, url: str) -> None:
    assert url_of(host, 8081) == url


async def test_its_health_can_be_asked_by_a_command(stack: MemoryStack) -> None:
    async with running_worker(stack) as worker:
        await worker.mode_becomes("fully_operational")
        url = str(worker.client.base_url)
        assert await asyncio.to_thread(ask_health, WorkerSettings(), url=url, ready=True)
        worker.container.health().set_serving(False)
        answers = [await asyncio.to_thread(ask_health, WorkerSettings(), url=url, ready=r) for r in (True, False)]
        assert answers == [False, True]


def test_nobody_there_is_not_healthy() -> None:
    with taken_port() as once:
        port = once.getsockname()[1]
    with pytest.raises(type(DOWN), match=f"worker: does not answer at 127.0.0.1:{port}"):
        ask_health(WorkerSettings(host="0.0.0.0", port=port), url=None, ready=False)


def test_a_port_that_is_chosen_at_start_cannot_be_asked_without_its_url() -> None:
    with pytest.raises(ConfigurationError, match="0 is a free port"):
        ask_health(Settings().worker, url=None, ready=False)
