"""Fault injection: a real store behind a switch that makes chosen methods fail or hang."""

import asyncio
import inspect
from typing import Any, TypeVar, cast

from memoryos_ports.errors import UpstreamUnavailable

T = TypeVar("T")

DOWN = UpstreamUnavailable(upstream="store", detail="switched off")


class Crash(Exception):
    """The end of the process, as far as a test is concerned."""


class Countdown:
    """Counts the calls of all stores that share it, and ends the process before the one of number `at`, from 1."""

    def __init__(self, *, at: int | None = None) -> None:
        self._at = at
        self.calls = 0

    def count(self) -> None:
        """Count a call. Raises Crash when it is its turn."""
        self.calls += 1
        if self.calls == self._at:
            raise Crash(f"before call {self._at}")


class Faults:
    """What goes wrong at the moment; nothing at first."""

    def __init__(self) -> None:
        self.countdown: Countdown | None = None
        self._watched: dict[str, asyncio.Event] = {}
        self._errors: dict[str, tuple[Exception, int | None]] = {}
        self._hanging: set[str] = set()
        self._gates: dict[str, asyncio.Event] = {}
        self.hung = asyncio.Event()
        """Set once somebody waits, for ever or for what was returned by `hold`."""

    def fail(self, *methods: str, error: Exception = DOWN, times: int | None = None) -> None:
        """Make these methods raise, `times` times or until mended; "*" stands for all."""
        self._errors |= dict.fromkeys(methods, (error, times))

    def hang(self, *methods: str) -> None:
        """Make these methods wait for ever."""
        self._hanging |= set(methods)

    def hold(self, method: str) -> asyncio.Event:
        """Make a method wait until the event that is returned is set."""
        self._gates[method] = asyncio.Event()
        return self._gates[method]

    def watch(self, method: str) -> asyncio.Event:
        """Return an event that is set as soon as the method is called."""
        return self._watched.setdefault(method, asyncio.Event())

    def mend(self) -> None:
        """Make everything work again."""
        self._errors.clear()
        self._hanging.clear()
        self.countdown = None

    async def meet(self, method: str) -> None:
        """Fail or hang, if `method` is to."""
        if watched := self._watched.get(method):
            watched.set()
        if self.countdown is not None:
            self.countdown.count()
        if self._hanging & {method, "*"}:
            self.hung.set()
            await asyncio.Event().wait()
        if gate := self._gates.get(method):
            self.hung.set()
            await gate.wait()
        key = method if method in self._errors else "*"
        error, times = self._errors.get(key, (None, None))
        if error is None or times == 0:
            return
        if times is not None:
            self._errors[key] = (error, times - 1)
        raise error


def faulty(port: T, faults: Faults) -> T:
    """Return the store behind the switch; it keeps the port's promises as long as nothing is switched off."""
    return cast(T, _Switched(port, faults))


def beneath(port: T) -> T:
    """Return the store behind the switch: how somebody reaches it for whom nothing is switched off."""
    assert isinstance(port, _Switched)
    return cast(T, port.real)


class _Switched:
    def __init__(self, real: object, faults: Faults) -> None:
        self.real, self._faults = real, faults

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.real, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        async def call(*args: Any, **kwargs: Any) -> Any:
            await self._faults.meet(name)
            return await attribute(*args, **kwargs)

        return call
