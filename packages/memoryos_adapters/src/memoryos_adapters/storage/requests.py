"""What a memory index asks of a Qdrant engine, as data, and the plans that ask it.

A plan is the whole of what a method of the index does, whichever engine answers: it yields requests, some at a time,
and is sent their answers. `EdgeEngine` runs plans on a shard inside this process, `QdrantEngine` on a server, where
what is asked for at the same time is one round trip.
"""

from collections.abc import Generator, Sequence
from typing import Any, Generic, Literal, TypeAlias, TypeVar, overload

from msgspec import Struct

from memoryos_adapters.storage.conditions import Clause
from memoryos_ports.embedding import Vector

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

DENSE = "text"
SPARSE = "terms"

Payload: TypeAlias = dict[str, Any]
UpdateMode: TypeAlias = Literal["upsert", "insert_only", "update_only"]


class SparseVector(Struct, frozen=True):
    """Weights of terms, the terms given by their hashes."""

    indices: list[int]
    values: list[float]


class Point(Struct, frozen=True, kw_only=True):
    """A point as it is written, by the names of its vectors."""

    id: str
    vector: dict[str, Vector | SparseVector]
    payload: Payload


class Request(Struct, Generic[T], frozen=True, kw_only=True):
    """Something to ask of an engine; `T` is the answer."""


Plan: TypeAlias = Generator[Sequence[Request[Any]], Sequence[Any], T]


class Retrieve(Request[dict[str, Payload]], frozen=True, kw_only=True):
    """The payloads of those of the points that exist, by their ids; `fields` None: all of a payload."""

    ids: Sequence[str]
    fields: tuple[str, ...] | None


class Scroll(Request[list[tuple[str, Payload]]], frozen=True, kw_only=True):
    """Points that meet a clause, with fields of their payloads; `newest_first` by timestamp, else by id.

    `limit` None: all of them.
    """

    wanted: Clause
    limit: int | None
    fields: tuple[str, ...]
    newest_first: bool = False


class Count(Request[int], frozen=True, kw_only=True):
    """How many points meet a clause."""

    wanted: Clause


class Rank(Request[dict[str, float]], frozen=True, kw_only=True):
    """The best points by a vector, with their scores, best first; of a sparse one the score is BM25.

    The IDF is that of `corpus`. `learn` says what is to be known of the points afterwards (`Known`): all of it, or at
    least whose chunk they are, which comes along where that is cheap, or nothing. `exact` scores need no index.
    """

    vector: Vector | SparseVector
    wanted: Clause
    limit: int
    corpus: Clause | None = None
    learn: Literal["all", "chunk", "nothing"] = "all"
    exact: bool = False


class Lookup(Request[list[str]], frozen=True, kw_only=True):
    """Points that meet a clause, in no order; all of them are known afterwards."""

    wanted: Clause
    limit: int


class Learn(Request[None], frozen=True, kw_only=True):
    """Know those of the points that exist."""

    ids: Sequence[str]


class Upsert(Struct, frozen=True, kw_only=True):
    """Write points; `mode` as Qdrant's update modes. Those that exist are only touched if they meet `only`."""

    points: Sequence[Point]
    mode: UpdateMode
    only: Clause | None = None


class Delete(Struct, frozen=True, kw_only=True):
    """Delete points by their ids, if they meet `only`; those that do not exist are no error."""

    ids: Sequence[str]
    only: Clause | None = None


class DeleteWhere(Struct, frozen=True, kw_only=True):
    """Delete what meets a clause."""

    wanted: Clause


class SetPayload(Struct, frozen=True, kw_only=True):
    """Set fields of those of the points that exist and meet `only`; None takes a field away."""

    ids: Sequence[str]
    payload: Payload
    only: Clause


Operation: TypeAlias = Upsert | Delete | DeleteWhere | SetPayload


class Write(Request[None], frozen=True, kw_only=True):
    """Operations, done one after the other; durable and searchable when it is answered."""

    operations: Sequence[Operation]


def ask(request: Request[T]) -> Plan[T]:
    """Ask for one thing."""
    answer: T
    (answer,) = yield (request,)
    return answer


@overload
def together(first: Plan[A], second: Plan[B], /) -> Plan[tuple[A, B]]: ...
@overload
def together(first: Plan[A], second: Plan[B], third: Plan[C], /) -> Plan[tuple[A, B, C]]: ...
@overload
def together(*plans: Plan[T]) -> Plan[tuple[T, ...]]: ...
def together(*plans: Plan[Any]) -> Plan[tuple[Any, ...]]:
    """Run plans in step: what they ask for at the same time is asked for together."""
    results: dict[int, Any] = {}
    asked: dict[int, Sequence[Request[Any]]] = {}

    def advance(number: int, answers: Sequence[Any] | None) -> None:
        try:
            asked[number] = plans[number].send(answers)  # type: ignore[arg-type]  # None starts a generator
        except StopIteration as exc:
            asked.pop(number, None)
            results[number] = exc.value

    for number in range(len(plans)):
        advance(number, None)
    while asked:
        answers = iter((yield [request for requests in asked.values() for request in requests]))
        for number, requests in [*asked.items()]:
            advance(number, [next(answers) for _ in requests])
    return (*(results[number] for number in range(len(plans))),)
