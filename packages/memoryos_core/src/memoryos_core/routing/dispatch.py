"""Asking one model after the other until one answers, within one budget of tries and of time for the whole request."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import msgspec
from loguru import logger

from memoryos_core.routing.breakers import Breakers
from memoryos_core.routing.plan import Route
from memoryos_core.routing.verdict import Verdict, verdict_on
from memoryos_ports.errors import (
    CoolingDown,
    InvalidInput,
    LocalModelRequired,
    MemoryOSError,
    ModelNotFound,
    NotFound,
    QuotaExhausted,
    RateLimited,
    UpstreamAuthError,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)

_T = TypeVar("_T")

_LEAST_REST_S = 1.0

_ADAPTERS_FIRST_S = 0.5
"""How much later than an adapter's own time-out the request's is: the adapter's tells about the provider."""


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """At most `max_tries` calls for one request, whatever the number of models.

    Before the same model is asked again, up to `backoff_s` · 2ⁿ pass (full jitter), at most `max_wait_s`; or what its
    provider asked for, and when that is more than `max_wait_s` it is not asked again.
    """

    max_tries: int = 3
    backoff_s: float = 0.5
    max_wait_s: float = 10.0


class Dispatched(msgspec.Struct, Generic[_T], frozen=True, kw_only=True):
    """An answer, the route that gave it, and how many calls to providers it took."""

    answer: _T
    route: Route
    tries: int


class Dispatcher:
    """Retries, falls back, and keeps away from what is broken.

    A model that fails is followed by the next one at once; only when every model was asked does it wait and ask again.
    """

    def __init__(
        self,
        *,
        policy: RetryPolicy | None = None,
        breakers: Breakers | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        self._policy = policy or RetryPolicy()
        self._breakers, self._now = breakers or Breakers(), monotonic
        self._chance = chance or random.Random()  # noqa: S311 - jitter is no secret

    async def run(self, model: str, routes: Sequence[Route], ask: Callable[[Route], Awaitable[_T]]) -> Dispatched[_T]:
        """Return the first answer. `model` is the name that the client used, `ask` calls one route.

        Raises what tells most of what the models raised, with `tries` set; CoolingDown when none may be asked at the
        moment. The whole takes no longer than `total_timeout_s` of every provider that may be asked.
        """
        journey = _Journey(model, routes, self._policy, self._chance, until=self._now() + _time_of(routes))
        while (route := await self._next(journey)) is not None:
            try:
                answer = await self._ask(journey, route, ask)
            except MemoryOSError as exc:
                journey.note_failure(route, exc, now=self._now())
            else:
                return Dispatched(answer=answer, route=route, tries=journey.tries + cost_of(route))
        raise journey.verdict()

    def note_error(self, route: Route, exc: UpstreamError) -> None:
        """Note that a call failed, or a stream that had begun well."""
        log_failure(route, exc)
        note = self._breakers.succeeded if _is_answer(exc) else self._breakers.failed
        note(route.deployment)

    async def _next(self, journey: "_Journey") -> Route | None:
        """Return the route to be asked now, after waiting if need be; None when nobody is left."""
        while (stop := journey.take(now=self._now())) is not None:
            route, wait_s = stop
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if self._breakers.enter(route.deployment, journey):
                return route
            journey.note_cooling(route, rest_s=max(_LEAST_REST_S, self._breakers.rest_s(route.deployment)))
        return None

    async def _ask(self, journey: "_Journey", route: Route, ask: Callable[[Route], Awaitable[_T]]) -> _T:
        try:
            async with asyncio.timeout(journey.until + _ADAPTERS_FIRST_S - self._now()):
                answer = await ask(route)
        except TimeoutError as exc:  # it had less than its own time: that says nothing of the provider
            raise UpstreamTimeout(upstream=route.provider.name, detail="no time left for the request") from exc
        except UpstreamError as exc:
            self.note_error(route, exc)
            raise
        else:
            self._breakers.succeeded(route.deployment)
            return answer
        finally:
            self._breakers.leave(route.deployment, journey)


class _Journey:
    """What one request has been through."""

    def __init__(
        self, model: str, routes: Sequence[Route], policy: RetryPolicy, chance: random.Random, *, until: float
    ) -> None:
        self._model, self._policy, self._chance = model, policy, chance
        self._not_asked = list(reversed(routes))
        self._again: list[tuple[float, Route]] = []  # failed, and may be asked again from that moment on
        self._failures: Counter[str] = Counter()
        self._error: MemoryOSError | None = None
        self.until = until
        self.tries = 0

    def take(self, *, now: float) -> tuple[Route, float] | None:
        """Return the next route, and how long to wait before: one that was not asked, else the one that is soonest."""
        if self.tries >= self._policy.max_tries or now >= self.until:
            return None
        if self._not_asked:
            return self._not_asked.pop(), 0.0
        soonest = min(self._again, key=lambda again: again[0], default=None)
        if soonest is None or soonest[0] >= self.until:
            return None
        self._again.remove(soonest)
        return soonest[1], max(0.0, soonest[0] - now)

    def note_cooling(self, route: Route, *, rest_s: float) -> None:
        """Leave a route out whose breaker is open."""
        if route.provider.direct:
            return
        if self._error is None or (isinstance(self._error, CoolingDown) and rest_s < (self._error.retry_after_s or 0)):
            detail = "failed too often lately and is left alone for a while"
            self._error = CoolingDown(upstream=route.provider.name, detail=detail, retry_after_s=rest_s)

    def note_failure(self, route: Route, exc: MemoryOSError, *, now: float) -> None:
        """Decide what a failure means for the rest of the request; raise it when it is final."""
        self.tries += cost_of(route, exc)
        exc.tries = self.tries
        verdict = verdict_on(exc)
        if route.provider.direct:
            return  # that there is no approved answer is no failure
        if verdict is Verdict.FINAL:
            raise exc
        if self._tells_more(exc, verdict):
            self._error = exc
        if verdict is Verdict.AGAIN and (wait_s := self._wait_s(route, exc)) is not None:
            self._again.append((now + wait_s, route))

    def verdict(self) -> MemoryOSError:
        """Return the error of a request that nobody answered."""
        error = self._error or ModelNotFound(self._model)
        error.tries = self.tries
        return error

    def _tells_more(self, exc: MemoryOSError, verdict: Verdict) -> bool:
        """Return whether an error says more of why nobody answered than the one before.

        What may pass says more than what another model would have to mend, and a failure more than ignorance.
        """
        if self._error is None or isinstance(self._error, CoolingDown):
            return not isinstance(exc, NotFound)
        return verdict is Verdict.AGAIN or (not self._error.retryable and not isinstance(exc, NotFound))

    def _wait_s(self, route: Route, exc: MemoryOSError) -> float | None:
        """Return how long to wait before this route may be asked again, None when that is too long."""
        self._failures[route.deployment] += 1
        asked = exc.retry_after_s if isinstance(exc, RateLimited | UpstreamUnavailable) else None
        if asked is not None and asked > self._policy.max_wait_s:
            return None
        longest = self._policy.backoff_s * 2 ** (self._failures[route.deployment] - 1)
        return max(asked or 0.0, self._chance.uniform(0, min(self._policy.max_wait_s, longest)))


def log_failure(route: Route, exc: UpstreamError) -> None:
    """Say which provider failed, and how; what the caller did wrong is its own affair."""
    if not isinstance(exc, UpstreamRejected):
        told = logger.bind(route=str(route), error=type(exc).__name__, detail=exc.detail, reason=exc.reason)
        told.warning("provider failed")


def cost_of(route: Route, exc: MemoryOSError | None = None) -> int:
    """Return how many calls to a provider asking this route was: what was refused here was none."""
    is_ours = isinstance(exc, InvalidInput | LocalModelRequired)
    return 0 if route.provider.direct or is_ours else 1


def _is_answer(exc: UpstreamError) -> bool:
    """Return whether an error shows that the provider is well: it may have refused us, but it answered."""
    return isinstance(exc, UpstreamRejected | RateLimited | QuotaExhausted | UpstreamAuthError)


def _time_of(routes: Sequence[Route]) -> float:
    """Return how long a request may take: each of its providers has its own time."""
    return sum({route.provider.name: route.provider.total_timeout_s for route in routes}.values())
