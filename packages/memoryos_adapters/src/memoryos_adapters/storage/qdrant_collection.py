"""The collection of a Qdrant server that holds the index: made when it is missing, checked before it is used.

Whose vectors it holds is said in the collection's own metadata, with which it is made in one step: of two processes
that make it at the same time the second is told so, and checks what the first has made.
"""

import asyncio
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from loguru import logger

from memoryos_adapters.settings import QdrantSettings
from memoryos_adapters.storage.payload import KEYWORD_FIELDS, TENANT_FIELDS, TIME_FIELDS
from memoryos_adapters.storage.qdrant_answers import CollectionAnswer, ServerAnswer
from memoryos_adapters.storage.qdrant_http import UPSTREAM, QdrantHttp, Refused
from memoryos_adapters.storage.requests import DENSE, SPARSE
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.errors import EmbedderMismatch, ForeignIndex, MemoryOSError, UpstreamProtocolError, UpstreamRejected

T = TypeVar("T")

OLDEST = (1, 19)
"""The oldest server that has all that is used: IDF by corpus (1.19), update modes (1.17), metadata (1.16)."""

TOO_LARGE = 413
"""The status of a body that is larger than the server, or what stands before it, takes."""

_MISSING, _TAKEN = 404, 409
_REJECTIONS = (400, TOO_LARGE, 422)
_QUANTIZATION: dict[str, dict[str, Any]] = {
    "scalar": {"scalar": {"type": "int8", "always_ram": True}},
    "binary": {"binary": {"always_ram": True}},
}
_LINKS = 16  # per point of a scope, where there is an index of the vectors


class QdrantCollection:
    """A collection of one stamp, whose calls make and check it the first time, and again once it is gone.

    Every call raises EmbedderMismatch while it holds another embedder's vectors, its ForeignIndex while it is none of
    ours, UpstreamProtocolError while the server is too old, and what `QdrantHttp` raises.
    """

    def __init__(self, http: QdrantHttp, settings: QdrantSettings, stamp: EmbedderStamp) -> None:
        self.stamp = stamp
        self._http = http
        self._settings = settings
        self._path = f"/collections/{quote(settings.collection, safe='')}"
        self._is_ready = False
        self._checking = asyncio.Lock()

    async def call(self, method: str, path: str, body: bytes, *, answer: type[T]) -> T:
        """Return what the server answers to a call; `path` is within the collection.

        Raises UpstreamRejected when it is the request that the server does not take, though the collection is ours.
        """
        await self.ready()
        try:
            return await self._call(method, path, body, answer)
        except Refused as exc:
            if exc.status != _MISSING:
                raise
        logger.bind(collection=self._settings.collection).warning("memory index is gone from the server, made anew")
        self._is_ready = False
        await self.ready()
        return await self._call(method, path, body, answer)

    async def _call(self, method: str, path: str, body: bytes, answer: type[T]) -> T:
        try:
            return await self._http.call(method, self._path + path, body, answer=answer)
        except Refused as exc:
            if exc.status not in _REJECTIONS:
                raise
            if exc.status != TOO_LARGE:
                await self.check()  # by now another embedder's vectors may be wanted: that is no request's fault
            rejected = UpstreamRejected(upstream=UPSTREAM, status=exc.status, message=exc.detail)
            rejected.reason = exc.reason
            raise rejected from exc

    async def ready(self) -> None:
        """Return once the collection is there and ours."""
        if not self._is_ready:
            async with self._checking:
                if not self._is_ready:
                    await self.check()

    async def check(self) -> None:
        """Look at the collection, whatever was known of it; make it when it is missing, and its indexes.

        Meanwhile calls go on as before; after a check that failed they look again first.
        """
        try:
            await self._check()
        except MemoryOSError:
            self._is_ready = False
            raise
        self._is_ready = True

    async def _check(self) -> None:
        await self._check_server()
        found = await self._look() or await self._make()
        _check_stamp(found, self.stamp, name=self._settings.collection)
        for field, schema in _indexes().items():
            if field not in found.payload_schema:
                body = msgspec.json.encode({"field_name": field, "field_schema": schema})
                await self._http.call("PUT", f"{self._path}/index?wait=true", body, answer=dict)

    async def _check_server(self) -> None:
        content = await self._http.send("GET", "/")
        try:
            version = msgspec.json.decode(content, type=ServerAnswer).version
            major, minor = map(int, version.split(".")[:2])
        except ValueError as exc:  # msgspec's errors are ValueErrors
            raise UpstreamProtocolError(upstream=UPSTREAM, detail="does not say its version") from exc
        if (major, minor) < OLDEST:
            wanted = ".".join(map(str, OLDEST))
            raise UpstreamProtocolError(upstream=UPSTREAM, detail=f"is version {version}, older than {wanted}")

    async def _look(self) -> CollectionAnswer | None:
        try:
            return await self._http.call("GET", self._path, answer=CollectionAnswer)
        except Refused as exc:
            if exc.status == _MISSING:
                return None
            raise

    async def _make(self) -> CollectionAnswer:
        try:
            await self._http.call("PUT", self._path, msgspec.json.encode(self._schema()), answer=bool)
        except Refused as exc:
            if exc.status != _TAKEN:
                raise
        return await self._http.call("GET", self._path, answer=CollectionAnswer)

    def _schema(self) -> dict[str, Any]:
        """Return what the collection is made with.

        Without quantization there is no index of the vectors: scans of one scope are exact, and fast. With it there
        is one per scope, and none across scopes.
        """
        settings = self._settings
        quantization = _QUANTIZATION.get(settings.quantization)
        return {
            "vectors": {DENSE: {"size": self.stamp.dimensions, "distance": "Cosine", "on_disk": settings.on_disk}},
            "sparse_vectors": {SPARSE: {"modifier": "idf", "index": {"on_disk": settings.on_disk}}},
            "shard_number": settings.shard_number,
            "replication_factor": settings.replication_factor,
            "write_consistency_factor": settings.write_consistency_factor,
            "hnsw_config": {"m": 0, "payload_m": _LINKS if quantization else 0},
            "quantization_config": quantization,
            "metadata": {"memoryos": {"embedder": self.stamp.name, "dimensions": self.stamp.dimensions}},
        }


def _indexes() -> dict[str, dict[str, Any]]:
    """Return how each payload field is indexed; only scopes have an index of vectors of their own."""
    return {
        **{field: {"type": "keyword", "is_tenant": True} for field in TENANT_FIELDS},
        **{field: {"type": "keyword", "enable_hnsw": False} for field in KEYWORD_FIELDS},
        **{field: {"type": "datetime", "enable_hnsw": False} for field in TIME_FIELDS},
    }


def _check_stamp(found: CollectionAnswer, stamp: EmbedderStamp, *, name: str) -> None:
    if found.stamp is None:
        raise ForeignIndex(name, setting="storage.qdrant.collection")
    if found.stamp != stamp:
        raise EmbedderMismatch(stored=str(found.stamp), configured=str(stamp))
