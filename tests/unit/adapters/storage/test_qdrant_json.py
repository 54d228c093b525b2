"""What is sent to a Qdrant server is what its official client's models take, cut into bodies of a size."""

from itertools import chain

import msgspec
import pytest
from hypothesis import given, settings
from qdrant_client import models

from memoryos_adapters.storage.conditions import Clause, HasVector, equals
from memoryos_adapters.storage.filter_bounds import at_least
from memoryos_adapters.storage.known import Known
from memoryos_adapters.storage.qdrant_queries import Answers, encode_queries, read_answers
from memoryos_adapters.storage.qdrant_writes import BODY_BYTES, encode_writes
from memoryos_adapters.storage.requests import (
    Delete,
    DeleteWhere,
    Learn,
    Lookup,
    Operation,
    Point,
    Rank,
    SetPayload,
    SparseVector,
    Upsert,
)
from memoryos_ports.filters import Filter
from memoryos_ports.memory import Chunk
from tests.unit.adapters.storage.test_edge_filters import filters

MINE = Clause(must=(equals("search_scope", "k"), HasVector("terms")), must_not=(equals("deleted", True),))
WORDS = SparseVector([3, 5], [1.0, 0.5])
CHUNK = Chunk(number=0, start=0, end=1)


def point(number: int, text: str = "") -> Point:
    """Return a point with both vectors."""
    return Point(id=f"p{number}", vector={"text": [0.5], "terms": WORDS}, payload={"page": text})


@settings(max_examples=200, deadline=None)
@given(filters)
def test_every_filter_is_one_of_qdrants(filter: Filter) -> None:
    encoded = msgspec.json.encode(at_least(filter))

    read = models.Filter.model_validate_json(encoded)

    assert msgspec.json.decode(read.model_dump_json(exclude_unset=True)).keys() == msgspec.json.decode(encoded).keys()


@pytest.mark.parametrize(
    ("quantized", "exact", "params"),
    [
        (False, False, models.SearchParams(exact=True)),
        (True, True, models.SearchParams(exact=True)),
        (
            True,
            False,
            models.SearchParams(quantization=models.QuantizationSearchParams(rescore=True, oversampling=2.0)),
        ),
    ],
)
def test_a_search_by_vector_is_exact_or_scored_again(quantized: bool, exact: bool, params: models.SearchParams) -> None:
    rank = Rank(vector=[0.5], wanted=MINE, limit=3, exact=exact)

    (read,) = models.QueryRequestBatch.model_validate_json(encode_queries([rank], quantized=quantized)).searches

    assert (read.query, read.using, read.limit) == ([0.5], "text", 3)
    assert read.params is not None
    assert read.params.model_dump(exclude_unset=True) == params.model_dump(exclude_unset=True)
    assert read.with_vector == ["terms"]


def test_a_search_by_words_names_the_corpus_of_its_idf() -> None:
    rank = Rank(vector=WORDS, wanted=MINE, limit=1, corpus=MINE, learn="nothing")

    (read,) = models.QueryRequestBatch.model_validate_json(encode_queries([rank], quantized=True)).searches

    assert read.query == models.SparseVector(indices=[3, 5], values=[1.0, 0.5])
    assert (read.using, read.with_payload, read.with_vector) == ("terms", False, False)
    assert read.params is not None
    assert read.params.idf == models.IdfCorpusParams(corpus=read.filter or models.Filter())


def test_points_without_a_question_are_asked_for_by_a_filter_alone() -> None:
    body = encode_queries([Lookup(wanted=MINE, limit=7), Learn(ids=["a", "b"])], quantized=False)

    looked, learnt = models.QueryRequestBatch.model_validate_json(body).searches

    assert (looked.query, looked.limit, learnt.query, learnt.limit) == (None, 7, None, 2)
    assert learnt.filter == models.Filter(must=[models.HasIdCondition(has_id=["a", "b"])])


def test_what_is_known_of_a_point_is_not_replaced_by_less() -> None:
    whole = Known(memory=None, owner="p", chunk=CHUNK, words={3: 1.0}, key="k", points=("p",), chars=1)
    known = {"p": whole}
    found = {"id": "p", "score": 0.5, "payload": {"number": 0, "start": 0, "end": 1}}
    new = {"id": "q", "score": 0.25, "payload": {"page_id": "p", "number": 1, "start": 1, "end": 2}}
    answers = msgspec.convert([{"points": [found, new]}], Answers)

    (scores,) = read_answers([Rank(vector=[0.5], wanted=MINE, limit=2, learn="chunk")], answers, known)

    assert scores == {"p": 0.5, "q": 0.25}
    assert known["p"] is whole
    assert (known["q"].owner, known["q"].chunk) == ("p", Chunk(number=1, start=1, end=2))


def test_every_operation_is_one_of_qdrants() -> None:
    written: list[Operation] = [
        Upsert(points=[point(1)], mode="upsert", only=MINE),
        Upsert(points=[point(1)], mode="insert_only"),
        Delete(ids=["p1"]),
        Delete(ids=["p1"], only=MINE),
        DeleteWhere(wanted=MINE),
        SetPayload(ids=["p1"], payload={"search_scope": None}, only=MINE),
    ]

    (body,) = encode_writes(written)
    put, inserted, deleted, dropped, cleared, changed = models.UpdateOperations.model_validate_json(body).operations

    assert isinstance(put, models.UpsertOperation)
    assert isinstance(put.upsert, models.PointsList)
    assert put.upsert.update_filter is not None
    assert isinstance(inserted, models.UpsertOperation)
    assert isinstance(inserted.upsert, models.PointsList)
    assert inserted.upsert.update_mode is models.UpdateMode.INSERT_ONLY
    assert inserted.upsert.update_filter is None
    assert deleted == models.DeleteOperation(delete=models.PointIdsList(points=["p1"]))
    assert isinstance(dropped, models.DeleteOperation)
    assert isinstance(dropped.delete, models.FilterSelector)
    assert models.HasIdCondition(has_id=["p1"]) in (dropped.delete.filter.must or [])
    assert isinstance(cleared, models.DeleteOperation)
    assert isinstance(changed, models.SetPayloadOperation)
    assert changed.set_payload.payload == {"search_scope": None}


@pytest.mark.parametrize("size", [10, 100_000, 9_000_000])
def test_bodies_are_cut_and_lose_nothing_nor_its_order(size: int) -> None:
    number = 2 if size > 10**6 else 300
    written: list[Operation] = [
        Upsert(points=[point(n, "x" * size) for n in range(number)], mode="insert_only"),
        Delete(ids=["last"]),
    ]

    bodies = [*encode_writes(written)]

    assert all(len(body) < 2 * BODY_BYTES for body in bodies)
    operations = [*chain(*(models.UpdateOperations.model_validate_json(body).operations for body in bodies))]
    *upserts, last = operations
    ids = [
        each.id
        for operation in upserts
        if isinstance(operation, models.UpsertOperation) and isinstance(operation.upsert, models.PointsList)
        for each in operation.upsert.points
    ]
    assert ids == [f"p{n}" for n in range(number)]
    assert last == models.DeleteOperation(delete=models.PointIdsList(points=["last"]))
