"""Circuit breakers: a deployment that keeps failing is left alone for a while, then tried by one request."""

import time
from collections.abc import Callable

import msgspec

MAX_WATCHED = 10_000

_RESTS_REMEMBERED = 10


class BreakerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A breaker opens after `failures` in a row and stays open for `cooldown_s`."""

    failures: int = 10
    cooldown_s: float = 10.0


class _Breaker:
    __slots__ = ("failures", "open_until", "prober")

    def __init__(self) -> None:
        self.failures = 0
        self.open_until = 0.0
        self.prober: object | None = None


class Breakers:
    """One breaker for each deployment that failed lately.

    Whoever was let in says how it went, `succeeded` or `failed`, unless that tells nothing about the deployment (it was
    cancelled), and leaves. What the caller did wrong is a success: the deployment answered. `by` is whoever enters and
    leaves: one that was let in before the breaker opened does not end the trial of another.
    """

    def __init__(
        self, settings: BreakerSettings | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings, self._monotonic = settings or BreakerSettings(), monotonic
        self._breakers: dict[str, _Breaker] = {}

    def enter(self, deployment: str, by: object) -> bool:
        """Return whether the deployment may be asked; when it has rested, one request at a time tries it."""
        breaker = self._breakers.get(deployment)
        if breaker is None or not self._is_open(breaker):
            return True
        if breaker.prober is not None or self.rest_s(deployment) > 0:
            return False
        breaker.prober = by
        return True

    def rest_s(self, deployment: str) -> float:
        """Return for how many more seconds the deployment is left alone."""
        breaker = self._breakers.get(deployment)
        return max(0.0, breaker.open_until - self._monotonic()) if breaker and self._is_open(breaker) else 0.0

    def succeeded(self, deployment: str) -> None:
        """Note that the deployment answered."""
        self._breakers.pop(deployment, None)

    def failed(self, deployment: str) -> None:
        """Note that the deployment failed."""
        breaker = self._breakers.setdefault(deployment, _Breaker())
        breaker.failures += 1
        if self._is_open(breaker):
            breaker.open_until = self._monotonic() + self._settings.cooldown_s
        while len(self._breakers) > MAX_WATCHED:
            del self._breakers[next(iter(self._breakers))]

    def leave(self, deployment: str, by: object) -> None:
        """Note that a request has ended, and its trial if it was one."""
        breaker = self._breakers.get(deployment)
        if breaker is not None and breaker.prober is by:
            breaker.prober = None

    def is_down(self, provider: str) -> bool:
        """Return whether a deployment of the provider is down, as far as we know.

        It stays so while trials fail; with nobody to try it, it is forgotten after some rests.
        """
        forgotten_s = self._settings.cooldown_s * _RESTS_REMEMBERED
        return any(
            name.partition("/")[0] == provider
            and self._is_open(breaker)
            and self._monotonic() < breaker.open_until + forgotten_s
            for name, breaker in self._breakers.items()
        )

    def _is_open(self, breaker: _Breaker) -> bool:
        return breaker.failures >= self._settings.failures
