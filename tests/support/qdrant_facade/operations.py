"""Writes of the REST API as operations of the engine, each with the number of points that it may touch."""

from typing import Any, NamedTuple

import qdrant_edge as engine
from qdrant_client import models

from tests.support.qdrant_facade.filters import to_filter
from tests.support.qdrant_facade.vectors import to_vector

_MODES = {
    None: engine.UpdateMode.Upsert,
    models.UpdateMode.UPSERT: engine.UpdateMode.Upsert,
    models.UpdateMode.INSERT_ONLY: engine.UpdateMode.InsertOnly,
    models.UpdateMode.UPDATE_ONLY: engine.UpdateMode.UpdateOnly,
}


class Update(NamedTuple):
    """An operation of the engine and how many points it may touch."""

    operation: engine.UpdateOperation
    points: int


def to_update(operation: Any) -> Update:
    """Return what one operation of a batch does."""
    match operation:
        case models.UpsertOperation(upsert=models.PointsList() as upsert):
            return _upsert(upsert)
        case models.DeleteOperation(delete=models.PointIdsList(points=ids)):
            return Update(engine.UpdateOperation.delete_points([*ids]), len(ids))
        case models.DeleteOperation(delete=models.FilterSelector(filter=filter)):
            return Update(engine.UpdateOperation.delete_points_by_filter(to_filter(filter)), 1_000)
        case models.SetPayloadOperation(set_payload=models.SetPayload(filter=models.Filter() as filter) as new):
            return Update(engine.UpdateOperation.set_payload_by_filter(to_filter(filter), new.payload, new.key), 1_000)
    raise NotImplementedError(f"operation {type(operation).__name__}")


def to_index(request: models.CreateFieldIndex) -> engine.UpdateOperation:
    """Return the making of a payload index."""
    match request.field_schema:
        case models.KeywordIndexParams() as schema:
            params: Any = engine.KeywordIndexParams(is_tenant=schema.is_tenant, enable_hnsw=schema.enable_hnsw)
        case models.DatetimeIndexParams() as schema:
            params = engine.DatetimeIndexParams(enable_hnsw=schema.enable_hnsw)
        case schema:
            raise NotImplementedError(f"index {schema}")
    return engine.UpdateOperation.create_field_index(request.field_name, params)


def _upsert(upsert: models.PointsList) -> Update:
    points = [engine.Point(point.id, _vectors(point.vector), point.payload) for point in upsert.points]
    condition = None if upsert.update_filter is None else to_filter(upsert.update_filter)
    mode = _MODES[upsert.update_mode]
    return Update(engine.UpdateOperation.upsert_points(points, condition, mode), len(points))


def _vectors(vectors: Any) -> dict[str, Any]:
    if not isinstance(vectors, dict):
        raise NotImplementedError("unnamed vectors")
    return {name: to_vector(vector) for name, vector in vectors.items()}
