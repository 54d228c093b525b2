"""Plans: what several ask for at the same time is asked for together, and each gets its own answers."""

from collections.abc import Sequence
from typing import Any

from memoryos_adapters.storage.conditions import Clause
from memoryos_adapters.storage.requests import Count, Plan, Request, ask, together

EVERYTHING = Clause(must=())


def counting(*steps: int) -> Plan[list[int]]:
    """Ask for so many counts, one step after the other, and return all of the answers."""
    answers: list[int] = []
    for step in steps:
        answers += yield [Count(wanted=EVERYTHING) for _ in range(step)]
    return answers


def run(plan: Plan[Any]) -> tuple[Any, list[int]]:
    """Answer every request with the number of those before it; return the result, and how many came at a time."""
    sizes: list[int] = []
    try:
        requests: Sequence[Request[Any]] = next(plan)
        while True:
            sizes.append(len(requests))
            requests = plan.send(range(sum(sizes) - len(requests), sum(sizes)))
    except StopIteration as exc:
        return exc.value, sizes


def test_one_thing_is_asked_for_and_answered() -> None:
    assert run(ask(Count(wanted=EVERYTHING))) == (0, [1])


def test_plans_go_in_step_until_the_last_has_ended() -> None:
    result, sizes = run(together(counting(1, 1, 1), counting(2), counting()))

    assert sizes == [3, 1, 1]
    assert result == ([0, 3, 4], [1, 2], [])


def test_a_plan_that_asks_for_nothing_for_a_while_keeps_its_place() -> None:
    result, sizes = run(together(counting(0, 2), counting(1, 1)))

    assert sizes == [1, 3]
    assert result == ([1, 2], [0, 3])


def test_no_plans_ask_for_nothing() -> None:
    assert run(together()) == ((), [])
