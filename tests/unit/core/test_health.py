"""Health: modes, states, and one warning for each change."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from loguru import logger

from memoryos_core.health import Health, HealthReport, Mode
from tests.support.faults import DOWN, Faults, faulty
from tests.support.memory_stack import FixedClock

if TYPE_CHECKING:
    from loguru import Message


class Dependency:
    """Answers a probe, unless its switch says otherwise."""

    async def ping(self) -> None:
        """Answer."""


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    """What is warned of, with what is down."""
    seen: list[str] = []
    sink = logger.add(lambda m: seen.append(f"{m.record['message']} {m.record['extra'].get('down')}"), level="WARNING")
    yield seen
    logger.remove(sink)


@pytest.fixture
def told() -> Iterator[list[tuple[str, Any]]]:
    """What is logged, with what is wrong, or the error whose traceback it is."""
    seen: list[tuple[str, Any]] = []

    def note(message: "Message") -> None:
        record = message.record
        error = record["exception"].value if record["exception"] else None
        seen.append((record["message"], error or record["extra"].get("errors")))

    sink = logger.add(note, level="INFO")
    yield seen
    logger.remove(sink)


async def test_a_process_is_ready_when_it_says_so() -> None:
    health = Health(probes={"index": Dependency().ping, "cache": None}, clock=FixedClock())
    await health.check()
    modes: list[Mode] = [health.report.mode]
    for serving in (True, False):
        health.set_serving(serving)
        modes.append(health.report.mode)
    assert modes == ["not_ready", "fully_operational", "not_ready"]


async def test_before_its_first_probe_nothing_is_known_to_be_up() -> None:
    clock = FixedClock()
    health = Health(probes={"index": Dependency().ping, "cache": None}, clock=clock)
    health.set_serving(True)
    assert health.report == HealthReport(
        mode="degraded", dependencies={"index": "down", "cache": "bypassed"}, timestamp=clock.now()
    )


async def test_a_dependency_that_is_down_degrades_and_says_when() -> None:
    clock, faults = FixedClock(), Faults()
    index = faulty(Dependency(), faults)
    health = Health(probes={"index": index.ping, "events": Dependency().ping}, clock=clock)
    health.set_serving(True)
    faults.fail("ping")
    clock.advance(5)
    await health.check()
    assert health.report == HealthReport(
        mode="degraded", dependencies={"index": "down", "events": "up"}, timestamp=clock.now()
    )


async def test_a_bypassed_dependency_degrades_nothing() -> None:
    health = Health(probes={"memory": None}, clock=FixedClock())
    health.set_serving(True)
    await health.check()
    assert (health.report.mode, health.report.dependencies) == ("fully_operational", {"memory": "bypassed"})


async def test_a_probe_that_times_out_is_down() -> None:
    faults = Faults()
    index = faulty(Dependency(), faults)
    faults.fail("ping", error=TimeoutError())
    health = Health(probes={"index": index.ping}, clock=FixedClock())
    await health.check()
    assert health.report.dependencies == {"index": "down"}


async def test_each_change_is_one_warning(warnings: list[str]) -> None:
    faults = Faults()
    index = faulty(Dependency(), faults)
    health = Health(probes={"index": index.ping}, clock=FixedClock())
    for error in (None, DOWN, DOWN, None, None, DOWN):
        faults.mend()
        if error:
            faults.fail("ping", error=error)
        await health.check()
    assert warnings == ["degraded mode entered ['index']", "degraded mode left []", "degraded mode entered ['index']"]


async def test_a_change_says_what_is_wrong_with_what_is_down(told: list[tuple[str, Any]]) -> None:
    faults, others = Faults(), Faults()
    index, events = faulty(Dependency(), faults), faulty(Dependency(), others)
    health = Health(probes={"index": index.ping, "events": events.ping}, clock=FixedClock())
    faults.fail("ping")
    await health.check()
    others.fail("ping", error=TimeoutError())
    await health.check()
    await health.check()
    faults.mend()
    others.mend()
    await health.check()
    late = "no answer within 2.0 s"
    assert told == [
        ("degraded mode entered", {"index": str(DOWN)}),
        ("degraded mode goes on", {"index": str(DOWN), "events": late}),
        ("degraded mode left", {}),
    ]


async def test_a_probe_that_fails_in_a_way_nobody_foresaw_is_down_and_told_once(told: list[tuple[str, Any]]) -> None:
    faults, error = Faults(), TypeError("odd")
    faults.fail("ping", error=error)
    health = Health(probes={"index": faulty(Dependency(), faults).ping}, clock=FixedClock())
    for _ in range(3):
        await health.check()
    assert health.report.dependencies == {"index": "down"}
    assert told == [
        ("dependency fails in a way nobody foresaw", error),
        ("degraded mode entered", {"index": "TypeError: odd"}),
    ]


async def test_watching_probes_again_and_again() -> None:
    probes, often = 0, asyncio.Event()

    async def probe() -> None:
        nonlocal probes
        probes += 1
        if probes == 3:
            often.set()

    watching = asyncio.create_task(Health(probes={"index": probe}, clock=FixedClock(), every_s=0).watch())
    async with asyncio.timeout(5):
        await often.wait()
    watching.cancel()
