"""How often an event is tried, how long it rests in between, and when it is buried."""

import random

import msgspec


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
