"""The parameters of a chat as other dialects read them: typed, named by path when wrong, counted when left."""

from typing import Any

import msgspec
import pytest

from memoryos_adapters.llm.chat_params import ChatParams, FunctionSpec, ResponseFormat, unsupported
from memoryos_ports.errors import InvalidInput


def params(**values: object) -> ChatParams:
    """Return the parameters of a request."""
    return raw_params(**{name: msgspec.json.encode(value) for name, value in values.items()})


def raw_params(**values: bytes) -> ChatParams:
    """Return parameters from their JSON."""
    return ChatParams({name: msgspec.Raw(value) for name, value in values.items()})


def test_what_nobody_took_was_dropped_in_the_callers_order() -> None:
    found = params(b=1, temperature=0.5, a=2, top_p=1)

    assert found.take("temperature", float) == 0.5
    assert found.take_raw("top_p") is not None
    assert found.dropped() == ("b", "a")


def test_what_the_gateway_itself_obeys_is_not_dropped() -> None:
    assert params(stream_options={"include_usage": True}, user="ada").dropped() == ()


@pytest.mark.parametrize("null", [b"null", b" null\n"])
def test_a_null_counts_as_absent(null: bytes) -> None:
    found = raw_params(temperature=null)

    assert found.take("temperature", float) is None
    assert found.take_raw("temperature") is None
    assert found.dropped() == ()


def test_a_raw_parameter_keeps_its_bytes() -> None:
    raw = raw_params(options=b'{ "a" : 1.50 }').take_raw("options")

    assert raw is not None
    assert bytes(raw) == b'{ "a" : 1.50 }'


@pytest.mark.parametrize(
    ("value", "type_", "param"),
    [
        (b'"warm"', float, "x"),
        (b"1.5", int, "x"),
        (b'[{"type":5}]', list[dict[str, str]], "x[0][...]"),
        (b'{"type":5}', ResponseFormat, "x.type"),
        (b"{}", ResponseFormat, "x.type"),
        (b'{"type":"json_schema","json_schema":{"schema":[]}}', ResponseFormat, "x.json_schema.schema"),
        (b"{broken", dict[str, Any], "x"),
        (b'"\xff"', str, "x"),
        (b"[" * 100_000, list[Any], "x"),
    ],
)
def test_a_misfit_is_named_by_its_path(value: bytes, type_: Any, param: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        raw_params(x=value).take("x", type_)

    assert caught.value.param == param
    assert caught.value.message.startswith(f"{param}: ")


@pytest.mark.parametrize(
    ("given", "bound"),
    [
        ({}, None),
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 7}, 7),
        ({"max_tokens": 5, "max_completion_tokens": 7}, 7),
        ({"max_tokens": 5, "max_completion_tokens": None}, 5),
    ],
)
def test_the_newer_bound_on_the_answer_goes_first(given: dict[str, object], bound: int | None) -> None:
    found = params(**given)

    assert found.max_output_tokens() == bound
    assert found.dropped() == ()


@pytest.mark.parametrize(
    ("given", "texts"), [({}, []), ({"stop": "a"}, ["a"]), ({"stop": ["a", "b"]}, ["a", "b"]), ({"stop": []}, [])]
)
def test_a_stop_may_be_given_alone(given: dict[str, object], texts: list[str]) -> None:
    assert params(**given).stop() == texts


def test_tools_are_functions() -> None:
    schema = {"type": "object"}
    tool = {"type": "function", "function": {"name": "f", "description": "Does.", "parameters": schema, "strict": True}}

    assert params(tools=[tool]).tools() == [
        FunctionSpec(name="f", description="Does.", parameters=schema, strict=True),
    ]
    assert params().tools() == []


@pytest.mark.parametrize(
    ("tools", "param", "code"),
    [
        ([{"type": "web_search"}], "tools[0].type", "unsupported_value"),
        ([{"type": "custom", "function": {"name": "f"}}], "tools[0].type", "unsupported_value"),
        ([{"type": "function"}], "tools[0].function", None),
        ([{"type": "function", "function": {}}], "tools[0].function.name", None),
        ([{"function": {"name": "f"}}], "tools[0].type", None),
        ({"type": "function"}, "tools", None),
    ],
)
def test_a_tool_that_is_no_function_is_refused(tools: object, param: str, code: str | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        params(tools=tools).tools()
    assert (caught.value.param, caught.value.code) == (param, code)


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, "auto"),
        ({"tool_choice": "none"}, "none"),
        ({"tool_choice": "required"}, "required"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "=f"),
    ],
)
def test_a_choice_is_a_word_or_a_name(given: dict[str, object], choice: str | None) -> None:
    assert params(**given).tool_choice() == choice


@pytest.mark.parametrize(
    ("choice", "param", "code"),
    [
        ("=f", "tool_choice", None),
        ({"type": "allowed_tools"}, "tool_choice.type", "unsupported_value"),
        ({"type": "function"}, "tool_choice.function", None),
        (5, "tool_choice", None),
    ],
)
def test_a_choice_that_is_none_is_refused(choice: object, param: str, code: str | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        params(tool_choice=choice).tool_choice()
    assert (caught.value.param, caught.value.code) == (param, code)


def test_one_answer_may_be_asked_for_and_no_more() -> None:
    params().one_choice()
    params(n=1).one_choice()
    with pytest.raises(InvalidInput) as caught:
        params(n=2).one_choice()
    assert (caught.value.param, caught.value.code) == ("n", "unsupported_value")


def test_what_is_unsupported_says_where() -> None:
    error = unsupported("a.b", "no")

    assert (error.message, error.param, error.code) == ("a.b: no", "a.b", "unsupported_value")


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("bound", [0, -5])
def test_a_bound_of_no_tokens_is_refused_by_its_name(name: str, bound: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        ChatParams({name: msgspec.Raw(str(bound).encode())}).max_output_tokens()

    assert caught.value.param == name


def test_no_answer_at_all_cannot_be_asked_for() -> None:
    with pytest.raises(InvalidInput, match="n must be at least 1"):
        ChatParams({"n": msgspec.Raw(b"0")}).one_choice()
