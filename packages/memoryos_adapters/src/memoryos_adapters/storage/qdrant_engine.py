"""Plans run on a Qdrant server, over REST: what is asked for at the same time is one round trip, as far as it can."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import msgspec

from memoryos_adapters.storage.known import Known
from memoryos_adapters.storage.qdrant_collection import TOO_LARGE, QdrantCollection
from memoryos_adapters.storage.qdrant_queries import Answers, Query, encode_queries, read_answers
from memoryos_adapters.storage.qdrant_writes import BODY_BYTES, encode_writes
from memoryos_adapters.storage.requests import (
    Count,
    Operation,
    Payload,
    Plan,
    Request,
    Retrieve,
    Scroll,
    Write,
)
from memoryos_ports.errors import UpstreamRejected

T = TypeVar("T")

# Searchable on return; and what writes to one point, from whichever process, is done in the order in which it came.
_WRITE_PATH = "/points/batch?wait=true&ordering=medium"
_AT_ONCE = 1_000


class _Record(msgspec.Struct):
    id: str
    payload: Payload | None = None


class _Page(msgspec.Struct):
    points: list[_Record]
    next_page_offset: str | None = None


class _Count(msgspec.Struct):
    count: int


class QdrantEngine:
    """A collection that answers plans; `quantized` says that nearest points are looked for among rounded vectors."""

    def __init__(self, collection: QdrantCollection, *, quantized: bool) -> None:
        self._collection = collection
        self._quantized = quantized

    async def run(self, plan: Plan[T], points: dict[str, Known] | None = None) -> T:
        """Return what a plan returns; `points` is what it knows, to which its requests add."""
        known = {} if points is None else points
        try:
            requests = next(plan)
            while True:
                requests = plan.send(await self._answer_all(requests, known))
        except StopIteration as exc:
            result: T = exc.value
            return result

    async def _answer_all(self, requests: Sequence[Request[Any]], known: dict[str, Known]) -> list[Any]:
        queries = [request for request in requests if isinstance(request, Query)]
        others = [request for request in requests if not isinstance(request, Query)]
        answered, *answers = await _all([self._query(queries, known), *map(self._answer, others)])
        queried, other = iter(answered), iter(answers)
        return [next(queried if isinstance(request, Query) else other) for request in requests]

    async def _query(self, queries: Sequence[Query], known: dict[str, Known]) -> list[object]:
        if not queries:
            return []
        body = encode_queries(queries, quantized=self._quantized)
        answers = await self._collection.call("POST", "/points/query/batch", body, answer=Answers)
        return read_answers(queries, answers, known)

    async def _answer(self, request: Request[Any]) -> Any:
        match request:
            case Retrieve():
                return await self._retrieve(request)
            case Scroll():
                return await self._scroll(request)
            case Count(wanted=wanted):
                return (await self._post("/points/count", _Count, filter=wanted, exact=True)).count
            case Write(operations=operations):
                return await self._write(operations, BODY_BYTES)
        raise TypeError(request)

    async def _write(self, operations: Sequence[Operation], body_bytes: int) -> None:
        """Do operations; when a body is too large for what stands before the server, all again in smaller ones."""
        for body in encode_writes(operations, body_bytes):
            try:
                await self._collection.call("POST", _WRITE_PATH, body, answer=list)
            except UpstreamRejected as exc:
                is_one_part = len(body) >= 2 * body_bytes
                if exc.status != TOO_LARGE or is_one_part:
                    raise
                await self._write(operations, min(body_bytes, len(body)) // 2)
                return

    async def _retrieve(self, request: Retrieve) -> dict[str, Payload]:
        fields = True if request.fields is None else request.fields or False
        records = await self._post("/points", list[_Record], ids=request.ids, with_payload=fields, with_vector=False)
        return {record.id: record.payload or {} for record in records}

    async def _scroll(self, request: Scroll) -> list[tuple[str, Payload]]:
        wanted: dict[str, Any] = {"filter": request.wanted, "with_payload": request.fields, "with_vector": False}
        wanted["limit"] = request.limit or _AT_ONCE
        if request.newest_first:
            wanted["order_by"] = {"key": "timestamp", "direction": "desc"}
        found: list[tuple[str, Payload]] = []
        while True:
            page = await self._post("/points/scroll", _Page, **wanted)
            found += [(record.id, record.payload or {}) for record in page.points]
            if request.limit is not None or page.next_page_offset is None:
                return found
            wanted["offset"] = page.next_page_offset

    async def _post(self, path: str, answer: type[T], **body: Any) -> T:
        return await self._collection.call("POST", path, msgspec.json.encode(body), answer=answer)


async def _all(calls: Sequence[Awaitable[Any]]) -> list[Any]:
    """Return the results of calls made at the same time; all of them have ended when the first error is raised."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
