"""Vectors of the REST API as objects of the engine, and back."""

from typing import Any

import qdrant_edge as engine
from qdrant_client import models


def to_vector(vector: Any) -> Any:
    """Return a dense or a sparse vector as the engine takes it."""
    match vector:
        case list():
            return vector
        case models.SparseVector(indices=indices, values=values):
            return engine.SparseVector(indices, values)
    raise NotImplementedError(f"vector {type(vector).__name__}")


def from_vectors(vectors: Any) -> dict[str, Any] | None:
    """Return the named vectors of a point as JSON."""
    if not isinstance(vectors, dict):
        return None
    return {name: _from_vector(vector) for name, vector in vectors.items()}


def _from_vector(vector: Any) -> Any:
    if isinstance(vector, engine.SparseVector):
        return {"indices": vector.indices, "values": vector.values}
    return vector
