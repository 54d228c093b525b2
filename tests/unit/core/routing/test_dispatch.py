"""Asking one model after the other: the order, the waits, one budget, the error at the end. All in virtual time."""

import asyncio
import random
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.routing.breakers import Breakers, BreakerSettings
from memoryos_core.routing.dispatch import Dispatched, Dispatcher, RetryPolicy
from memoryos_core.routing.plan import Route
from memoryos_ports.errors import (
    CoolingDown,
    InvalidInput,
    LocalModelRequired,
    MemoryOSError,
    ModelNotFound,
    NotFound,
    QuotaExhausted,
    RateLimited,
    StreamCut,
    UpstreamAuthError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from tests.unit.core.routing.scenery import ANSWER, HANGS, Outcome, Script, Slow, down, make_route, make_routes
from tests.unit.core.routing.virtual_time import in_virtual_time, now

BREAKING = BreakerSettings(failures=3, cooldown_s=30)
NEVER_OPEN = BreakerSettings(failures=10**6)


def make_breakers(settings: BreakerSettings = BREAKING) -> Breakers:
    """Return breakers on the loop's clock."""
    return Breakers(settings, monotonic=asyncio.get_running_loop().time)


def make_dispatcher(breakers: Breakers | None = None, **policy: float) -> Dispatcher:
    """Return a dispatcher on the loop's clock, whose jitter is always the same; `policy` are fields of it."""
    return Dispatcher(
        policy=RetryPolicy(**({"max_tries": 3} | policy)),  # type: ignore[arg-type]  # a float that is whole
        breakers=breakers or make_breakers(NEVER_OPEN),
        monotonic=asyncio.get_running_loop().time,
        chance=random.Random(7),
    )


async def ask(dispatcher: Dispatcher, routes: Sequence[Route], script: Script) -> Dispatched[str]:
    """Ask for a model that the client calls ``auto``."""
    return await dispatcher.run("auto", routes, script.ask)


async def ask_in_vain(dispatcher: Dispatcher, routes: Sequence[Route], script: Script) -> MemoryOSError:
    """Return the error that comes out at the end."""
    with pytest.raises(MemoryOSError) as caught:
        await ask(dispatcher, routes, script)
    return caught.value


def open_up(breakers: Breakers, name: str) -> None:
    """Open the breaker of a provider's model."""
    for _ in range(BREAKING.failures):
        breakers.failed(f"{name}/m")


# --- the order and the budget


@in_virtual_time
async def test_the_first_answer_is_the_answer() -> None:
    script = Script({"a": ANSWER})
    routes = make_routes("ab")
    done = await ask(make_dispatcher(), routes, script)
    assert done == Dispatched(answer=ANSWER, route=routes[0], tries=1)
    assert script.asked == "a"


@in_virtual_time
async def test_the_next_model_is_asked_at_once() -> None:
    script = Script({"a": down(), "b": down(), "c": ANSWER})
    done = await ask(make_dispatcher(), make_routes("abc"), script)
    assert (str(done.route), done.tries, script.asked, script.times) == ("default/c/m", 3, "abc", [0, 0, 0])


ORDERS = [
    ("a", 1, "a"),
    ("a", 3, "aaa"),
    ("ab", 1, "a"),
    ("ab", 2, "ab"),
    ("ab", 3, "aba"),
    ("abcde", 1, "a"),
    ("abcde", 3, "abc"),
    ("abcde", 5, "abcde"),
    ("abcde", 6, "abcdea"),
]


@pytest.mark.parametrize(("models", "max_tries", "asked"), ORDERS)
@in_virtual_time
async def test_the_budget_is_one_for_all_models(models: str, max_tries: int, asked: str) -> None:
    """Never the product of tries and models. Whoever asks to wait the same is asked again in the old order."""
    script = Script({name: down(retry_after_s=1) for name in models})
    error = await ask_in_vain(make_dispatcher(max_tries=max_tries), make_routes(models), script)
    assert (script.asked, error.tries) == (asked, max_tries)
    assert script.times == [float(n // len(models)) for n in range(max_tries)]


@in_virtual_time
async def test_whoever_may_be_asked_soonest_is_asked_again_first() -> None:
    script = Script({"a": down(retry_after_s=3), "b": down(retry_after_s=1)})
    await ask_in_vain(make_dispatcher(max_tries=5), make_routes("ab"), script)
    assert (script.asked, script.times) == ("abbba", [0, 0, 1, 2, 3])


@in_virtual_time
async def test_back_off_is_full_jitter_that_doubles_up_to_a_bound() -> None:
    chance, script = random.Random(7), Script({"a": down()})
    await ask_in_vain(make_dispatcher(max_tries=6, backoff_s=0.5, max_wait_s=3), make_routes("a"), script)
    waits = [chance.uniform(0, longest) for longest in (0.5, 1, 2, 3, 3)]
    assert script.times == pytest.approx([sum(waits[:n]) for n in range(6)])


@in_virtual_time
async def test_each_model_has_its_own_back_off() -> None:
    chance, script = random.Random(7), Script({"a": down(), "b": down()})
    await ask_in_vain(make_dispatcher(max_tries=4, backoff_s=1, max_wait_s=60), make_routes("ab"), script)
    due = {"a": chance.uniform(0, 1), "b": chance.uniform(0, 1)}
    first, second = sorted(due, key=lambda name: due[name])
    again = due[first] + chance.uniform(0, 2)
    assert script.times[2] == pytest.approx(due[first])
    assert script.times[3] == pytest.approx(min(due[second], again))


# --- what a provider asks for


@pytest.mark.parametrize("error", [RateLimited(upstream="a", retry_after_s=4), down("a", retry_after_s=4)])
@in_virtual_time
async def test_retry_after_is_honoured_to_the_second(error: UpstreamError) -> None:
    script = Script({"a": [error, ANSWER]})
    done = await ask(make_dispatcher(), make_routes("a"), script)
    assert (done.tries, script.times) == (2, [0, 4])


@pytest.mark.parametrize("retry_after_s", [0, 0.001])
@in_virtual_time
async def test_whoever_asks_for_no_wait_is_not_asked_by_everybody_at_once(retry_after_s: float) -> None:
    script = Script({"a": [RateLimited(upstream="a", retry_after_s=retry_after_s), ANSWER]})
    await ask(make_dispatcher(backoff_s=0.5), make_routes("a"), script)
    assert script.times == [0, pytest.approx(random.Random(7).uniform(0, 0.5))]


@in_virtual_time
async def test_the_longest_wait_is_still_waited_for() -> None:
    script = Script({"a": [down(retry_after_s=10), ANSWER]})
    await ask(make_dispatcher(max_wait_s=10), make_routes("a"), script)
    assert script.times == [0, 10]


@in_virtual_time
async def test_whoever_asks_for_too_long_a_wait_is_not_asked_again_and_its_wait_is_told() -> None:
    script = Script({"a": RateLimited(upstream="a", retry_after_s=10.5)})
    error = await ask_in_vain(make_dispatcher(max_wait_s=10), make_routes("a"), script)
    assert (script.asked, now()) == ("a", 0)
    assert isinstance(error, RateLimited)
    assert (error.retry_after_s, error.tries) == (10.5, 1)


@in_virtual_time
async def test_a_wait_that_is_too_long_for_one_model_leaves_the_others() -> None:
    script = Script({"a": RateLimited(upstream="a", retry_after_s=600), "b": [down(retry_after_s=1), ANSWER]})
    done = await ask(make_dispatcher(), make_routes("ab"), script)
    assert (script.asked, script.times, done.tries) == ("abb", [0, 0, 1], 3)


# --- the time of the whole request

LATER_S = 0.5
"""How much later than the time-out of an adapter the request ends."""


@in_virtual_time
async def test_the_whole_request_ends_in_time() -> None:
    script = Script({"a": HANGS})
    error = await ask_in_vain(make_dispatcher(), make_routes("a", total_timeout_s=5), script)
    assert isinstance(error, UpstreamTimeout)
    assert (error.upstream, error.tries, script.asked, now()) == ("a", 1, "a", 5 + LATER_S)
    assert script.open_calls == 0


@in_virtual_time
async def test_a_model_that_hangs_to_its_own_end_leaves_time_for_the_next() -> None:
    script = Script({"a": Slow(seconds=5, then=UpstreamTimeout(upstream="a")), "b": Slow(seconds=4.9)})
    done = await ask(make_dispatcher(), make_routes("ab", total_timeout_s=5), script)
    assert (script.asked, script.times, done.route.provider.name, done.tries) == ("ab", [0, 5], "b", 2)


@in_virtual_time
async def test_a_model_that_hangs_to_its_own_end_is_not_asked_again_alone() -> None:
    script = Script({"a": Slow(seconds=5, then=UpstreamTimeout(upstream="a", detail="its own end"))})
    error = await ask_in_vain(make_dispatcher(), make_routes("a", total_timeout_s=5), script)
    assert isinstance(error, UpstreamTimeout)
    assert (error.detail, script.asked, now()) == ("its own end", "a", 5)


@in_virtual_time
async def test_retries_and_fallbacks_share_the_time() -> None:
    script = Script({"a": Slow(seconds=3, then=down()), "b": HANGS})
    error = await ask_in_vain(make_dispatcher(), make_routes("ab", total_timeout_s=5), script)
    assert (script.asked, script.times, now()) == ("ab", [0, 3], 10 + LATER_S)
    assert (error.tries, getattr(error, "upstream", None)) == (2, "b")


@in_virtual_time
async def test_nobody_is_waited_for_beyond_the_time() -> None:
    script = Script({"a": down(retry_after_s=5)})
    await ask_in_vain(make_dispatcher(max_wait_s=10), make_routes("a", total_timeout_s=5), script)
    assert (script.asked, now()) == ("a", 0)


@in_virtual_time
async def test_every_provider_adds_its_time_once() -> None:
    first = make_route("a", total_timeout_s=7)
    routes = [
        make_route("d", direct=True, total_timeout_s=1),
        first,
        msgspec.structs.replace(first, model="another"),
        make_route("b", total_timeout_s=60),
    ]
    await ask_in_vain(make_dispatcher(), routes, Script({"d": NotFound("answer", "faq"), "a": HANGS}))
    assert now() == 1 + 7 + 60 + LATER_S


# --- what each failure leads to

ELSEWHERE = [
    QuotaExhausted(upstream="a"),
    UpstreamAuthError(upstream="a"),
    ModelNotFound("m"),
    UpstreamRejected(upstream="a", status=400, message="too long", code="context_length_exceeded"),
    UpstreamRejected(upstream="a", status=400, message="no images", code="unsupported_value"),
    UpstreamRejected(upstream="a", status=413, message="too large"),
]
REFUSED_HERE = [
    InvalidInput("no tools", code="unsupported_parameter"),
    LocalModelRequired("auto"),
]
AGAIN = [
    down(),
    UpstreamTimeout(upstream="a"),
    UpstreamProtocolError(upstream="a"),
    RateLimited(upstream="a"),
]
FINAL = [
    UpstreamRejected(upstream="a", status=400, message="no", code="content_filter"),
    UpstreamRejected(upstream="a", status=400, message="no"),
    UpstreamRejected(upstream="a", status=422, message="no"),
    StreamCut(upstream="a"),
]
FAULTY = InvalidInput("no", param="messages")


@pytest.mark.parametrize("error", [*AGAIN, *ELSEWHERE], ids=repr)
@in_virtual_time
async def test_another_model_answers_what_one_cannot(error: MemoryOSError) -> None:
    script = Script({"a": error, "b": ANSWER})
    done = await ask(make_dispatcher(), make_routes("ab"), script)
    assert (script.asked, done.tries, done.answer) == ("ab", 2, ANSWER)


@pytest.mark.parametrize("error", ELSEWHERE, ids=repr)
@in_virtual_time
async def test_a_model_that_cannot_is_not_asked_again(error: MemoryOSError) -> None:
    script = Script({"a": error})
    caught = await ask_in_vain(make_dispatcher(), make_routes("a"), script)
    assert (script.asked, caught.tries, type(caught)) == ("a", 1, type(error))


@pytest.mark.parametrize("error", REFUSED_HERE, ids=repr)
@in_virtual_time
async def test_what_is_refused_before_it_is_sent_is_no_try(error: MemoryOSError) -> None:
    script = Script({"a": error, "b": error, "c": ANSWER})
    done = await ask(make_dispatcher(max_tries=1), make_routes("abc"), script)
    assert (script.asked, done.tries, done.answer) == ("abc", 1, ANSWER)


@pytest.mark.parametrize("error", REFUSED_HERE, ids=repr)
@in_virtual_time
async def test_a_request_that_every_model_refuses_took_no_try(error: MemoryOSError) -> None:
    script = Script({"a": error, "b": error})
    caught = await ask_in_vain(make_dispatcher(), make_routes("ab"), script)
    assert (script.asked, caught.tries, caught) == ("ab", 0, error)


@pytest.mark.parametrize("error", AGAIN, ids=repr)
@in_virtual_time
async def test_a_model_that_may_answer_later_is_asked_again(error: MemoryOSError) -> None:
    script = Script({"a": [error, error, ANSWER]})
    assert (await ask(make_dispatcher(), make_routes("a"), script)).tries == 3


@pytest.mark.parametrize("error", FINAL, ids=repr)
@in_virtual_time
async def test_a_request_that_is_at_fault_ends_at_once(error: MemoryOSError) -> None:
    script = Script({"a": [down(retry_after_s=1), ANSWER], "b": error, "c": ANSWER})
    caught = await ask_in_vain(make_dispatcher(), make_routes("abc"), script)
    assert caught is error
    assert (script.asked, caught.tries) == ("ab", 2)


@in_virtual_time
async def test_a_request_that_is_at_fault_before_it_is_sent_ends_at_once_without_a_try() -> None:
    script = Script({"a": [down(retry_after_s=1), ANSWER], "b": FAULTY, "c": ANSWER})
    caught = await ask_in_vain(make_dispatcher(), make_routes("abc"), script)
    assert (caught, script.asked, caught.tries) == (FAULTY, "ab", 1)


# --- the error at the end


MAY_PASS = UpstreamTimeout(upstream="a")
MAY_PASS_TOO = RateLimited(upstream="b")
OTHERS_MAY = QuotaExhausted(upstream="a")
OTHERS_MAY_TOO = UpstreamAuthError(upstream="b")
UNKNOWN = ModelNotFound("m")

TOLD: dict[str, tuple[MemoryOSError, MemoryOSError, MemoryOSError]] = {
    "what may pass, then what may pass": (MAY_PASS, MAY_PASS_TOO, MAY_PASS_TOO),
    "what may pass, then what others may": (MAY_PASS, OTHERS_MAY_TOO, MAY_PASS),
    "what others may, then what may pass": (OTHERS_MAY, MAY_PASS_TOO, MAY_PASS_TOO),
    "what others may, then what others may": (OTHERS_MAY, OTHERS_MAY_TOO, OTHERS_MAY_TOO),
    "what may pass, then a model that is unknown": (MAY_PASS, UNKNOWN, MAY_PASS),
    "what others may, then a model that is unknown": (OTHERS_MAY, UNKNOWN, OTHERS_MAY),
    "a model that is unknown, then what others may": (UNKNOWN, OTHERS_MAY_TOO, OTHERS_MAY_TOO),
    "a model that is unknown, then what may pass": (UNKNOWN, MAY_PASS_TOO, MAY_PASS_TOO),
}


@pytest.mark.parametrize(("first", "second", "told"), TOLD.values(), ids=TOLD)
@in_virtual_time
async def test_what_may_pass_is_told_before_what_may_not_and_later_before_earlier(
    first: MemoryOSError, second: MemoryOSError, told: MemoryOSError
) -> None:
    script = Script({"a": first, "b": second})
    caught = await ask_in_vain(make_dispatcher(max_tries=2), make_routes("ab"), script)
    assert (caught, caught.tries) == (told, 2)


@in_virtual_time
async def test_a_model_that_nobody_knows_is_unknown_by_the_clients_name() -> None:
    caught = await ask_in_vain(make_dispatcher(), make_routes("ab"), Script(dict.fromkeys("ab", ModelNotFound("m"))))
    assert isinstance(caught, ModelNotFound)
    assert (caught.identifier, caught.tries) == ("auto", 2)


@in_virtual_time
async def test_a_fault_of_our_own_is_not_retried() -> None:
    script = Script({"a": ZeroDivisionError(), "b": ANSWER})
    with pytest.raises(ZeroDivisionError):
        await ask(make_dispatcher(), make_routes("ab"), script)
    assert script.asked == "a"


# --- breakers


@in_virtual_time
async def test_a_model_that_keeps_failing_is_left_alone_and_then_tried() -> None:
    dispatcher, script = make_dispatcher(make_breakers(), max_tries=1), Script({"a": [down()] * 3 + [ANSWER]})
    for _ in range(3):
        await ask_in_vain(dispatcher, make_routes("a"), script)
    await asyncio.sleep(10)
    caught = await ask_in_vain(dispatcher, make_routes("a"), script)
    assert isinstance(caught, CoolingDown)
    assert (caught.upstream, caught.retry_after_s, caught.tries, len(script.calls)) == ("a", 20, 0, 3)
    await asyncio.sleep(20)
    assert (await ask(dispatcher, make_routes("a"), script)).tries == 1


@in_virtual_time
async def test_the_next_model_answers_while_one_is_left_alone() -> None:
    breakers, script = make_breakers(), Script({"b": ANSWER})
    open_up(breakers, "a")
    done = await ask(make_dispatcher(breakers), make_routes("ab"), script)
    assert (script.asked, done.tries) == ("b", 1)


@in_virtual_time
async def test_when_all_are_left_alone_the_shortest_rest_is_told() -> None:
    breakers, script = make_breakers(), Script({})
    for name in "bac":
        open_up(breakers, name)
        await asyncio.sleep(5)
    caught = await ask_in_vain(make_dispatcher(breakers), make_routes("abc"), script)
    assert isinstance(caught, CoolingDown)
    assert (caught.upstream, caught.retry_after_s, script.asked) == ("b", 15, "")


@in_virtual_time
async def test_a_failure_tells_more_than_a_rest() -> None:
    breakers, error = make_breakers(), QuotaExhausted(upstream="b")
    open_up(breakers, "a")
    open_up(breakers, "c")
    assert await ask_in_vain(make_dispatcher(breakers), make_routes("abc"), Script({"b": error})) is error


@in_virtual_time
async def test_a_rest_tells_more_than_a_model_that_is_unknown() -> None:
    breakers = make_breakers()
    open_up(breakers, "b")
    caught = await ask_in_vain(make_dispatcher(breakers), make_routes("ab"), Script({"a": ModelNotFound("m")}))
    assert isinstance(caught, CoolingDown)


@in_virtual_time
async def test_a_breaker_that_opens_during_a_wait_is_seen_after_it() -> None:
    breakers, script = make_breakers(), Script({"a": [down("a", retry_after_s=5), ANSWER]})
    asking = asyncio.create_task(ask_in_vain(make_dispatcher(breakers), make_routes("a"), script))
    await asyncio.sleep(1)
    open_up(breakers, "a")
    caught = await asking
    assert (script.asked, type(caught), caught.tries, now()) == ("a", UpstreamUnavailable, 1, 5)


@in_virtual_time
async def test_whoever_waits_to_try_again_keeps_nobody_else_from_trying() -> None:
    breakers, script = make_breakers(BreakerSettings(failures=1, cooldown_s=3)), Script({"a": down(retry_after_s=9)})
    asking = asyncio.create_task(ask_in_vain(make_dispatcher(breakers), make_routes("a"), script))
    await asyncio.sleep(5)
    assert breakers.enter("a/m", breakers)
    await asking
    assert script.asked == "a", "somebody else is trying"


@in_virtual_time
async def test_a_breaker_that_opens_within_a_request_ends_its_retries() -> None:
    script, error = Script({"a": down(retry_after_s=1)}), UpstreamUnavailable
    caught = await ask_in_vain(make_dispatcher(make_breakers(), max_tries=9), make_routes("a"), script)
    assert (len(script.calls), type(caught), caught.tries) == (3, error, 3)


NO_FAULT_OF_THE_PROVIDER: list[Outcome] = [
    UpstreamRejected(upstream="a", status=400, message="no"),
    UpstreamRejected(upstream="a", status=400, message="no", code="content_filter"),
    RateLimited(upstream="a", retry_after_s=99),
    UpstreamAuthError(upstream="a"),
    QuotaExhausted(upstream="a"),
    InvalidInput("no"),
    ModelNotFound("m"),
    LocalModelRequired("auto"),
    HANGS,
]


@pytest.mark.parametrize("outcome", NO_FAULT_OF_THE_PROVIDER, ids=repr)
@in_virtual_time
async def test_what_says_nothing_against_a_provider_opens_no_breaker(outcome: Outcome) -> None:
    """It has answered, or it was not asked, or the request was cut before the provider's own time was over."""
    breakers, script = make_breakers(), Script({"a": outcome})
    for _ in range(10):
        await ask_in_vain(make_dispatcher(breakers, max_tries=1), make_routes("a"), script)
    assert not breakers.is_down("a")
    assert len(script.calls) == 10


FAULTS_OF_THE_PROVIDER: list[Outcome] = [
    down(),
    UpstreamTimeout(upstream="a"),
    UpstreamProtocolError(upstream="a"),
    Slow(seconds=5, then=UpstreamTimeout(upstream="a")),
]


@pytest.mark.parametrize("outcome", FAULTS_OF_THE_PROVIDER, ids=repr)
@in_virtual_time
async def test_what_a_provider_does_wrong_opens_its_breaker(outcome: Outcome) -> None:
    breakers, script = make_breakers(), Script({"a": outcome})
    for _ in range(3):
        await ask_in_vain(make_dispatcher(breakers, max_tries=1), make_routes("a", total_timeout_s=5), script)
    assert breakers.is_down("a")


@pytest.mark.parametrize("error", [UpstreamAuthError(upstream="a"), QuotaExhausted(upstream="a")], ids=repr)
@in_virtual_time
async def test_a_trial_that_is_refused_closes_the_breaker(error: UpstreamError) -> None:
    breakers, script = make_breakers(), Script({"a": [error, ANSWER]})
    open_up(breakers, "a")
    await asyncio.sleep(30)
    await ask_in_vain(make_dispatcher(breakers), make_routes("a"), script)
    assert not breakers.is_down("a")


@in_virtual_time
async def test_a_trial_that_is_cut_is_left_to_the_next() -> None:
    breakers, script = make_breakers(), Script({"a": [HANGS, ANSWER]})
    open_up(breakers, "a")
    await asyncio.sleep(30)
    await ask_in_vain(make_dispatcher(breakers), make_routes("a", total_timeout_s=5), script)
    assert breakers.is_down("a")
    assert (await ask(make_dispatcher(breakers), make_routes("a"), script)).answer == ANSWER


@in_virtual_time
async def test_one_request_tries_while_others_are_told_to_wait() -> None:
    breakers, script = make_breakers(), Script({"a": Slow(seconds=2)})
    open_up(breakers, "a")
    await asyncio.sleep(30)
    dispatcher, routes = make_dispatcher(breakers), make_routes("a")
    outcomes = await asyncio.gather(*(ask(dispatcher, routes, script) for _ in range(5)), return_exceptions=True)
    assert script.asked == "a"
    assert [type(outcome) for outcome in outcomes] == [Dispatched] + [CoolingDown] * 4
    assert {error.retry_after_s for error in outcomes if isinstance(error, CoolingDown)} == {1}
    await asyncio.gather(*(ask(dispatcher, routes, script) for _ in range(5)))
    assert len(script.calls) == 6, "its answer has closed the breaker"


@in_virtual_time
async def test_cancelled_on_trial_it_leaves_the_trial_to_the_next() -> None:
    breakers, script = make_breakers(), Script({"a": [HANGS, ANSWER]})
    open_up(breakers, "a")
    await asyncio.sleep(30)
    await cancelled_after(5, ask(make_dispatcher(breakers), make_routes("a"), script))
    assert (script.asked, script.open_calls) == ("a", 0)
    assert (await ask(make_dispatcher(breakers), make_routes("a"), script)).answer == ANSWER


@in_virtual_time
async def test_cancelled_while_it_waits_to_try_again_it_leaves_the_trial_to_the_next() -> None:
    """Its own failure opened the breaker, and the rest is shorter than the wait."""
    breakers, script = make_breakers(BreakerSettings(failures=1, cooldown_s=0)), Script({"a": down(retry_after_s=9)})
    await cancelled_after(5, ask(make_dispatcher(breakers), make_routes("a"), script))
    assert script.asked == "a"
    assert breakers.enter("a/m", object())


@in_virtual_time
async def test_a_fault_of_our_own_leaves_the_trial_to_the_next() -> None:
    breakers, script = make_breakers(), Script({"a": [ZeroDivisionError(), ANSWER]})
    open_up(breakers, "a")
    await asyncio.sleep(30)
    with pytest.raises(ZeroDivisionError):
        await ask(make_dispatcher(breakers), make_routes("a"), script)
    assert (await ask(make_dispatcher(breakers), make_routes("a"), script)).answer == ANSWER


@in_virtual_time
async def test_cancelling_counts_as_no_failure() -> None:
    breakers, script = make_breakers(BreakerSettings(failures=1)), Script({"a": HANGS})
    await cancelled_after(1, ask(make_dispatcher(breakers), make_routes("a"), script))
    assert not breakers.is_down("a")


@in_virtual_time
async def test_a_stream_that_fails_after_it_began_counts_as_well() -> None:
    breakers = make_breakers()
    dispatcher, route = make_dispatcher(breakers), make_route("a")
    for _ in range(3):
        dispatcher.note_error(route, StreamCut(upstream="a"))
    assert breakers.is_down("a")


@in_virtual_time
async def test_a_stream_that_the_provider_refuses_to_finish_is_no_fault_of_it() -> None:
    breakers = make_breakers(BreakerSettings(failures=1))
    refusal = UpstreamRejected(upstream="a", status=400, message="no", code="content_filter")
    make_dispatcher(breakers).note_error(make_route("a"), refusal)
    assert not breakers.is_down("a")


# --- the direct tier

DIRECT = make_route("d", direct=True)


@in_virtual_time
async def test_a_direct_answer_is_no_call() -> None:
    done = await ask(make_dispatcher(), [DIRECT, *make_routes("a")], Script({"d": ANSWER}))
    assert (done.tries, done.route.provider.name) == (0, "d")


@pytest.mark.parametrize(
    "error",
    [
        NotFound("answer", "faq"),
        UpstreamTimeout(upstream="d"),
        down("d"),
        UpstreamRejected(upstream="d", status=400, message="no"),
        UpstreamProtocolError(upstream="d"),
    ],
    ids=repr,
)
@in_virtual_time
async def test_a_faq_that_fails_takes_no_try_and_hides_no_error(error: MemoryOSError) -> None:
    script, failure = Script({"d": error, "a": down("a", retry_after_s=1)}), UpstreamUnavailable
    caught = await ask_in_vain(make_dispatcher(), [DIRECT, *make_routes("a")], script)
    assert (script.asked, caught.tries) == ("daaa", 3)
    assert isinstance(caught, failure)
    assert caught.upstream == "a"


@in_virtual_time
async def test_a_faq_that_is_left_alone_hides_no_error() -> None:
    breakers = make_breakers()
    open_up(breakers, "d")
    routes = [DIRECT, *make_routes("a")]
    caught = await ask_in_vain(make_dispatcher(breakers), routes, Script({"a": ModelNotFound("m")}))
    assert isinstance(caught, ModelNotFound)


@in_virtual_time
async def test_a_faq_that_fails_keeps_no_model_from_answering() -> None:
    script = Script({"d": UpstreamRejected(upstream="d", status=400, message="no"), "a": ANSWER})
    assert (await ask(make_dispatcher(max_tries=1), [DIRECT, *make_routes("a")], script)).tries == 1


# --- whatever happens

OUTCOMES: st.SearchStrategy[Outcome] = st.one_of(
    st.just(ANSWER),
    st.sampled_from([*AGAIN, *ELSEWHERE, *REFUSED_HERE, *FINAL, FAULTY]),
    st.builds(lambda s: RateLimited(upstream="a", retry_after_s=s), st.floats(0, 20)),
    st.builds(lambda s: down(retry_after_s=s), st.floats(0, 20)),
    st.builds(lambda s, e: Slow(seconds=s, then=e), st.floats(0, 15), st.sampled_from([ANSWER, down()])),
    st.just(HANGS),
)
SCRIPTS = st.dictionaries(st.sampled_from("abcde"), st.lists(OUTCOMES, min_size=1, max_size=4), min_size=1)


@given(
    outcomes=SCRIPTS,
    max_tries=st.integers(1, 6),
    failures=st.integers(1, 4),
    cancelled_at=st.none() | st.floats(0, 40),
    requests=st.integers(1, 4),
)
@in_virtual_time
async def test_any_sequence_of_outcomes_keeps_to_the_rules(
    outcomes: dict[str, list[Outcome]], max_tries: int, failures: int, cancelled_at: float | None, requests: int
) -> None:
    """At most `max_tries` calls that were sent, in time, nobody left on trial, nothing under way in the end."""
    breakers = make_breakers(BreakerSettings(failures=failures, cooldown_s=8))
    dispatcher, routes = (
        make_dispatcher(breakers, max_tries=max_tries),
        make_routes("".join(outcomes), total_timeout_s=30),
    )
    scripts = [Script(outcomes) for _ in range(requests)]
    tasks = [asyncio.create_task(ask(dispatcher, routes, script)) for script in scripts]
    _, late = await asyncio.wait(tasks, timeout=cancelled_at)
    for task in late:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert now() <= 30 * len(routes) + LATER_S
    for script, outcome in zip(scripts, ended, strict=True):
        assert len(script.calls) - script.refused <= max_tries
        assert script.open_calls == 0
        first_round = script.asked[: len(set(script.asked))]
        assert len(set(first_round)) == len(first_round), "nobody is asked twice before everybody was asked"
        match outcome:
            case Dispatched(route=route, tries=tries):
                assert (route.provider.name, tries) == (script.asked[-1], len(script.calls) - script.refused)
            case MemoryOSError(tries=tries):
                assert tries <= max_tries
            case _:
                assert isinstance(outcome, asyncio.CancelledError)
    await asyncio.sleep(8)
    assert all(breakers.enter(route.deployment, object()) for route in routes)


async def cancelled_after(seconds: float, work: Coroutine[Any, Any, object]) -> None:
    """Cancel what is under way after so many seconds, and see it end so."""
    task = asyncio.create_task(work)
    await asyncio.sleep(seconds)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
