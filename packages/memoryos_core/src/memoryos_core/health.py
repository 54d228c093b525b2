"""Health: what mode the process is in, from background probes, never from a request or a paid call."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec
from loguru import logger

from memoryos_ports.clock import Clock
from memoryos_ports.errors import MemoryOSError

Mode: TypeAlias = Literal["fully_operational", "degraded", "not_ready"]
DependencyState: TypeAlias = Literal["up", "down", "bypassed"]
Probe: TypeAlias = Callable[[], Awaitable[None]]

PROBE_EVERY_S = 2.0
PROBE_TIMEOUT_S = 2.0


class HealthReport(msgspec.Struct, frozen=True, kw_only=True):
    """The mode, and the state of each dependency by name; `timestamp` is that of the last probes."""

    mode: Mode
    dependencies: dict[str, DependencyState]
    timestamp: datetime


class Health:
    """Keeps the latest state. A dependency without a probe is bypassed by configuration and degrades nothing."""

    def __init__(self, *, probes: Mapping[str, Probe | None], clock: Clock, every_s: float = PROBE_EVERY_S) -> None:
        self._every_s = every_s
        self._probes = probes
        self._clock = clock
        self._states: dict[str, DependencyState] = {
            name: "bypassed" if probe is None else "down" for name, probe in probes.items()
        }
        self._serving = False
        self._checked_at = clock.now()
        self._down: list[str] = []
        self._unforeseen: set[tuple[str, type[Exception]]] = set()

    @property
    def report(self) -> HealthReport:
        """The latest state, at no cost."""
        return HealthReport(mode=self._mode(), dependencies=dict(self._states), timestamp=self._checked_at)

    def set_serving(self, serving: bool) -> None:
        """Note that the process can serve, or that it is starting or draining."""
        self._serving = serving

    async def check(self) -> None:
        """Probe every dependency once, at the same time."""
        asked = {name: self._fault(name, probe) for name, probe in self._probes.items() if probe is not None}
        faults = dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))
        self._states.update({name: "up" if fault is None else "down" for name, fault in faults.items()})
        self._checked_at = self._clock.now()
        self._note_change({name: fault for name, fault in sorted(faults.items()) if fault is not None})

    async def watch(self) -> None:
        """Probe for ever, every `every_s` seconds."""
        while True:
            await self.check()
            await asyncio.sleep(self._every_s)

    async def _fault(self, name: str, probe: Probe) -> str | None:
        """Return what is wrong with a dependency, None when it is up."""
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await probe()
        except TimeoutError:
            return f"no answer within {PROBE_TIMEOUT_S} s"
        except MemoryOSError as exc:
            return str(exc)
        except Exception as exc:  # noqa: BLE001 - a probe must not end the process that it is asked for
            self._note_unforeseen(name, exc)
            return f"{type(exc).__name__}: {exc}"
        return None

    def _mode(self) -> Mode:
        if not self._serving:
            return "not_ready"
        return "degraded" if "down" in self._states.values() else "fully_operational"

    def _note_unforeseen(self, name: str, exc: Exception) -> None:
        """Log it with its traceback, once for each kind: it may fail so at every look."""
        if (name, type(exc)) not in self._unforeseen:
            self._unforeseen.add((name, type(exc)))
            logger.bind(dependency=name).opt(exception=exc).error("dependency fails in a way nobody foresaw")

    def _note_change(self, errors: dict[str, str]) -> None:
        """Log that other dependencies are down than before; `errors` says by name what is wrong with them."""
        before, self._down = self._down, list(errors)
        if before == self._down:
            return
        log = logger.bind(down=self._down, errors=errors)
        if before and self._down:
            log.info("degraded mode goes on")
        else:
            log.warning("degraded mode entered" if self._down else "degraded mode left")
