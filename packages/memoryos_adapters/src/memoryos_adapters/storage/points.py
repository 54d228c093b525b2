"""The points that a memory becomes in a Qdrant collection."""

from collections.abc import Sequence

from memoryos_adapters.storage.bm25 import weigh_document
from memoryos_adapters.storage.payload import chunk_payload, memory_payload
from memoryos_adapters.storage.requests import DENSE, SPARSE, Payload, Point, SparseVector
from memoryos_adapters.storage.vectors import check_vector
from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.ids import chunk_id
from memoryos_ports.memory import IndexEntry, MemoryQuery

_NO_MARKS: Payload = {}


def own_point(entry: IndexEntry, marks: Payload = _NO_MARKS) -> Point:
    """Return the point that stands for a memory, which holds its first chunk and all of its words.

    `marks` are further fields of its payload. Raises InvalidInput for a text that no store can hold.
    """
    terms = weigh_document(entry.terms)
    sparse = {SPARSE: SparseVector([*terms], [*terms.values()])} if terms else {}
    vector: dict[str, Vector | SparseVector] = {**_dense(entry.chunks[0].vector), **sparse}
    return Point(id=entry.memory.id, vector=vector, payload={**memory_payload(entry), **marks})


def chunk_points(entry: IndexEntry, marks: Payload = _NO_MARKS) -> list[Point]:
    """Return the points of a memory's further chunks, with `marks` as further fields of their payloads."""
    return [
        Point(
            id=chunk_id(entry.memory.id, number),
            vector={**_dense(chunk.vector)},
            payload={**chunk_payload(entry.memory, chunk), **marks},
        )
        for number, chunk in enumerate(entry.chunks)
        if number
    ]


def check_entries(entries: Sequence[IndexEntry], stamp: EmbedderStamp) -> None:
    """Raise UpstreamProtocolError, naming the embedder, unless every vector can be one of its."""
    for chunk in (chunk for entry in entries for chunk in entry.chunks):
        if chunk.vector is not None:
            check_vector(chunk.vector, stamp)


def check_query(query: MemoryQuery, stamp: EmbedderStamp) -> None:
    """Raise UpstreamProtocolError, naming the embedder, unless its vector and those that wait can be some of its."""
    if query.vector is not None:
        check_vector(query.vector, stamp)
    check_entries(query.waiting, stamp)


def _dense(vector: Vector | None) -> dict[str, Vector]:
    return {} if vector is None else {DENSE: vector}
