"""Reads of the REST API as requests of the engine, and the points that they find as JSON."""

from typing import Any

import qdrant_edge as engine
from qdrant_client import models

from tests.support.qdrant_facade.filters import to_filter
from tests.support.qdrant_facade.vectors import from_vectors, to_vector

_DIRECTIONS = {models.Direction.ASC: engine.Direction.Asc, models.Direction.DESC: engine.Direction.Desc}
_DEFAULT_LIMIT = 10


def to_query(request: models.QueryRequest) -> engine.QueryRequest:
    """Return one query of a batch; without a vector it asks for points by their ids."""
    if request.prefetch is not None:
        raise NotImplementedError("prefetch")
    vector = request.query.nearest if isinstance(request.query, models.NearestQuery) else request.query
    return engine.QueryRequest(
        limit=_DEFAULT_LIMIT if request.limit is None else request.limit,
        query=None if vector is None else engine.Query.Nearest(to_vector(vector), using=request.using),
        filter=to_filter(request.filter),
        params=_params(request.params),
        with_payload=to_fields(request.with_payload or False),
        with_vector=request.with_vector or False,
    )


def to_scroll(request: models.ScrollRequest) -> engine.ScrollRequest:
    """Return a request for points in the order of their ids, or of a payload field."""
    return engine.ScrollRequest(
        offset=request.offset,
        limit=_DEFAULT_LIMIT if request.limit is None else request.limit,
        filter=to_filter(request.filter),
        with_payload=to_fields(request.with_payload),
        with_vector=request.with_vector or False,
        order_by=_order(request.order_by),
    )


def to_fields(selector: Any) -> bool | list[str]:
    """Return which fields of a payload are asked for; where nothing is said, all of them."""
    match selector:
        case None:
            return True
        case bool() | list():
            return selector
    raise NotImplementedError(f"selector {type(selector).__name__}")


def from_point(point: Any) -> dict[str, Any]:
    """Return a point that was found, with its score if it has one."""
    found = {"id": str(point.id), "payload": point.payload, "vector": from_vectors(point.vector)}
    if isinstance(point, engine.ScoredPoint):
        found |= {"score": point.score, "version": point.version}
    return found


def _order(order: Any) -> engine.OrderBy | None:
    match order:
        case None:
            return None
        case models.OrderBy(start_from=None):
            return engine.OrderBy(order.key, _DIRECTIONS[order.direction or models.Direction.ASC])
    raise NotImplementedError(f"order {order}")


def _params(params: models.SearchParams | None) -> engine.SearchParams | None:
    """Return those of the parameters that change anything where every search is exact."""
    match params and params.idf:
        case None:
            return None
        case models.IdfCorpusParams(corpus=corpus):
            return engine.SearchParams(idf=engine.IdfParams(corpus=to_filter(corpus)))
        case idf:
            raise NotImplementedError(f"idf {idf}")
