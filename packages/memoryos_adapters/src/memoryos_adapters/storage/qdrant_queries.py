"""Queries in the JSON of Qdrant's REST API, and what their answers teach of points."""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from memoryos_adapters.storage.conditions import Clause, HasId
from memoryos_adapters.storage.known import CHUNK_FIELDS, KNOWN_FIELDS, Known, read_known
from memoryos_adapters.storage.requests import DENSE, SPARSE, Learn, Lookup, Payload, Rank, SparseVector
from memoryos_ports.embedding import Vector

Query: TypeAlias = Rank | Lookup | Learn

_FIELDS: dict[str, tuple[str, ...] | bool] = {"all": KNOWN_FIELDS, "chunk": CHUNK_FIELDS, "nothing": False}


class _Corpus(msgspec.Struct):
    corpus: Clause


class _Quantization(msgspec.Struct):
    rescore: bool = True
    oversampling: float = 2.0


class _Params(msgspec.Struct, kw_only=True, omit_defaults=True):
    exact: bool = False
    quantization: _Quantization | None = None
    idf: _Corpus | None = None


class _Query(msgspec.Struct, kw_only=True, omit_defaults=True):
    filter: Clause
    limit: int
    with_payload: tuple[str, ...] | bool
    with_vector: tuple[str, ...] | bool
    query: Vector | SparseVector | None = None  # without one: points by their ids
    using: str | None = None
    params: _Params | None = None


class _Found(msgspec.Struct):
    id: str
    score: float = 0.0
    payload: Payload | None = None
    vector: dict[str, SparseVector] | None = None


class _Points(msgspec.Struct):
    points: list[_Found]


Answers: TypeAlias = list[_Points]
"""What a server answers to a batch of queries."""


def encode_queries(queries: Sequence[Query], *, quantized: bool) -> bytes:
    """Return the body of a batch of queries."""
    return msgspec.json.encode({"searches": [_encode(query, quantized=quantized) for query in queries]})


def read_answers(queries: Sequence[Query], answers: Answers, known: dict[str, Known]) -> list[object]:
    """Return the answers to queries; what they say of points that are not known yet is added to `known`."""
    return [_read(query, answer.points, known) for query, answer in zip(queries, answers, strict=True)]


def _encode(query: Query, *, quantized: bool) -> _Query:
    match query:
        case Rank(vector=SparseVector()):
            return _rank(query, SPARSE, None if query.corpus is None else _Params(idf=_Corpus(query.corpus)))
        case Rank():
            is_exact = query.exact or not quantized
            return _rank(query, DENSE, _Params(exact=True) if is_exact else _Params(quantization=_Quantization()))
        case Lookup(wanted=wanted, limit=limit):
            return _all_of(wanted, limit)
        case Learn(ids=ids):
            return _all_of(Clause(must=(HasId((*ids,)),)), len(ids))


def _rank(query: Rank, using: str, params: _Params | None) -> _Query:
    return _Query(
        query=query.vector,
        using=using,
        params=params,
        filter=query.wanted,
        limit=query.limit,
        with_payload=_FIELDS[query.learn],
        with_vector=(SPARSE,) if query.learn == "all" else False,
    )


def _all_of(wanted: Clause, limit: int) -> _Query:
    return _Query(filter=wanted, limit=limit, with_payload=KNOWN_FIELDS, with_vector=(SPARSE,))


def _read(query: Query, points: Sequence[_Found], known: dict[str, Known]) -> object:
    if not isinstance(query, Rank) or query.learn != "nothing":
        known.update((point.id, _known(point)) for point in points if point.id not in known)
    match query:
        case Rank():
            return {point.id: point.score for point in points}
        case Lookup():
            return [point.id for point in points]
        case Learn():
            return None


def _known(point: _Found) -> Known:
    sparse = (point.vector or {}).get(SPARSE)
    words = {} if sparse is None else dict(zip(sparse.indices, sparse.values, strict=True))
    return read_known(point.id, point.payload or {}, words)
