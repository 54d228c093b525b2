"""The collections in a directory: each a shard of the engine and the request that made it."""

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import qdrant_edge as engine
from qdrant_client import models

from tests.support.qdrant_facade.filters import to_filter
from tests.support.qdrant_facade.operations import to_index, to_update
from tests.support.qdrant_facade.queries import from_point, to_fields, to_query, to_scroll

_DEFINITION = "collection.json"
_SHARD = "shard"
_POINTS_PER_FLUSH = 10_000  # a flush takes 60 ms and stalls everything


class Collection:
    """An open collection; blocking, for one thread."""

    def __init__(self, directory: Path) -> None:
        self._definition = models.CreateCollection.model_validate_json((directory / _DEFINITION).read_bytes())
        self._shard = engine.EdgeShard.load(str(directory / _SHARD))
        self._shard.flush()  # what this start has replayed, another need not
        self._unflushed_points = 0

    def close(self) -> None:
        """Flush and release the shard."""
        self._shard.flush()
        self._shard.close()

    def describe(self) -> dict[str, Any]:
        """Return what the server tells of a collection."""
        info = self._shard.info()
        definition = self._definition.model_dump(mode="json", exclude_none=True)
        return {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": info.points_count,
            "segments_count": info.segments_count,
            "config": {"params": definition, "metadata": definition.get("metadata")},
            "payload_schema": {
                field: {"data_type": str(index.data_type).rpartition(".")[2].lower(), "points": index.points}
                for field, index in info.payload_schema.items()
            },
        }

    def index(self, request: models.CreateFieldIndex) -> dict[str, Any]:
        """Make a payload index."""
        self._shard.update(to_index(request))
        return _COMPLETED

    def write(self, request: models.UpdateOperations) -> list[dict[str, Any]]:
        """Do operations one after the other."""
        for operation, points in map(to_update, request.operations):
            self._shard.update(operation)
            self._flush_after(points)
        return [_COMPLETED for _ in request.operations]

    def query(self, request: models.QueryRequestBatch) -> list[dict[str, Any]]:
        """Return what each of the queries finds."""
        answers = self._shard.query_batch(engine.QueryBatchRequest([*map(to_query, request.searches)]))
        return [{"points": [*map(from_point, points)]} for points in answers]

    def retrieve(self, request: models.PointRequest) -> list[dict[str, Any]]:
        """Return those of the points that exist."""
        fields = to_fields(request.with_payload)
        records = self._shard.retrieve([*request.ids], fields, request.with_vector or False)
        return [*map(from_point, records)]

    def scroll(self, request: models.ScrollRequest) -> dict[str, Any]:
        """Return a stretch of the points."""
        records, offset = self._shard.scroll(to_scroll(request))
        return {"points": [*map(from_point, records)], "next_page_offset": None if offset is None else str(offset)}

    def count(self, request: models.CountRequest) -> dict[str, int]:
        """Return how many points there are."""
        return {"count": self._shard.count(engine.CountRequest(filter=to_filter(request.filter)))}

    def _flush_after(self, points: int) -> None:
        self._unflushed_points += points
        if self._unflushed_points >= _POINTS_PER_FLUSH:
            self._shard.flush()
            self._unflushed_points = 0


class Collections:
    """All collections of a directory; blocking, for one thread."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._open = {unquote(path.parent.name): Collection(path.parent) for path in directory.glob(f"*/{_DEFINITION}")}

    def names(self) -> list[str]:
        """Return what there is."""
        return sorted(self._open)

    def get(self, name: str) -> Collection:
        """Return a collection; raise KeyError when there is none."""
        return self._open[name]

    def create(self, name: str, definition: models.CreateCollection) -> None:
        """Make a collection; raise FileExistsError when there is one. A kill leaves a whole one or none."""
        if name in self._open:
            raise FileExistsError(name)
        directory = self._directory / quote(name, safe="")
        unfinished = directory.with_name(f"{directory.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        engine.EdgeShard.create(str(unfinished / _SHARD), _config(definition)).close()
        (unfinished / "definition").write_text(definition.model_dump_json(exclude_none=True))
        (unfinished / "definition").rename(unfinished / _DEFINITION)
        unfinished.rename(directory)
        self._open[name] = Collection(directory)

    def delete(self, name: str) -> bool:
        """Remove a collection; return whether there was one."""
        collection = self._open.pop(name, None)
        if collection is not None:
            collection.close()
            shutil.rmtree(self._directory / quote(name, safe=""))
        return collection is not None

    def close(self) -> None:
        """Flush and release everything."""
        for collection in self._open.values():
            collection.close()


_COMPLETED = {"operation_id": 0, "status": "completed"}
_DISTANCES = {models.Distance.COSINE: engine.Distance.Cosine, models.Distance.DOT: engine.Distance.Dot}


def _config(definition: models.CreateCollection) -> engine.EdgeConfig:
    if not isinstance(definition.vectors, dict):
        raise NotImplementedError("unnamed vectors")
    return engine.EdgeConfig(
        vectors={
            name: engine.EdgeVectorParams(size=params.size, distance=_DISTANCES[params.distance])
            for name, params in definition.vectors.items()
        },
        sparse_vectors={
            name: engine.EdgeSparseVectorParams(modifier=_modifier(params))
            for name, params in (definition.sparse_vectors or {}).items()
        },
    )


def _modifier(params: models.SparseVectorParams) -> engine.Modifier | None:
    return engine.Modifier.Idf if params.modifier is models.Modifier.IDF else None
