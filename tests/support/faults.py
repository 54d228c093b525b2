"""Fault injection: a real store behind a switch that makes chosen methods fail or hang."""

import asyncio
import inspect
from typing import Any, TypeVar, cast

from memoryos_ports.errors import UpstreamUnavailable

T = TypeVar("T")

DOWN = UpstreamUnavailable(upstream="store", detail="switched off")


class Faults:
    """What goes wrong at the moment; nothing at first."""

    def __init__(self) -> None:
        self._errors: dict[str, tuple[Exception, int | None]] = {}
        self._hanging: set[str] = set()
        self._gates: dict[str, asyncio.Event] = {}
        self.hung = asyncio.Event()
        """Set once somebody waits for ever."""

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

    def mend(self) -> None:
        """Make everything work again."""
        self._errors.clear()
        self._hanging.clear()

    async def meet(self, method: str) -> None:
        """Fail or hang, if `method` is to."""
        if self._hanging & {method, "*"}:
            self.hung.set()
            await asyncio.Event().wait()
        if gate := self._gates.get(method):
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


class _Switched:
    def __init__(self, real: object, faults: Faults) -> None:
        self._real, self._faults = real, faults

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._real, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        async def call(*args: Any, **kwargs: Any) -> Any:
            await self._faults.meet(name)
            return await attribute(*args, **kwargs)

        return call
