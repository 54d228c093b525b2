"""Answers of Ollama: ids are made, an end is what the server says it is, a missing count is never 0."""

import time
from typing import Any

import msgspec
import pytest

from memoryos_adapters.llm.ollama.answer import read_answer
from memoryos_adapters.llm.ollama.errors import OllamaErrors
from memoryos_ports.errors import MemoryOSError, ModelNotFound, UpstreamProtocolError, UpstreamUnavailable
from memoryos_ports.llm import ChatAnswer, Choice, Usage
from tests.contract.llm.requests import make_request
from tests.support.ollama_answers import CREATED, last_line, line


def read(document: dict[str, Any], *, prompt: str = "Hello?") -> ChatAnswer:
    """Decode a whole answer."""
    errors = OllamaErrors(upstream="server", hidden=())
    return read_answer(msgspec.json.encode(document), make_request(prompt, model="asked-for"), errors=errors)


def choice_of(document: dict[str, Any]) -> Choice:
    """Return the one choice of an answer."""
    (choice,) = read(document).choices
    return choice


def called(*calls: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return an answer with these tool calls."""
    return last_line({"content": "", "tool_calls": list(calls)}, **fields)


def test_an_answer_without_text_is_an_empty_text() -> None:
    choice = choice_of(last_line({"content": ""}))

    assert (choice.message.content, choice.finish_reason, choice.native_finish_reason) == ("", "stop", None)


def test_calls_without_ids_get_one_each() -> None:
    calls = choice_of(
        called({"function": {"name": "f", "arguments": {}}}, {"function": {"name": "f"}})
    ).message.tool_calls

    assert len({call.id for call in calls}) == 2
    assert all(call.id.startswith("call_") for call in calls)


def test_an_id_that_came_twice_is_used_once() -> None:
    call = {"id": "call_1", "function": {"name": "f", "arguments": {}}}

    ids = [call.id for call in choice_of(called(call, call)).message.tool_calls]

    assert ids[0] == "call_1"
    assert ids[1] != "call_1"


@pytest.mark.parametrize(
    ("created_at", "created"),
    [
        ("2023-11-14T22:13:20.123456789Z", CREATED),
        ("2023-11-15T00:13:20+02:00", CREATED),
        ("2023-11-14T22:13:20", CREATED),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", 253402351199),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_an_odd_time_is_now_and_never_an_error(created_at: str | None, created: int | None) -> None:
    before = int(time.time())

    read_at = read(last_line({"content": "a"}) | {"created_at": created_at}).created

    assert read_at == created if created is not None else before <= read_at <= time.time()


@pytest.mark.parametrize(
    ("native", "text"),
    [
        (b'{ "x" : 1.50 }', '{ "x" : 1.50 }'),
        (b"null", "{}"),
        (b"{}", "{}"),
        (b'"{\\"x\\":1}"', '{"x":1}'),
        (b'""', "{}"),
    ],
)
def test_arguments_become_the_text_of_their_json(native: bytes, text: str) -> None:
    (call,) = choice_of(called({"function": {"name": "f", "arguments": msgspec.Raw(native)}})).message.tool_calls

    assert call.arguments == text


def test_a_call_without_a_name_is_garbage() -> None:
    with pytest.raises(UpstreamProtocolError):
        read(called({"function": {"arguments": {}}}))


@pytest.mark.parametrize(
    ("done_reason", "calls", "expected"),
    [
        ("stop", 0, ("stop", None)),
        ("length", 0, ("length", None)),
        ("stop", 1, ("tool_calls", "stop")),
        ("length", 1, ("length", None)),
    ],
)
def test_an_end_is_what_the_server_says_it_is(done_reason: str, calls: int, expected: tuple[str, str | None]) -> None:
    choice = choice_of(called(*[{"function": {"name": "f"}}] * calls, done_reason=done_reason))

    assert (choice.finish_reason, choice.native_finish_reason) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"done_reason": "load"}, UpstreamUnavailable),
        ({"done_reason": "unload"}, UpstreamUnavailable),
        ({"done_reason": "tired"}, UpstreamProtocolError),
        ({"done_reason": ""}, UpstreamProtocolError),
        ({"done_reason": None}, UpstreamProtocolError),
    ],
)
def test_an_end_that_is_unknown_or_missing_is_never_stop(fields: dict[str, Any], expected: type[MemoryOSError]) -> None:
    with pytest.raises(expected):
        read({**last_line({"content": "a"}), **fields})


def test_an_answer_that_is_not_done_is_garbage() -> None:
    with pytest.raises(UpstreamProtocolError):
        read(line({"content": "a"}, done_reason="stop"))


def test_an_error_under_a_200_is_the_error() -> None:
    with pytest.raises(ModelNotFound):
        read({"error": "model 'asked-for' not found"})
    with pytest.raises(UpstreamUnavailable):
        read({"error": {"message": "down"}})


@pytest.mark.parametrize(
    ("missing", "usage"),
    [
        ((), Usage(prompt_tokens=7, completion_tokens=3)),
        (("prompt_eval_count",), Usage(prompt_tokens=100, completion_tokens=3, estimated=True)),
        (("eval_count",), None),
        (("prompt_eval_count", "eval_count"), None),
    ],
)
def test_a_count_that_is_missing_is_estimated_or_unknown_and_never_0(
    missing: tuple[str, ...], usage: Usage | None
) -> None:
    document = {name: value for name, value in last_line({"content": "a"}).items() if name not in missing}

    assert read(document, prompt="x" * 400).usage == usage


@pytest.mark.parametrize("created_at", [None, "yesterday", "2023-11-14"])
def test_a_head_that_cannot_be_read_is_made(created_at: str | None) -> None:
    answer = read({**last_line({"content": "a"}), "created_at": created_at, "model": None})

    assert answer.id.startswith("chatcmpl-")
    assert answer.model == "asked-for"
    assert answer.created > CREATED


def test_a_time_with_nanoseconds_and_an_offset_is_read() -> None:
    answer = read({**last_line({"content": "a"}), "created_at": "2023-11-14T15:13:20.385406455-07:00"})

    assert answer.created == CREATED
