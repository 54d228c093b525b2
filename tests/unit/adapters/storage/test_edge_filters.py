"""Filters in the engine's words let through all that they mean, and exactly that where the engine can say it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_edge import EdgeShard, FieldCondition, MatchValue, Point, ScrollRequest, UpdateOperation
from qdrant_edge import Filter as EngineFilter

from memoryos_adapters.storage.edge_filters import to_engine
from memoryos_adapters.storage.edge_shard import open_shard
from memoryos_adapters.storage.filter_bounds import at_least
from memoryos_adapters.storage.payload import memory_payload
from memoryos_ports.embedding import EmbedderStamp
from memoryos_ports.filters import All, AnyOf, Condition, Filter, Not, matches
from memoryos_ports.ids import AgentId, SessionId
from memoryos_ports.memory import Chunk, IndexEntry, Page
from tests.support.makers import NOON, make_page

KEYS = ["a", "b c", "ü", "x-y", 'q"t', "1"]
WORDS = ["", "tea", "Tea", "green tea", "2026-03-01", "2026-03-01T12:00:00Z", "ß", "1"]
NUMBERS = [0, 1, -1, 3, 1.0, 2.5, 2**53, 2**53 + 1, 2**60 + 1, 1e300, -0.0]
TIMES = [NOON, NOON + timedelta(microseconds=1), NOON - timedelta(days=1), datetime(1, 1, 2, tzinfo=UTC)]

scalars: st.SearchStrategy[Any] = st.sampled_from([*WORDS, *NUMBERS, True, False, None])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=2)
)
metadata = st.dictionaries(st.sampled_from(KEYS), values, max_size=4)
words = st.sampled_from(["user", "assistant", "tool", "Ana", "s1", ""])


@st.composite
def pages(draw: st.DrawFn) -> list[Page]:
    """Return some pages."""
    return [
        make_page(
            index=index,
            role=draw(words),
            name=draw(st.none() | words),
            session_id=draw(st.none() | words.map(SessionId)),
            agent_id=draw(st.none() | words.map(AgentId)),
            source=draw(st.sampled_from(["api", "chat"])),
            timestamp=draw(st.sampled_from(TIMES)),
            metadata=draw(metadata),
        )
        for index in range(draw(st.integers(1, 4)))
    ]


fields = st.sampled_from(
    ["role", "name", "session_id", "agent_id", "source", "kind", "timestamp", "unknown", "metadata.missing"]
) | st.lists(st.sampled_from(KEYS), min_size=1, max_size=2).map(lambda keys: ".".join(["metadata", *keys]))
compared: st.SearchStrategy[Any] = scalars | words | st.sampled_from(TIMES) | st.just("page")
singles = st.builds(
    Condition, field=fields, op=st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte", "contains"]), value=compared
)
lists = st.builds(Condition, field=fields, op=st.just("in"), value=st.lists(compared, max_size=3).map(tuple))
filters: st.SearchStrategy[Filter] = st.recursive(
    singles | lists,
    lambda inner: (
        st.builds(All, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeShard]:
    """Return an empty shard of our schema."""
    directory: Path = tmp_path_factory.mktemp("edge")
    opened = open_shard(directory, EmbedderStamp(name="one", dimensions=1), reserve_bytes=0)
    yield opened
    opened.close()


def put(shard: EdgeShard, pages: list[Page]) -> None:
    """Let a shard hold these pages and no others."""
    every = EngineFilter(must=[])
    shard.update(UpdateOperation.delete_points_by_filter(every))
    entries = [
        IndexEntry(memory=page, terms="", chunks=(Chunk(number=0, start=0, end=3, vector=[1.0]),)) for page in pages
    ]
    points = [Point(entry.memory.id, {"text": [1.0]}, memory_payload(entry)) for entry in entries]
    shard.update(UpdateOperation.upsert_points(points))


def let_through(shard: EdgeShard, filter: Filter) -> set[str]:
    """Return the ids of what the engine lets through of a filter, as one condition among others."""
    mine = FieldCondition("user_id", match=MatchValue("ana"))
    wanted = EngineFilter(must=[mine, to_engine(at_least(filter))])
    records, _ = shard.scroll(ScrollRequest(limit=100, filter=wanted))
    return {str(record.id) for record in records}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(pages(), st.lists(filters, min_size=1, max_size=8))
def test_the_engine_lets_through_all_that_matches(shard: EdgeShard, stored: list[Page], asked: list[Filter]) -> None:
    put(shard, stored)
    for filter in asked:
        wanted = {page.id for page in stored if matches(filter, page)}
        assert wanted <= let_through(shard, filter)


exact_conditions = st.builds(
    Condition,
    field=st.sampled_from(["role", "name", "session_id", "agent_id"]),
    op=st.sampled_from(["eq", "ne"]),
    value=st.none() | words,
) | st.builds(
    Condition,
    field=st.just("timestamp"),
    op=st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]),
    value=st.sampled_from(TIMES),
)
exact: st.SearchStrategy[Filter] = st.recursive(
    exact_conditions,
    lambda inner: (
        st.builds(All, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pages(), st.lists(exact, min_size=1, max_size=8))
def test_words_and_times_are_sifted_by_the_engine_alone(
    shard: EdgeShard, stored: list[Page], asked: list[Filter]
) -> None:
    put(shard, stored)
    for filter in asked:
        assert let_through(shard, filter) == {page.id for page in stored if matches(filter, page)}


NARROWING: dict[str, Condition] = {
    "string": Condition(field="metadata.a", op="eq", value="tea"),
    "number": Condition(field="metadata.a", op="gte", value=3),
    "bool": Condition(field="metadata.a", op="eq", value=True),
    "list": Condition(field="metadata.a", op="in", value=("tea", 3)),
    "quoted key": Condition(field="metadata.b c", op="eq", value="tea"),
}


@pytest.mark.parametrize("condition", NARROWING.values(), ids=NARROWING)
def test_metadata_is_sifted_by_the_engine_where_it_can_be(shard: EdgeShard, condition: Condition) -> None:
    others = make_page(metadata={"a": "coffee", "b c": 1})
    put(shard, [others, make_page(index=1)])
    assert let_through(shard, condition) == set()


def test_a_number_that_is_rounded_to_the_bound_is_let_through(shard: EdgeShard) -> None:
    page = make_page(metadata={"a": 2**53 + 1})
    put(shard, [page])
    assert let_through(shard, Condition(field="metadata.a", op="gt", value=2**53)) == {page.id}
