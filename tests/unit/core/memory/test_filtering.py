"""Filters as they come over the wire: what they ask for, and which field a fault names."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.memory.filtering import MAX_DEPTH, MAX_NODES, read_filters
from memoryos_ports.errors import InvalidInput
from memoryos_ports.filters import All, AnyOf, Condition, Filter, Not, Operator, Value


def cond(field: str, op: Operator, value: Value) -> Condition:
    """Return a condition."""
    return Condition(field=field, op=op, value=value)


TEA = cond("metadata.topic", "eq", "tea")
USER = cond("role", "eq", "user")

READ: list[tuple[dict[str, Any], Filter]] = [
    ({}, All(())),
    ({"role": "user"}, USER),
    ({"topic": "tea"}, TEA),
    ({"metadata.topic": "tea"}, TEA),
    ({"metadata": {"topic": "tea"}}, TEA),
    ({"metadata": {"n": {"gt": 1}}}, cond("metadata.n", "gt", 1)),
    ({"metadata": {"user_id": "x"}}, cond("metadata.user_id", "eq", "x")),
    ({"role": "user", "topic": "tea"}, All((USER, TEA))),
    ({"n": {"gte": 1, "lt": 5}}, All((cond("metadata.n", "gte", 1), cond("metadata.n", "lt", 5)))),
    ({"role": {"in": ["user", "tool"]}}, cond("role", "in", ("user", "tool"))),
    ({"role": {"in": []}}, cond("role", "in", ())),
    ({"agent_id": None}, cond("agent_id", "eq", None)),
    ({"done": True}, cond("metadata.done", "eq", True)),
    ({"a.b": {"contains": "x"}}, cond("metadata.a.b", "contains", "x")),
    ({"timestamp": {"gte": "2026-03-01"}}, cond("timestamp", "gte", datetime(2026, 3, 1, tzinfo=UTC))),
    ({"AND": [{"role": "user"}, {"topic": "tea"}]}, All((USER, TEA))),
    ({"OR": [{"role": "user"}, {"topic": "tea"}]}, AnyOf((USER, TEA))),
    ({"NOT": {"role": "user"}}, Not(USER)),
    ({"NOT": [{"role": "user"}, {"topic": "tea"}]}, Not(AnyOf((USER, TEA)))),
    ({"OR": [{"role": "user"}], "topic": "tea"}, All((AnyOf((USER,)), TEA))),
    ({"and": "x"}, cond("metadata.and", "eq", "x")),
    ({"metadata.session": "s1"}, cond("metadata.session", "eq", "s1")),
    ({"metadata": {"time": "noon"}}, cond("metadata.time", "eq", "noon")),
]

FAULTY: list[tuple[Any, str]] = [
    ([], "filters"),
    ("role", "filters"),
    ({"AND": {}}, "filters.AND"),
    ({"OR": []}, "filters.OR"),
    ({"NOT": "x"}, "filters.NOT"),
    ({"AND": [{"role": "user"}, 3]}, "filters.AND.1"),
    ({"AND": [{"n": {"near": 3}}]}, "filters.AND.0.n.near"),
    ({"n": {}}, "filters.n"),
    ({"n": [1, 2]}, "filters.n"),
    ({"n": {"eq": {"x": 1}}}, "filters.n.eq"),
    ({"n": {"in": "x"}}, "filters.n.in"),
    ({"n": {"in": [1, [2]]}}, "filters.n.in.1"),
    ({"n": {"gt": None}}, "filters.n.gt"),
    ({"n": {"lte": True}}, "filters.n.lte"),
    ({"n": {"contains": None}}, "filters.n.contains"),
    ({"timestamp": "soon"}, "filters.timestamp"),
    ({"timestamp": {"gte": 5}}, "filters.timestamp.gte"),
    ({"timestamp": {"contains": "2026-03-01"}}, "filters.timestamp.contains"),
    ({"user_id": "bob"}, "filters.user_id"),
    ({"OR": [{"tenant_id": "x"}]}, "filters.OR.0.tenant_id"),
    ({"session": "s1"}, "filters.session"),
    ({"NOT": {"time": {"gt": "2026-03-01"}}}, "filters.NOT.time"),
    ({"text": {"contains": "tea"}}, "filters.text"),
    ({"user": "bob"}, "filters.user"),
    ({"metadata": "x"}, "filters.metadata"),
    ({"metadata": {"n": {"near": 3}}}, "filters.metadata.n.near"),
    ({"topic": "\ud800"}, "filters.topic"),
    ({1: "x"}, "filters"),
]


@pytest.mark.parametrize(("raw", "filter"), READ)
def test_a_filter_is_read(raw: dict[str, Any], filter: Filter) -> None:
    assert read_filters(raw) == filter


@pytest.mark.parametrize(("raw", "param"), FAULTY)
def test_a_fault_names_its_field(raw: Any, param: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_filters(raw)
    assert caught.value.param == param


def nested(depth: int) -> dict[str, Any]:
    """Return a filter so many objects deep."""
    return {"NOT": nested(depth - 1)} if depth > 1 else {"role": "user"}


def test_depth_is_bounded() -> None:
    read_filters(nested(MAX_DEPTH))
    with pytest.raises(InvalidInput, match="deeper"):
        read_filters(nested(MAX_DEPTH + 1))


@pytest.mark.parametrize("make", [lambda n: {"role": {"in": ["x"] * n}}, lambda n: {str(k): k for k in range(n + 1)}])
def test_size_is_bounded(make: Any) -> None:
    read_filters(make(MAX_NODES - 2))
    with pytest.raises(InvalidInput, match="more than 256"):
        read_filters(make(MAX_NODES))


WIRE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["AND", "OR", "NOT", "role", "metadata", "eq", "in", "gt"]) | st.text(), inner
        )
    ),
    max_leaves=12,
)


def fault(raw: Any) -> str | None:
    """Return the field that a refusal names, None for a filter that is read."""
    try:
        read_filters(raw)
    except InvalidInput as exc:
        return str(exc.param)
    return None


@given(WIRE)
def test_any_json_is_read_or_refused(raw: Any) -> None:
    assert (fault(raw) or "filters").startswith("filters")


@pytest.mark.parametrize(
    ("name", "hint"), [("session", "session_id"), ("time", "timestamp"), ("text", "query"), ("user", "user_id")]
)
def test_a_name_that_is_nearly_a_field_is_answered_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=rf"{hint}.*metadata\.{name}"):
        read_filters({name: "x"})
