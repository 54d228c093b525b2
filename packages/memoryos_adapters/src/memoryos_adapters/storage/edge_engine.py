"""Plans run on a shard of the in-process Qdrant engine."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard, TypeVar, assert_never

import qdrant_edge
from qdrant_edge import (
    CountRequest,
    Direction,
    EdgeShard,
    IdfParams,
    OrderBy,
    Query,
    QueryBatchRequest,
    QueryRequest,
    ScrollRequest,
    SearchParams,
    UpdateOperation,
)

from memoryos_adapters.storage.conditions import Clause, HasId
from memoryos_adapters.storage.edge_filters import to_engine
from memoryos_adapters.storage.edge_points import Points, id_of
from memoryos_adapters.storage.edge_shard import require_space
from memoryos_adapters.storage.edge_stamp import note_erasure, read_stamped_shard
from memoryos_adapters.storage.requests import (
    DENSE,
    SPARSE,
    Count,
    Delete,
    DeleteWhere,
    Learn,
    Lookup,
    Operation,
    Payload,
    Plan,
    Point,
    Rank,
    Request,
    Retrieve,
    Scroll,
    SetPayload,
    SparseVector,
    Upsert,
    Write,
)

T = TypeVar("T")

# A flush stalls every thread of the process, 60 ms for this many points; a start after a kill replays them in .6 s.
_POINTS_PER_FLUSH = 10_000

_AT_ONCE = 10_000
_MODES = {
    "upsert": qdrant_edge.UpdateMode.Upsert,
    "insert_only": qdrant_edge.UpdateMode.InsertOnly,
    "update_only": qdrant_edge.UpdateMode.UpdateOnly,
}


class EdgeEngine:
    """A shard that answers plans, for one thread at a time; the engine's own errors come out of it.

    A write reaches the engine's write-ahead log before it is answered: it survives a kill of the process (not a power
    cut before the next flush). The engine dies of a full disk (SIGBUS), hence `reserve_bytes`: below that much free
    space a write is refused with StorageFull. `points` is what searches know of the shard.
    """

    def __init__(self, shard: EdgeShard, directory: Path, *, reserve_bytes: int) -> None:
        self.points = Points(shard)
        self._shard = shard
        self._directory = directory
        self._reserve_bytes = reserve_bytes
        self._unflushed_points = 0
        stamped = read_stamped_shard(directory)
        self.is_erased_from = stamped is not None and stamped.erased

    def run(self, plan: Plan[T]) -> T:
        """Return what a plan returns."""
        try:
            requests = next(plan)
            while True:
                requests = plan.send(self._answer_all(requests))
        except StopIteration as exc:
            result: T = exc.value
            return result

    def require_space(self) -> None:
        """Raise StorageFull when there is too little of it for a write."""
        require_space(self._directory, self._reserve_bytes)

    def _answer_all(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """Return the answers; ranks that teach nothing are planned by the engine as one batch, which is cheaper."""
        scored = iter(self._scores([request for request in requests if _is_score(request)]))
        return [next(scored) if _is_score(request) else self._answer(request) for request in requests]

    def _answer(self, request: Request[Any]) -> Any:
        match request:
            case Rank():
                (scores,) = self._scores([request])
                self.points.read(scores if request.learn == "all" else ())
                return scores
            case Lookup():
                return self._lookup(request)
            case Learn(ids=ids):
                return self.points.read(ids)
            case Retrieve():
                return self._retrieve(request)
            case Scroll():
                return self._scroll(request)
            case Count(wanted=wanted):
                return self._shard.count(CountRequest(filter=to_engine(wanted)))
            case Write(operations=operations):
                for operation in operations:
                    self._do(operation)
                return None
        raise TypeError(request)

    def _scores(self, ranks: Sequence[Rank]) -> list[dict[str, float]]:
        if not ranks:
            return []
        answers = self._shard.query_batch(QueryBatchRequest([*map(_query, ranks)]))
        return [{id_of(point): point.score for point in points} for points in answers]

    def _lookup(self, request: Lookup) -> list[str]:
        wanted = to_engine(request.wanted)
        records, _ = self._shard.scroll(ScrollRequest(limit=request.limit, filter=wanted, with_payload=False))
        found = [id_of(record) for record in records]
        self.points.read(found)
        return found

    def _retrieve(self, request: Retrieve) -> dict[str, Payload]:
        fields = True if request.fields is None else [*request.fields]
        records = self._shard.retrieve([*request.ids], with_payload=fields or False, with_vector=False)
        return {str(record.id): record.payload or {} for record in records}

    def _scroll(self, request: Scroll) -> list[tuple[str, Payload]]:
        found: list[tuple[str, Payload]] = []
        order = OrderBy("timestamp", Direction.Desc) if request.newest_first else None
        wanted, fields, offset = to_engine(request.wanted), [*request.fields], None
        while True:
            asked = ScrollRequest(
                limit=request.limit or _AT_ONCE, filter=wanted, with_payload=fields, order_by=order, offset=offset
            )
            records, offset = self._shard.scroll(asked)
            found += [(id_of(record), record.payload or {}) for record in records]
            if request.limit is not None or offset is None:
                return found

    def _do(self, operation: Operation) -> None:
        match operation:
            case Upsert(points=points, mode=mode, only=only):
                condition = None if only is None else to_engine(only)
                update = UpdateOperation.upsert_points([*map(_point, points)], condition, _MODES[mode])
                self._update(update, [point.id for point in points])
            case Delete(ids=ids, only=Clause() as only):
                wanted = to_engine(Clause(must=(HasId((*ids,)), only)))
                self._update(UpdateOperation.delete_points_by_filter(wanted), ids)
            case Delete(ids=ids):
                self._update(UpdateOperation.delete_points([*ids]), ids)
            case DeleteWhere(wanted=wanted):
                self._delete_where(wanted)
            case SetPayload(ids=ids, payload=payload, only=only):
                self._set_payload(ids, payload, only)
            case _:
                assert_never(operation)

    def _set_payload(self, ids: Sequence[str], payload: Payload, only: Clause) -> None:
        wanted = Clause(must=(HasId((*ids,)), only))
        self._update(UpdateOperation.set_payload_by_filter(to_engine(wanted), payload), ids)

    def _delete_where(self, wanted: Clause) -> None:
        """Delete what meets a clause, and remember that the files keep its bytes until the next start."""
        request = ScrollRequest(limit=_AT_ONCE, filter=to_engine(wanted), with_payload=False)
        while records := self._shard.scroll(request)[0]:
            self._note_erasure()
            doomed = [str(record.id) for record in records]
            self._update(UpdateOperation.delete_points([*doomed]), doomed)

    def _note_erasure(self) -> None:
        """Say so before anything is deleted, so that no crash forgets it."""
        if not self.is_erased_from:
            note_erasure(self._directory)
            self.is_erased_from = True

    def _update(self, operation: UpdateOperation, points: Sequence[str]) -> None:
        self.require_space()
        self.points.forget(points)
        self._shard.update(operation)
        self._unflushed_points += len(points)
        if self._unflushed_points >= _POINTS_PER_FLUSH:
            self._shard.flush()
            self._unflushed_points = 0


def _is_score(request: Request[Any]) -> TypeGuard[Rank]:
    return isinstance(request, Rank) and request.learn == "nothing"


def _query(rank: Rank) -> QueryRequest:
    params = None if rank.corpus is None else SearchParams(idf=IdfParams(corpus=to_engine(rank.corpus)))
    using = SPARSE if isinstance(rank.vector, SparseVector) else DENSE
    nearest = Query.Nearest(_vector(rank.vector), using=using)
    return QueryRequest(limit=rank.limit, query=nearest, filter=to_engine(rank.wanted), params=params)


def _point(point: Point) -> qdrant_edge.Point:
    return qdrant_edge.Point(point.id, {name: _vector(vector) for name, vector in point.vector.items()}, point.payload)


def _vector(vector: Any) -> Any:
    return qdrant_edge.SparseVector(vector.indices, vector.values) if isinstance(vector, SparseVector) else vector
