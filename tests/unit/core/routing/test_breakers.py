"""Circuit breakers: open after failures in a row, one trial after the rest, and never stuck."""

from typing import Literal, TypeAlias

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.routing.breakers import MAX_WATCHED, Breakers, BreakerSettings

ME, OTHER = object(), object()


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make_breakers(*, failures: int = 3, cooldown_s: float = 30.0) -> tuple[Breakers, Watch]:
    """Return closed breakers and their clock."""
    watch = Watch()
    return Breakers(BreakerSettings(failures=failures, cooldown_s=cooldown_s), monotonic=watch), watch


def open_up(breakers: Breakers, deployment: str = "a/m", *, failures: int = 3) -> None:
    """Let a deployment fail until its breaker is open."""
    for _ in range(failures):
        assert breakers.enter(deployment, ME)
        breakers.failed(deployment)
        breakers.leave(deployment, ME)


def test_a_breaker_opens_with_the_last_of_its_failures() -> None:
    breakers, _ = make_breakers()
    open_up(breakers, failures=2)
    assert breakers.enter("a/m", ME)
    breakers.failed("a/m")
    assert not breakers.enter("a/m", ME)
    assert breakers.rest_s("a/m") == 30


def test_failures_count_in_a_row_only() -> None:
    breakers, _ = make_breakers()
    for _ in range(5):
        open_up(breakers, failures=2)
        breakers.succeeded("a/m")
    assert breakers.enter("a/m", ME)


def test_what_tells_nothing_breaks_no_row() -> None:
    breakers, _ = make_breakers()
    open_up(breakers, failures=2)
    breakers.leave("a/m", ME)
    breakers.failed("a/m")
    assert not breakers.enter("a/m", ME)


def test_each_deployment_has_its_own_breaker() -> None:
    breakers, _ = make_breakers()
    open_up(breakers, "a/m")
    assert breakers.enter("a/other", ME)
    assert breakers.enter("b/m", ME)


def test_the_rest_counts_down() -> None:
    breakers, watch = make_breakers()
    open_up(breakers)
    watch.now += 29.5
    assert breakers.rest_s("a/m") == 0.5
    assert not breakers.enter("a/m", ME)
    watch.now += 0.5
    assert breakers.rest_s("a/m") == 0
    assert breakers.enter("a/m", ME)


def test_after_its_rest_one_request_tries_a_deployment() -> None:
    breakers, watch = make_breakers()
    open_up(breakers)
    watch.now += 30
    assert [breakers.enter("a/m", object()) for _ in range(5)] == [True, False, False, False, False]


def test_a_trial_that_succeeds_closes_the_breaker() -> None:
    breakers, watch = make_breakers()
    open_up(breakers)
    watch.now += 30
    assert breakers.enter("a/m", ME)
    breakers.succeeded("a/m")
    assert all(breakers.enter("a/m", object()) for _ in range(5))
    open_up(breakers, failures=2)
    assert breakers.enter("a/m", ME), "it counts from the beginning"


def test_a_trial_that_fails_is_followed_by_a_whole_rest() -> None:
    breakers, watch = make_breakers()
    open_up(breakers)
    watch.now += 45
    assert breakers.enter("a/m", ME)
    breakers.failed("a/m")
    breakers.leave("a/m", ME)
    assert breakers.rest_s("a/m") == 30
    watch.now += 30
    assert breakers.enter("a/m", OTHER), "and by another trial"


def test_a_trial_that_is_cancelled_lets_the_next_one_in_at_once() -> None:
    breakers, watch = make_breakers()
    open_up(breakers)
    watch.now += 30
    assert breakers.enter("a/m", ME)
    breakers.leave("a/m", ME)
    assert breakers.enter("a/m", OTHER)


def test_a_request_of_before_does_not_end_the_trial_of_another() -> None:
    """It was let in while the breaker was closed, and hangs up during the trial."""
    breakers, watch = make_breakers()
    assert breakers.enter("a/m", OTHER)
    open_up(breakers)
    watch.now += 30
    assert breakers.enter("a/m", ME)
    breakers.leave("a/m", OTHER)
    assert not breakers.enter("a/m", object())


def test_a_late_failure_of_before_does_not_let_a_second_trial_in() -> None:
    breakers, watch = make_breakers()
    assert breakers.enter("a/m", OTHER)
    open_up(breakers)
    watch.now += 30
    assert breakers.enter("a/m", ME)
    breakers.failed("a/m")
    breakers.leave("a/m", OTHER)
    watch.now += 30
    assert not breakers.enter("a/m", object()), "the first is still under way"


def test_success_of_a_request_of_before_closes_the_breaker() -> None:
    breakers, _ = make_breakers()
    assert breakers.enter("a/m", OTHER)
    open_up(breakers)
    breakers.succeeded("a/m")
    assert breakers.enter("a/m", ME)


def test_a_provider_is_down_while_one_of_its_models_is() -> None:
    breakers, _ = make_breakers()
    open_up(breakers, "openrouter/org/model:v1")
    open_up(breakers, "a/m", failures=2)
    assert breakers.is_down("openrouter")
    assert not breakers.is_down("a")
    assert not breakers.is_down("open")


def test_a_provider_is_down_until_it_has_answered() -> None:
    """That it has rested does not mean that it is well."""
    breakers, watch = make_breakers()
    open_up(breakers)
    watch.now += 30
    assert breakers.is_down("a")
    assert breakers.enter("a/m", ME)
    assert breakers.is_down("a")
    breakers.succeeded("a/m")
    assert not breakers.is_down("a")


def test_a_provider_that_nobody_tries_is_down_for_ten_rests_more() -> None:
    breakers, watch = make_breakers()
    open_up(breakers)
    watch.now += 30 + 10 * 30 - 0.5
    assert breakers.is_down("a")
    watch.now += 0.5
    assert not breakers.is_down("a")
    assert [breakers.enter("a/m", object()) for _ in range(2)] == [True, False], "it is still tried by one alone"


def test_a_trial_that_fails_keeps_a_provider_down() -> None:
    breakers, watch = make_breakers()
    open_up(breakers)
    watch.now += 320
    assert breakers.enter("a/m", ME)
    breakers.failed("a/m")
    watch.now += 320
    assert breakers.is_down("a")


def test_clients_who_make_up_names_do_not_fill_the_memory() -> None:
    breakers, _ = make_breakers(failures=1)
    for number in range(MAX_WATCHED + 50):
        breakers.failed(f"a/made-up-{number}")
    assert len(breakers._breakers) == MAX_WATCHED
    assert not breakers.enter(f"a/made-up-{MAX_WATCHED + 49}", ME), "the newest is watched"


def test_nothing_is_kept_of_what_is_well() -> None:
    breakers, _ = make_breakers()
    for number in range(10):
        breakers.enter(f"a/{number}", ME)
        breakers.leave(f"a/{number}", ME)
        breakers.succeeded(f"a/{number}")
    assert breakers._breakers == {}


Ending: TypeAlias = Literal["succeeded", "failed", "cancelled"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Time passes, then somebody wants in, and one of those who are in leaves."""

    seconds: float
    enters: bool
    leaves: int | None
    ending: Ending


STEPS = st.lists(
    st.builds(
        Step,
        seconds=st.sampled_from([0.0, 0.0, 15.0, 30.0]),
        enters=st.booleans(),
        leaves=st.none() | st.integers(0, 9),
        ending=st.sampled_from(["succeeded", "failed", "cancelled"]),
    ),
    max_size=40,
)


@given(steps=STEPS, failures=st.integers(1, 3))
def test_at_most_one_tries_and_nothing_stays_half_open(steps: list[Step], failures: int) -> None:
    breakers, watch = make_breakers(failures=failures)
    inside: list[tuple[object, bool]] = []  # who, and whether on trial
    for step in steps:
        watch.now += step.seconds
        who, was_down = object(), breakers.is_down("a")
        if step.enters and breakers.enter("a/m", who):
            inside.append((who, was_down))
        if step.leaves is not None and inside:
            leaver, _ = inside.pop(step.leaves % len(inside))
            if step.ending != "cancelled":
                getattr(breakers, step.ending)("a/m")
            breakers.leave("a/m", leaver)
        if not breakers.is_down("a"):
            inside = [(one, False) for one, _ in inside]  # closed again: nobody is on trial any more
        assert sum(on_trial for _, on_trial in inside) <= 1
    for leaver, _ in inside:
        breakers.leave("a/m", leaver)
    watch.now += 30
    assert breakers.enter("a/m", ME)
