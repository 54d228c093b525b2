"""Plans run in turns, torn apart and cut short, as several processes on one index run them: all from one seed."""

import random
from collections.abc import Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from memoryos_adapters.storage.requests import Plan, Request, Upsert, Write

T = TypeVar("T")


def interleaved(plans: Sequence[Plan[T]], chance: random.Random) -> Plan[list[T | None]]:
    """Run plans, one request of one of them at a time; return what each returns."""
    results: list[T | None] = [None] * len(plans)
    answers: dict[int, Sequence[Any] | None] = dict.fromkeys(range(len(plans)))
    while answers:
        number = chance.choice([*answers])
        try:
            requests = plans[number].send(answers[number])  # type: ignore[arg-type]  # None starts a generator
        except StopIteration as exc:
            results[number] = exc.value
            del answers[number]
        else:
            answers[number] = yield requests
    return results


def torn(plan: Plan[T]) -> Plan[T]:
    """Run a plan whose writes are done point by point, as those of points that lie in different shards are."""
    requests = next(plan)
    while True:
        answers = []
        for request in requests:
            (answer, *_) = yield from _done_apart(request)
            answers.append(answer)
        try:
            requests = plan.send(answers)
        except StopIteration as exc:
            result: T = exc.value
            return result


def cut_short(plan: Plan[T], after: int) -> Plan[None]:
    """Run the first so many requests of a plan, and no more."""
    answers: Sequence[Any] | None = None
    for _ in range(after):
        try:
            requests = plan.send(answers)  # type: ignore[arg-type]  # None starts a generator
        except StopIteration:
            return
        answers = yield requests


def meanwhile(plan: Plan[T], after: int, other: Plan[Any]) -> Plan[T]:
    """Run a plan, and all of the other one after so many of its requests."""
    answers: Sequence[Any] | None = None
    while True:
        if after == 0:
            yield from other
        after -= 1
        try:
            requests = plan.send(answers)  # type: ignore[arg-type]  # None starts a generator
        except StopIteration as exc:
            result: T = exc.value
            return result
        answers = yield requests


def _done_apart(request: Request[Any]) -> Plan[list[Any]]:
    answers: list[Any] = []
    for part in _parts(request):
        answers += yield (part,)
    return answers


def _parts(request: Request[Any]) -> list[Request[Any]]:
    if not isinstance(request, Write):
        return [request]
    return [
        Write(operations=[part])
        for operation in request.operations
        for part in (
            [replace(operation, points=[point]) for point in operation.points]
            if isinstance(operation, Upsert)
            else [operation]
        )
    ]
