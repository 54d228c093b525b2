"""Tool calls in streams of OpenAI-compatible servers: numbered from 0, id and name once, arguments never missing."""

from typing import Any

import msgspec
import pytest

from memoryos_ports.errors import UpstreamProtocolError
from memoryos_ports.llm import ChatChunk, ToolCallDelta
from tests.contract.llm.requests import deltas_of
from tests.unit.adapters.llm.agreement import wire_of
from tests.unit.adapters.llm.streams import decode_events, first, more, tool


def test_a_tool_call_without_an_id_gets_one_and_says_it_once() -> None:
    out = decode_events(
        first(), tool({"name": "f", "arguments": ""}, index=0), tool({"arguments": "{}"}, index=0), more("tool_calls")
    )
    begin, go_on = [piece for delta in deltas_of(out) for piece in delta.tool_calls]

    assert begin.id is not None
    assert begin.id.startswith("call_")
    assert begin.name == "f"
    assert go_on == ToolCallDelta(index=0, arguments="{}")


def test_a_repeated_id_and_name_are_said_once() -> None:
    repeated = {"index": 0, "id": "call_1", "type": "function"}
    out = decode_events(
        first(),
        tool({"name": "f", "arguments": '{"x"'}, **repeated),
        tool({"name": "f", "arguments": ":1}"}, **repeated),
        more("tool_calls"),
    )

    assert [piece for delta in deltas_of(out) for piece in delta.tool_calls] == [
        ToolCallDelta(index=0, id="call_1", name="f", arguments='{"x"'),
        ToolCallDelta(index=0, arguments=":1}"),
    ]


@pytest.mark.parametrize(
    ("first_index", "second_index"), [(0, 0), (None, None), (1, 2), (3, 7)], ids=["same", "null", "from 1", "holes"]
)
def test_two_calls_are_numbered_from_0_without_holes(first_index: int | None, second_index: int | None) -> None:
    out = decode_events(
        first(),
        tool({"name": "f", "arguments": "{}"}, index=first_index, id="call_1", type="function"),
        tool({"name": "g", "arguments": "{}"}, index=second_index, id="call_2", type="function"),
        more("tool_calls"),
    )

    assert [(p.index, p.id, p.name) for delta in deltas_of(out) for p in delta.tool_calls] == [
        (0, "call_1", "f"),
        (1, "call_2", "g"),
    ]
    assert all(map(wire_of, out))


def test_calls_without_index_and_id_are_told_apart_by_their_names() -> None:
    out = decode_events(
        first(), tool({"name": "f", "arguments": '{"x"'}), tool({"arguments": ":1}"}), tool({"name": "g"}), more("stop")
    )

    pieces = [piece for delta in deltas_of(out) for piece in delta.tool_calls]
    assert [(piece.index, piece.name, piece.arguments) for piece in pieces] == [
        (0, "f", '{"x"'),
        (0, None, ":1}"),
        (1, "g", ""),
        (1, None, "{}"),
    ]


def test_two_calls_with_one_id_get_ids_of_their_own() -> None:
    out = decode_events(
        first(),
        tool({"name": "f", "arguments": "{}"}, index=0, id="f", type="function"),
        tool({"name": "f", "arguments": "{}"}, index=1, id="f", type="function"),
        more("tool_calls"),
    )

    ids = [piece.id for delta in deltas_of(out) for piece in delta.tool_calls]
    assert len(set(ids)) == 2
    assert all(map(wire_of, out))


def test_arguments_that_are_an_object_become_a_text() -> None:
    out = decode_events(first(), tool({"name": "f", "arguments": {"x": [1]}}, index=0), more("tool_calls"))

    assert deltas_of(out)[1].tool_calls[0].arguments == '{"x":[1]}'
    assert all(map(wire_of, out))


def test_a_call_that_got_no_arguments_gets_empty_ones_at_its_end() -> None:
    out = decode_events(first(), tool({"name": "f"}, index=0, id="call_1", type="function"), more("tool_calls"))

    assert deltas_of(out)[-1].tool_calls == (ToolCallDelta(index=0, arguments="{}"),)
    assert all(map(wire_of, out))


@pytest.mark.parametrize("echo", [{}, {"type": "function"}, {"custom": {}}, {"custom": None}])
def test_what_is_wanted_back_with_a_call_may_come_after_its_head(echo: dict[str, Any]) -> None:
    signature = {"google": {"thought_signature": "c2ln"}}

    out = decode_events(
        first(),
        tool({"name": "f", "arguments": "{}"}, index=0, id="call_1", type="function"),
        tool(index=0, extra_content=signature, **echo),
        more("tool_calls"),
    )

    (piece,) = deltas_of(out)[2].tool_calls
    assert piece.extra_content is not None
    assert msgspec.json.decode(piece.extra_content) == signature


def test_a_call_without_a_name_is_no_call() -> None:
    with pytest.raises(UpstreamProtocolError):
        decode_events(first(), tool({"arguments": "{}"}, index=0, id="call_1"))


_CUSTOM = {"index": 0, "id": "call_1", "type": "custom", "custom": {"name": "code", "input": ""}}
_INPUT = {"index": 0, "custom": {"input": "print(1)"}}


def sent(out: list[ChatChunk]) -> list[Any]:
    """Return the pieces of tool calls as the client gets them."""
    deltas = [msgspec.json.decode(item.wire or b"")["choices"][0]["delta"] for item in out]
    return [piece for delta in deltas for piece in delta.get("tool_calls", ())]


def test_calls_of_another_type_pass_on_the_wire_alone() -> None:
    events = [first(tool_calls=[_CUSTOM]), more(tool_calls=[_INPUT]), more("tool_calls")]

    out = decode_events(*events)

    assert [item.wire for item in out] == [msgspec.json.encode(event) for event in events]
    assert [delta.tool_calls for delta in deltas_of(out)] == [(), (), ()]
    assert deltas_of(out)[-1].finish_reason == "tool_calls"


def test_a_function_beside_a_call_of_another_type_keeps_its_number() -> None:
    function = {"index": 1, "id": "call_2", "type": "function", "function": {"name": "f", "arguments": ""}}
    events = [
        first(tool_calls=[_CUSTOM, function]),
        more(tool_calls=[{"index": 1, "function": {"arguments": "{}"}}, _INPUT]),
        more("tool_calls"),
    ]

    out = decode_events(*events)

    assert [piece for delta in deltas_of(out) for piece in delta.tool_calls] == [
        ToolCallDelta(index=1, id="call_2", name="f"),
        ToolCallDelta(index=1, arguments="{}"),
    ]
    assert [item.wire for item in out] == [msgspec.json.encode(event) for event in events]


def test_a_call_of_another_type_is_left_as_it_is_in_a_chunk_that_is_mended() -> None:
    function = {"id": "call_2", "type": "function", "function": {"name": "f"}}

    out = decode_events(first(tool_calls=[_CUSTOM, {"index": 1, **function}]), more("tool_call"))

    assert sent(out) == [
        _CUSTOM,
        {"index": 1, **function, "function": {"name": "f", "arguments": ""}},
        {"index": 1, "function": {"arguments": "{}"}},
    ]
