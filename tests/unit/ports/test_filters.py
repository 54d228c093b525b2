"""What a condition means: like is compared with like, and what is missing is nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_ports.filters import All, AnyOf, Condition, Filter, Not, Operator, Value, matches, read_time
from memoryos_ports.ids import SessionId
from tests.support.makers import NOON, make_fact, make_page

PAGE = make_page(
    session_id=SessionId("s1"),
    name="Ana",
    metadata={
        "topic": "Green Tea",
        "count": 3,
        "price": 2.5,
        "done": True,
        "tags": ["a", "b", 1],
        "day": "2026-03-01",
        "deep": {"er": {"x": 1}},
        "null": None,
        "big": 2**60 + 1,
    },
)

MET: list[tuple[str, Operator, Value]] = [
    ("role", "eq", "user"),
    ("role", "ne", "assistant"),
    ("role", "in", ("user", "tool")),
    ("name", "contains", "an"),
    ("session_id", "eq", "s1"),
    ("agent_id", "eq", None),
    ("agent_id", "ne", "a1"),
    ("source", "eq", "api"),
    ("kind", "eq", "page"),
    ("timestamp", "eq", NOON),
    ("timestamp", "gte", NOON),
    ("timestamp", "lt", datetime(2026, 3, 2, tzinfo=UTC)),
    ("timestamp", "gt", "2026-03-01"),
    ("timestamp", "in", ("2026-03-01T12:00:00Z", None)),
    ("metadata.topic", "eq", "Green Tea"),
    ("metadata.topic", "contains", "TEA"),
    ("metadata.topic", "gt", "Apple"),
    ("metadata.count", "eq", 3),
    ("metadata.count", "eq", 3.0),
    ("metadata.count", "gte", 3),
    ("metadata.price", "lt", 3),
    ("metadata.done", "eq", True),
    ("metadata.tags", "contains", "a"),
    ("metadata.tags", "contains", 1),
    ("metadata.tags", "ne", "a"),
    ("metadata.day", "lt", "2026-03-01T00:00:01Z"),
    ("metadata.day", "lte", datetime(2026, 3, 1, tzinfo=UTC)),
    ("metadata.deep.er.x", "eq", 1),
    ("metadata.null", "eq", None),
    ("metadata.missing", "ne", "x"),
    ("metadata.missing", "eq", None),
    ("metadata.big", "gt", 2**60),
]
NOT_MET: list[tuple[str, Operator, Value]] = [
    ("role", "eq", "User"),
    ("role", "in", ()),
    ("role", "gt", 1),
    ("timestamp", "gt", NOON),
    ("timestamp", "eq", "soon"),
    ("timestamp", "contains", "2026"),
    ("metadata.topic", "eq", "green tea"),
    ("metadata.topic", "eq", None),
    ("metadata.topic", "contains", 3),
    ("metadata.count", "eq", "3"),
    ("metadata.count", "gt", "2"),
    ("metadata.count", "contains", 3),
    ("metadata.done", "eq", 1),
    ("metadata.done", "gte", 0),
    ("metadata.tags", "eq", "a"),
    ("metadata.tags", "contains", True),
    ("metadata.tags", "contains", "A"),
    ("metadata.deep", "eq", None),
    ("metadata.deep.er.x.y", "eq", 1),
    ("metadata.missing", "eq", "x"),
    ("metadata.missing", "lt", 5),
    ("metadata", "ne", None),
    ("unknown", "eq", "x"),
    ("text", "contains", "tea"),
]

YES, NO = Condition(field="role", op="eq", value="user"), Condition(field="role", op="eq", value="tool")
TREES: list[tuple[Filter, bool]] = [
    (All(()), True),
    (All((YES, NO)), False),
    (All((YES, YES)), True),
    (AnyOf(()), False),
    (AnyOf((NO, YES)), True),
    (AnyOf((NO, NO)), False),
    (Not(NO), True),
    (Not(YES), False),
    (Not(AnyOf((NO, All((NO,))))), True),
]


@pytest.mark.parametrize(("field", "op", "value"), MET)
def test_a_condition_is_met(field: str, op: Operator, value: Value) -> None:
    assert matches(Condition(field=field, op=op, value=value), PAGE)


@pytest.mark.parametrize(("field", "op", "value"), NOT_MET)
def test_a_condition_is_not_met(field: str, op: Operator, value: Value) -> None:
    assert not matches(Condition(field=field, op=op, value=value), PAGE)


@pytest.mark.parametrize(("tree", "met"), TREES)
def test_conditions_are_combined(tree: Filter, met: bool) -> None:
    assert matches(tree, PAGE) is met


def test_a_fact_has_no_role_and_is_of_its_own_kind() -> None:
    fact = make_fact()
    assert not matches(YES, fact)
    assert matches(Condition(field="kind", op="eq", value="fact"), fact)
    assert not matches(Condition(field="metadata.topic", op="eq", value="x"), fact)


@pytest.mark.parametrize(
    ("text", "moment"),
    {
        "2026-03-01": datetime(2026, 3, 1, tzinfo=UTC),
        "2026-03-01T12:00:00Z": NOON,
        "2026-03-01T14:00:00+02:00": NOON,
        "2026-03-01 12:00": NOON,
        "0001-01-01T00:00:00+10:00": None,
        "2026-13-01": None,
        "2026-W01-1": None,
        "20260301": None,
        "12": None,
        "": None,
    }.items(),
)
def test_a_time_is_rfc_3339(text: str, moment: datetime | None) -> None:
    assert read_time(text) == moment


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
OPERATORS = st.sampled_from(["eq", "ne", "in", "gt", "gte", "lt", "lte", "contains"])


@given(ANYTHING, OPERATORS, ANYTHING)
def test_every_comparison_has_an_answer(actual: Any, op: Operator, expected: Any) -> None:
    page = make_page(metadata={"x": actual})
    met = matches(Condition(field="metadata.x", op=op, value=expected), page)
    assert matches(Not(Condition(field="metadata.x", op=op, value=expected)), page) is not met
