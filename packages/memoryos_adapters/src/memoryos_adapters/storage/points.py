"""The points that a memory becomes in a Qdrant collection."""

from collections.abc import Sequence

from memoryos_adapters.storage.bm25 import weigh_document
from memoryos_adapters.storage.payload import chunk_payload, memory_payload
from memoryos_adapters.storage.requests import DENSE, SPARSE, Point, SparseVector
from memoryos_adapters.storage.vectors import check_vector
from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.ids import chunk_id
from memoryos_ports.memory import IndexEntry, MemoryQuery


def points_of(entries: Sequence[IndexEntry]) -> tuple[list[Point], list[Point]]:
    """Return the points of memories' further chunks, and their own, which hold the first chunk and all the words.

    Raises InvalidInput for a text that no store can hold.
    """
    own = [_own_point(entry) for entry in entries]
    return [_chunk_point(entry, number) for entry in entries for number in range(1, len(entry.chunks))], own


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


def _own_point(entry: IndexEntry) -> Point:
    terms = weigh_document(entry.terms)
    sparse = {SPARSE: SparseVector([*terms], [*terms.values()])} if terms else {}
    vector: dict[str, Vector | SparseVector] = {**_dense(entry.chunks[0].vector), **sparse}
    return Point(id=entry.memory.id, vector=vector, payload=memory_payload(entry))


def _chunk_point(entry: IndexEntry, number: int) -> Point:
    chunk = entry.chunks[number]
    payload = chunk_payload(entry.memory, chunk)
    return Point(id=chunk_id(entry.memory.id, number), vector={**_dense(chunk.vector)}, payload=payload)


def _dense(vector: Vector | None) -> dict[str, Vector]:
    return {} if vector is None else {DENSE: vector}
