"""When a call is made again, how often, and after how long."""

import pytest

from memoryos_adapters.embedding.retries import Retries
from memoryos_ports.errors import (
    QuotaExhausted,
    RateLimited,
    UpstreamAuthError,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)

DOWN = UpstreamUnavailable(upstream="x")


class Attempts:
    """A call that fails with these errors, then returns how often it was made; `waits` are the pauses before it."""

    def __init__(self, *errors: UpstreamError) -> None:
        self._errors = list(errors)
        self.made = 0
        self.waits: list[float] = []

    async def call(self) -> int:
        self.made += 1
        if self._errors:
            raise self._errors.pop(0)
        return self.made

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    def retries(self, *, chance: float = 1.0) -> Retries:
        return Retries(sleep=self.wait, chance=lambda: chance)


@pytest.mark.parametrize(
    ("errors", "chance", "waits"),
    [
        ((), 1.0, []),
        ((DOWN,), 1.0, [0.5]),
        ((DOWN, UpstreamTimeout(upstream="x")), 1.0, [0.5, 1.0]),
        ((DOWN, DOWN), 0.2, [0.1, 0.2]),
        ((RateLimited(upstream="x", retry_after_s=7),), 1.0, [7]),
        ((RateLimited(upstream="x", retry_after_s=0),), 1.0, [0]),
        ((UpstreamUnavailable(upstream="x", retry_after_s=3), DOWN), 1.0, [3, 1.0]),
    ],
)
async def test_a_call_that_may_succeed_is_made_again(
    errors: tuple[UpstreamError, ...], chance: float, waits: list[float]
) -> None:
    attempts = Attempts(*errors)
    assert await attempts.retries(chance=chance).run(attempts.call) == len(errors) + 1
    assert attempts.waits == pytest.approx(waits)


@pytest.mark.parametrize(
    ("errors", "made"),
    [
        ((DOWN, DOWN, DOWN, DOWN), 3),
        ((UpstreamAuthError(upstream="x"), DOWN), 1),
        ((QuotaExhausted(upstream="x"), DOWN), 1),
        ((RateLimited(upstream="x", retry_after_s=11), DOWN), 1),
    ],
)
async def test_a_call_that_cannot_succeed_soon_is_not(errors: tuple[UpstreamError, ...], made: int) -> None:
    attempts = Attempts(*errors)
    with pytest.raises(UpstreamError) as caught:
        await attempts.retries().run(attempts.call)
    assert caught.value is errors[made - 1]
    assert (attempts.made, len(attempts.waits)) == (made, made - 1)
