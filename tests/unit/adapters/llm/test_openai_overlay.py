"""A mended answer keeps every field that nobody here knows (wire contract: N1, N6, OR6, S8, S11, X1)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_adapters.llm.openai.answer import read_answer
from memoryos_adapters.llm.refusals import ErrorTable
from memoryos_ports.llm import ChatAnswer
from tests.support.completion import sse
from tests.unit.adapters.llm.agreement import wire_of
from tests.unit.adapters.llm.streams import DONE, decode

_DETAILS = [{"type": "reasoning.encrypted", "data": "c2lnbmVk", "id": "rs_1", "format": "openai-responses-v1"}]
_LOGPROBS = {"content": [{"token": "4", "logprob": -0.1, "bytes": [52], "top_logprobs": []}]}
_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "f", "arguments": "{}", "x_function": 1},
    "extra_content": {"google": {"thought_signature": "c2ln"}},
    "x_call": 1,
}
_USAGE = {
    "prompt_tokens": 5,
    "completion_tokens": 2,
    "total_tokens": 7,
    "cost": 0.000123,
    "cost_details": {"upstream_inference_cost": None},
    "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": 0},
}
_ANSWER = {
    "id": "gen-1",
    "provider": "Some Provider",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": "vendor/model",
    "system_fingerprint": "fp_1",
    "service_tier": "flex",
    "choices": [
        {
            "index": 0,
            "logprobs": _LOGPROBS,
            "finish_reason": "tool_calls",
            "native_finish_reason": "TOOL",
            "message": {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "reasoning": "2 + 2",
                "reasoning_details": _DETAILS,
                "annotations": [{"type": "url_citation"}],
                "tool_calls": [_CALL],
            },
        }
    ],
    "usage": _USAGE,
}


def read(document: Any) -> ChatAnswer:
    """Read an answer with this JSON, or of these bytes."""
    body = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return read_answer(body, model="asked-for", errors=ErrorTable(upstream="server", hidden=()))


def test_a_mended_answer_only_differs_by_what_was_mended() -> None:
    answer = read(_ANSWER)

    expected = msgspec.json.decode(msgspec.json.encode(_ANSWER))
    expected["choices"][0]["message"]["reasoning_content"] = "2 + 2"
    assert wire_of(answer) == expected
    assert (answer.system_fingerprint, answer.service_tier) == ("fp_1", "flex")
    assert answer.choices[0].native_finish_reason == "TOOL"


def test_numbers_that_nobody_reads_keep_their_digits() -> None:
    body = msgspec.json.encode(_ANSWER).replace(b"0.000123", b"1.50").replace(b'"x_call":1', b'"x_call":' + b"9" * 30)

    wire = read(body).wire

    assert wire is not None
    assert b'"cost":1.50' in wire
    assert b'"x_call":' + b"9" * 30 in wire


def test_the_native_reason_of_a_mended_end_is_told() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "eos"}

    answer = read({**_ANSWER, "choices": [choice]})

    assert (answer.choices[0].finish_reason, answer.choices[0].native_finish_reason) == ("stop", "eos")
    assert wire_of(answer)["choices"][0]["native_finish_reason"] == "eos"


def test_cached_tokens_under_another_name_are_told_under_ours_too() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "prompt_cache_hit_tokens": 4}

    assert wire_of(read({**_ANSWER, "usage": usage}))["usage"] == {
        **usage,
        "prompt_tokens_details": {"cached_tokens": 4},
    }


_UNKNOWN = st.dictionaries(st.text(max_size=5).map("x_".__add__), st.none() | st.integers() | st.text(), max_size=3)


@given(top=_UNKNOWN, choice=_UNKNOWN, message=_UNKNOWN, usage=_UNKNOWN)
def test_unknown_fields_survive_wherever_they_are(
    top: dict[str, Any], choice: dict[str, Any], message: dict[str, Any], usage: dict[str, Any]
) -> None:
    said = {"role": "model", "content": "Hi.", **message}
    document = {
        "choices": [{"message": said, "finish_reason": "eos", **choice}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, **usage},
        **top,
    }

    wire = wire_of(read(document))

    assert wire.items() >= top.items()
    assert wire["choices"][0].items() >= choice.items()
    assert wire["choices"][0]["message"].items() >= message.items()
    assert wire["usage"].items() >= usage.items()


def event(delta: dict[str, Any] | None, **choice: Any) -> dict[str, Any]:
    """Return an event of a stream as OpenRouter writes it: with the role in each."""
    fields = {"role": "assistant", "content": "", **(delta or {})}
    return {
        "id": "gen-1",
        "provider": "Some Provider",
        "model": "vendor/model",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "delta": fields, "finish_reason": None, "logprobs": None, **choice}],
    }


_EVENTS = [
    event({"reasoning": "2 + ", "reasoning_details": [{"type": "reasoning.text", "text": "2 + ", "index": 0}]}),
    event({"reasoning": "2", "reasoning_details": [{"type": "reasoning.text", "text": "2", "index": 0}]}),
    event({"content": "4"}, logprobs=_LOGPROBS, content_filter_results={"hate": {"filtered": False}}),
    event({"tool_calls": [{"index": 0, **_CALL}]}),
    {**event({"annotations": [1]}, finish_reason="tool_calls", native_finish_reason="TOOL"), "usage": _USAGE},
]


def test_mended_chunks_only_differ_by_what_was_mended() -> None:
    out = decode(*map(sse, _EVENTS), DONE)

    wires = [wire_of(chunk) for chunk in out]
    assert [chunk.deltas == () for chunk in out] == [False] * 5 + [True]
    for place, (sent, came) in enumerate(zip(wires[:-1], _EVENTS, strict=True)):
        (choice,) = came["choices"]
        delta = {name: value for name, value in choice["delta"].items() if place == 0 or name != "role"}
        if "reasoning" in delta:
            delta["reasoning_content"] = delta["reasoning"]
        assert sent == {**came, "choices": [{**choice, "delta": delta}], "usage": None}


def test_usage_that_came_with_a_choice_is_told_alone_with_all_its_fields() -> None:
    last = wire_of(decode(*map(sse, _EVENTS), DONE)[-1])

    assert last == {**_EVENTS[-1], "choices": [], "usage": _USAGE}


def test_the_native_reason_of_a_stream_is_told() -> None:
    out = decode(*map(sse, [event({"content": "a"}), event({}, finish_reason="eos")]), DONE)

    assert [delta.native_finish_reason for chunk in out for delta in chunk.deltas] == [None, "eos"]
    assert wire_of(out[-1])["choices"][0]["native_finish_reason"] == "eos"


@pytest.mark.parametrize("whole", [True, False])
def test_what_a_provider_wants_back_with_its_call_is_read(whole: bool) -> None:
    if whole:
        extra = read(_ANSWER).choices[0].message.tool_calls[0].extra_content
    else:
        (extra,) = [
            call.extra_content
            for chunk in decode(*map(sse, _EVENTS), DONE)
            for delta in chunk.deltas
            for call in delta.tool_calls
        ]

    assert extra is not None
    assert msgspec.json.decode(extra) == _CALL["extra_content"]


def test_a_repeated_head_of_a_call_is_taken_out_of_the_wire() -> None:
    pieces = [
        {"index": 3, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"x"'}, "x_call": 1},
        {"index": 3, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ":1}"}, "x_call": 2},
    ]
    events = [event({"tool_calls": [piece]}) for piece in pieces]

    out = decode(*map(sse, events), sse(event({}, finish_reason="tool_call")), DONE)

    assert [call for chunk in out for call in wire_of(chunk)["choices"][0]["delta"].get("tool_calls", ())] == [
        {**pieces[0], "index": 0},
        {"index": 0, "function": {"arguments": ":1}"}, "x_call": 2},
    ]
