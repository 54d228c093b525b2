"""What DeepSeek's models do with thoughts, by name and by request."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from memoryos_adapters.llm.deepseek.format import with_schema_in_words
from memoryos_adapters.llm.deepseek.models import is_before_v4, thinks
from memoryos_adapters.llm.deepseek.params import fit_params
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import Message
from tests.contract.llm.requests import make_request

SAMPLING: dict[str, Any] = {"temperature": 0.5, "top_p": 0.5, "presence_penalty": 1, "frequency_penalty": 1}


@pytest.mark.parametrize(
    ("model", "older"),
    [
        ("deepseek-chat", True),
        ("deepseek-reasoner", True),
        ("deepseek-r1-0528", True),
        ("deepseek-v3", True),
        ("deepseek-ai/DeepSeek-V3.2-Exp", True),
        ("deepseek-v4-flash", False),
        ("deepseek-v4.1-pro", False),
        ("deepseek-v30", False),
        ("deepseek-flash", False),
        ("something-else", False),
    ],
)
def test_a_model_is_older_by_its_name(model: str, older: bool) -> None:
    assert is_before_v4(model) is older


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        ("deepseek-v4-pro", None, True),
        ("deepseek-v4-pro", {"type": "enabled"}, True),
        ("deepseek-v4-pro", {"type": "disabled"}, False),
        ("deepseek-v4-pro", "nonsense", True),
        ("deepseek-v4-pro", {"type": 7}, True),
        ("deepseek-chat", None, False),
        ("deepseek-chat", {"type": "enabled"}, True),
        ("deepseek-reasoner", None, True),
        ("deepseek-reasoner", {"type": "disabled"}, True),
    ],
)
def test_newer_models_think_unless_told_otherwise(model: str, thinking: Any, expected: bool) -> None:
    asked = {} if thinking is None else {"thinking": thinking}

    assert thinks(make_request(model=model, **asked)) is expected


@pytest.mark.parametrize(
    ("model", "more", "dropped"),
    [
        ("deepseek-v4-pro", {}, tuple(SAMPLING)),
        ("deepseek-v4-pro", {"thinking": {"type": "disabled"}}, ()),
        ("deepseek-v4-pro", {"logprobs": True}, tuple(SAMPLING)),
        ("deepseek-reasoner", {"logprobs": True, "top_logprobs": 2}, (*SAMPLING, "logprobs", "top_logprobs")),
        ("deepseek-chat", {"logprobs": True}, ()),
    ],
)
def test_sampling_is_for_models_that_do_not_think(model: str, more: dict[str, Any], dropped: tuple[str, ...]) -> None:
    request = make_request(model=model, **SAMPLING, **more)

    params, named = fit_params(request)

    assert named == dropped
    assert {*params} == {*request.params} - {*dropped}


def test_the_bound_on_an_answer_has_its_older_name() -> None:
    params, named = fit_params(make_request(model="deepseek-v4-pro", max_completion_tokens=7))

    assert params == {"max_tokens": msgspec.Raw(b"7")}
    assert named == ()


_NAMED = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize("choice", ["required", _NAMED])
def test_a_forced_tool_goes_before_thinking(choice: Any) -> None:
    params, named = fit_params(make_request(model="deepseek-v4-pro", tool_choice=choice, temperature=0.5))

    assert msgspec.json.decode(params["thinking"]) == {"type": "disabled"}
    assert {*params} == {"thinking", "tool_choice", "temperature"}
    assert named == ()


@pytest.mark.parametrize(
    ("model", "more"),
    [("deepseek-v4-pro", {"thinking": {"type": "enabled"}}), ("deepseek-reasoner", {})],
)
def test_a_forced_tool_is_dropped_and_named_where_the_model_will_think(model: str, more: dict[str, Any]) -> None:
    params, named = fit_params(make_request(model=model, tool_choice="required", **more))

    assert "tool_choice" not in params
    assert named == ("tool_choice",)


def test_a_null_for_thinking_counts_as_absent() -> None:
    params, named = fit_params(make_request(model="deepseek-v4-pro", tool_choice="required", thinking=None))

    assert msgspec.json.decode(params["thinking"]) == {"type": "disabled"}
    assert ("tool_choice" in params, named) == (True, ())


def test_a_null_is_not_named_as_dropped() -> None:
    _, named = fit_params(make_request(model="deepseek-v4-pro", temperature=None, top_p=0.5))

    assert named == ("top_p",)


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_a_free_choice_of_tools_changes_nothing(choice: Any) -> None:
    params, named = fit_params(make_request(model="deepseek-v4-pro", tool_choice=choice))

    assert ({*params}, named) == ({"tool_choice"}, ())


def test_a_schema_is_said_in_words_after_the_instructions() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    format_ = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema, "strict": True}}
    request = make_request("Where?", response_format=format_)
    system = Message(role="system", content="Be brief.")

    fitted = with_schema_in_words(replace(request, messages=(system, *request.messages)))

    assert msgspec.json.decode(fitted.params["response_format"]) == {"type": "json_object"}
    assert [message.role for message in fitted.messages] == ["system", "system", "user"]
    assert '"city"' in str(fitted.messages[1].content)
    assert "JSON" in str(fitted.messages[1].content)


@pytest.mark.parametrize("format_", [None, {"type": "text"}, {"type": "json_object"}])
def test_another_format_changes_nothing(format_: Any) -> None:
    request = make_request(response_format=format_)

    assert with_schema_in_words(request) is request


@pytest.mark.parametrize("format_", [{"type": "json_schema"}, {"type": "json_schema", "json_schema": {"name": "x"}}])
def test_a_schema_that_is_missing_is_refused(format_: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        with_schema_in_words(make_request(response_format=format_))

    assert caught.value.param == "response_format.json_schema.schema"
