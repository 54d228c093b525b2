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
        self._degraded = False

    @property
    def report(self) -> HealthReport:
        """The latest state, at no cost."""
        return HealthReport(mode=self._mode(), dependencies=dict(self._states), timestamp=self._checked_at)

    def set_serving(self, serving: bool) -> None:
        """Note that the process can serve, or that it is starting or draining."""
        self._serving = serving

    async def check(self) -> None:
        """Probe every dependency once, at the same time."""
        names = [name for name, probe in self._probes.items() if probe is not None]
        states = await asyncio.gather(*(self._probe(name) for name in names))
        self._states.update(zip(names, states, strict=True))
        self._checked_at = self._clock.now()
        self._note_change()

    async def watch(self) -> None:
        """Probe for ever, every `every_s` seconds."""
        while True:
            await self.check()
            await asyncio.sleep(self._every_s)

    async def _probe(self, name: str) -> DependencyState:
        probe = self._probes[name]
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                if probe is not None:
                    await probe()
        except (MemoryOSError, TimeoutError):
            return "down"
        return "up"

    def _mode(self) -> Mode:
        if not self._serving:
            return "not_ready"
        return "degraded" if "down" in self._states.values() else "fully_operational"

    def _note_change(self) -> None:
        down = sorted(name for name, state in self._states.items() if state == "down")
        if bool(down) != self._degraded:
            self._degraded = bool(down)
            logger.bind(down=down).warning("degraded mode entered" if down else "degraded mode left")
