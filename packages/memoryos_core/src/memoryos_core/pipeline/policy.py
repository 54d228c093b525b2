"""Whose fault a failure is, how often an event is tried, how long it rests in between, and when it is buried."""

import random
from collections import Counter
from typing import Final

import msgspec

from memoryos_ports.errors import (
    EmbedderMismatch,
    Overloaded,
    QuotaExhausted,
    RateLimited,
    StorageFull,
    UpstreamAuthError,
    UpstreamProtocolError,
    UpstreamTimeout,
    UpstreamUnavailable,
)

_OF_A_DEPENDENCY: Final = (
    UpstreamUnavailable,
    UpstreamTimeout,
    # what a server says that is half dead (no disk, no replicas, a slot without a master): it must bury nothing
    UpstreamProtocolError,
    RateLimited,
    # nothing is wrong with the event, and only the operator can help: it waits for that
    QuotaExhausted,
    UpstreamAuthError,
    EmbedderMismatch,
    StorageFull,
    Overloaded,
)

_MANY = 1000


def is_of_a_dependency(error: Exception) -> bool:
    """Return whether a failure says that a dependency is not as it should be, and so is no attempt of the event.

    A request that a store refuses as such (`UpstreamRejected`) is the event's own failure, as is everything else.
    """
    return isinstance(error, _OF_A_DEPENDENCY)


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts and back-off of the events' own failures; a dependency that is down is none."""

    max_attempts: int = 5
    base_s: float = 1.0
    max_s: float = 60.0

    def is_spent(self, attempts: int) -> bool:
        """Return whether an event that failed this many times goes to the dead letters."""
        return attempts >= self.max_attempts

    def rest_s(self, attempts: int, chance: random.Random) -> float:
        """Return the seconds until the next try after `attempts` failures: full jitter over base * 2^(attempts-1)."""
        return chance.uniform(0, min(self.max_s, self.base_s * 2 ** max(attempts - 1, 0)))


class PutOffs:
    """How often each event met a dependency's failure of late, while the probes said that all is well.

    Known to this process alone, and no attempts: they only make an event rest longer each time, so that one which meets
    such failures for reasons of its own stops no others.
    """

    def __init__(self, policy: RetryPolicy, chance: random.Random) -> None:
        self._policy = policy
        self._chance = chance
        self._times: Counter[str] = Counter()

    def note(self, handle: str) -> None:
        """Note one more of an event."""
        if len(self._times) >= _MANY:  # other processes consume most of them by now
            self._times.clear()
        self._times[handle] += 1

    def rest_s(self, handle: str) -> float:
        """Return how long an event rests now, 0 when nothing is noted of it."""
        times = self._times[handle]
        return self._policy.rest_s(times, self._chance) if times else 0

    def forget(self, handle: str) -> None:
        """Forget an event that is settled."""
        del self._times[handle]

    def forget_all(self) -> None:
        """Forget everything: a dependency was down, and no event to blame."""
        self._times.clear()
