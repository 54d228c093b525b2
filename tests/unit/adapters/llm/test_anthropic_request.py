"""The knobs of a chat in Anthropic's dialect: said, passed on, or named as dropped (AN1-AN3, AN8, AN9, AN13, X5)."""

from typing import Any

import msgspec
import pytest

from memoryos_adapters.settings import Secret
from memoryos_ports.errors import InvalidInput
from tests.support.anthropic_requests import (
    FORCED_MODEL,
    NEWEST_MODEL,
    SAMPLING_MODEL,
    TOOL_MODEL,
    ask,
    calling,
    encoded,
    function,
    json_schema,
    make_dialect,
    result,
    sent,
    user,
)

_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False}
_CLOSED = {"additionalProperties": False}
_BUDGET = {"type": "enabled", "budget_tokens": 2_000}
_LOST_LOOP = (user("Look it up."), calling(("toolu_1", "look_up", "{}")), result("toolu_1", "42"))


def test_a_plain_request_says_nothing_beyond_what_was_asked() -> None:
    outgoing = encoded(ask())

    assert str(outgoing.url) == "https://example.com/v1/messages"
    assert msgspec.json.decode(outgoing.body) == {
        "model": SAMPLING_MODEL,
        "max_tokens": 64_000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello?"}]}],
        "stream": False,
    }
    assert outgoing.dropped_params == ()


async def test_the_version_is_pinned_and_the_key_has_its_own_header() -> None:
    assert await make_dialect().headers() == {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-api-key": "sk-secret",
    }
    assert "x-api-key" not in await make_dialect(api_key=None).headers()


async def test_another_version_among_the_headers_is_not_sent_twice_and_takes_no_sampling() -> None:
    headers = {"Anthropic-Version": Secret("2026-10-21")}

    assert "anthropic-version" not in await make_dialect(headers=headers).headers()
    assert encoded(ask(temperature=1), headers=headers).dropped_params == ("temperature",)


def test_a_model_that_samples_is_told_how() -> None:
    body = sent(ask(model="claude-3-7-sonnet-20250219", temperature=0.5, top_p=0.9, top_k=40))

    assert (body["temperature"], body["top_p"], body["top_k"]) == (0.5, 0.9, 40)


@pytest.mark.parametrize(
    ("model", "left"),
    [(NEWEST_MODEL, ()), ("claude-opus-4-7", ()), ("some-model", ()), (SAMPLING_MODEL, ("temperature", "top_k"))],
)
def test_sampling_that_the_model_refuses_is_dropped_and_named(model: str, left: tuple[str, ...]) -> None:
    outgoing = encoded(ask(model=model, temperature=1.0, top_p=0.9, top_k=40))

    body = msgspec.json.decode(outgoing.body)
    assert {"temperature", "top_p", "top_k"} & body.keys() == set(left)
    assert set(outgoing.dropped_params) == {"temperature", "top_p", "top_k"} - set(left)


def test_a_temperature_beyond_the_scale_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        sent(ask(temperature=1.5))

    assert (caught.value.param, caught.value.code) == ("temperature", "unsupported_value")


@pytest.mark.parametrize(
    ("params", "settings", "expected"),
    [
        ({"max_completion_tokens": 7, "max_tokens": 8}, {"max_output_tokens": 9}, 7),
        ({"max_tokens": 8}, {"max_output_tokens": 9}, 8),
        ({}, {"max_output_tokens": 9}, 9),
        ({}, {}, 64_000),
    ],
)
def test_max_tokens_is_the_callers_then_the_settings_then_the_models(
    params: dict[str, Any], settings: dict[str, Any], expected: int
) -> None:
    assert sent(ask(**params), **settings)["max_tokens"] == expected


def test_a_bound_of_no_tokens_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        sent(ask(max_tokens=0))

    assert caught.value.param == "max_tokens"


@pytest.mark.parametrize(
    ("effort", "max_tokens", "budget"),
    [("low", 64_000, 2_048), ("medium", 64_000, 8_192), ("high", 64_000, 24_576), ("high", 4_000, 2_000)],
)
def test_an_effort_is_a_budget_below_max_tokens_where_the_model_has_budgets(
    effort: str, max_tokens: int, budget: int
) -> None:
    body = sent(ask(reasoning_effort=effort, max_tokens=max_tokens, temperature=0.5))

    assert body["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert body["max_tokens"] == max_tokens
    assert "temperature" not in body
    assert "output_config" not in body


def test_an_effort_without_room_for_a_budget_is_dropped() -> None:
    outgoing = encoded(ask(reasoning_effort="high", max_tokens=1_500))

    assert "thinking" not in msgspec.json.decode(outgoing.body)
    assert outgoing.dropped_params == ("reasoning_effort",)


def test_a_callers_own_budget_has_max_tokens_above_it() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2_000}

    assert sent(ask(thinking=thinking), max_output_tokens=1_000)["max_tokens"] == 3_000
    for wrong in ({"thinking": thinking, "max_tokens": 2_000}, {"thinking": {**thinking, "budget_tokens": 1_023}}):
        with pytest.raises(InvalidInput) as caught:
            sent(ask(**wrong))
        assert caught.value.param == "thinking.budget_tokens"


def test_a_budget_for_a_model_that_only_adapts_is_dropped_and_it_adapts() -> None:
    outgoing = encoded(
        ask(model=NEWEST_MODEL, thinking={"type": "enabled", "budget_tokens": 2_000, "display": "omitted"})
    )

    assert msgspec.json.decode(outgoing.body)["thinking"] == {"type": "adaptive", "display": "omitted"}
    assert outgoing.dropped_params == ("thinking.budget_tokens",)


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        (NEWEST_MODEL, "minimal", "low"),
        (NEWEST_MODEL, "medium", "medium"),
        (NEWEST_MODEL, "xhigh", "xhigh"),
        ("claude-opus-4-6", "xhigh", "high"),
    ],
)
def test_an_effort_is_an_effort_where_the_model_adapts(model: str, effort: str, expected: str) -> None:
    body = sent(ask(model=model, reasoning_effort=effort))

    assert body["output_config"] == {"effort": expected}
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize(
    ("model", "thinking", "dropped"),
    [
        (SAMPLING_MODEL, None, ()),
        ("claude-opus-4-8", None, ()),
        ("claude-opus-5", {"type": "disabled"}, ()),
        ("claude-sonnet-5-5", {"type": "between_tools"}, ()),
        (NEWEST_MODEL, None, ("reasoning_effort",)),
    ],
)
def test_no_effort_switches_thinking_off_where_that_can_be(
    model: str, thinking: dict[str, str] | None, dropped: tuple[str, ...]
) -> None:
    outgoing = encoded(ask(model=model, reasoning_effort="none"))

    assert msgspec.json.decode(outgoing.body).get("thinking") == thinking
    assert outgoing.dropped_params == dropped


def test_a_forced_tool_goes_before_thinking() -> None:
    forced: dict[str, Any] = {"tools": [function()], "tool_choice": "required", "reasoning_effort": "max"}

    with_budget = encoded(ask(**forced))
    assert "thinking" not in msgspec.json.decode(with_budget.body)
    assert with_budget.dropped_params == ("reasoning_effort",)
    adaptive = sent(ask(model="claude-opus-5", **forced))
    assert (adaptive["thinking"], adaptive["output_config"]) == ({"type": "disabled"}, {"effort": "high"})


def test_a_budget_is_not_asked_for_when_the_thoughts_of_the_loop_are_lost() -> None:
    assert encoded(ask(*_LOST_LOOP, reasoning_effort="high")).dropped_params == ("reasoning_effort",)
    assert sent(ask(*_LOST_LOOP, reasoning_effort="high", model=NEWEST_MODEL))["output_config"] == {"effort": "high"}


@pytest.mark.parametrize("model", [SAMPLING_MODEL, "claude-opus-4-6"])
def test_a_callers_own_budget_is_dropped_when_the_thoughts_of_the_loop_are_lost(model: str) -> None:
    for added in ((), (user("And?"),)):
        outgoing = encoded(ask(*_LOST_LOOP, *added, model=model, thinking=_BUDGET))
        assert "thinking" not in msgspec.json.decode(outgoing.body)
        assert outgoing.dropped_params == ("thinking",)


def test_who_adapts_needs_no_thoughts_before_calls() -> None:
    outgoing = encoded(ask(*_LOST_LOOP, model="claude-opus-4-6", thinking={"type": "adaptive"}))

    assert msgspec.json.decode(outgoing.body)["thinking"] == {"type": "adaptive"}
    assert outgoing.dropped_params == ()


@pytest.mark.parametrize("params", [{"thinking": _BUDGET}, {"reasoning_effort": "high"}])
def test_a_budget_stays_when_the_thoughts_of_the_loop_are_there(params: dict[str, Any]) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    loop = (_LOST_LOOP[0], {**_LOST_LOOP[1], "thinking_blocks": [thought]}, _LOST_LOOP[2])

    for added in ((), (user("And?"),)):
        assert sent(ask(*loop, *added, **params))["thinking"]["type"] == "enabled"


@pytest.mark.parametrize(
    ("model", "thinking", "said"),
    [
        ("claude-sonnet-4-0", _BUDGET, None),
        ("claude-opus-4-6", {"type": "adaptive"}, None),
        (FORCED_MODEL, {"type": "adaptive"}, {"type": "disabled"}),
        (FORCED_MODEL, _BUDGET, {"type": "disabled"}),
    ],
)
def test_a_forced_tool_goes_before_the_callers_own_thinking(
    model: str, thinking: dict[str, Any], said: dict[str, Any] | None
) -> None:
    outgoing = encoded(ask(model=model, tools=[function()], tool_choice="required", thinking=thinking))

    assert msgspec.json.decode(outgoing.body).get("thinking") == said
    assert outgoing.dropped_params == ("thinking",)


def test_the_tool_for_the_answer_goes_before_the_callers_own_thinking() -> None:
    outgoing = encoded(ask(model=TOOL_MODEL, response_format=json_schema(_SCHEMA), thinking=_BUDGET))

    body = msgspec.json.decode(outgoing.body)
    assert (body.get("thinking"), body["tool_choice"]) == (None, {"type": "tool", "name": "json_answer"})
    assert outgoing.dropped_params == ("thinking",)


@pytest.mark.parametrize(("model", "off"), [(FORCED_MODEL, "disabled"), ("claude-sonnet-5-5", "between_tools")])
def test_an_effort_beside_no_thinking_is_at_most_high(model: str, off: str) -> None:
    body = sent(ask(model=model, thinking={"type": "disabled"}, reasoning_effort="max"))

    assert (body["thinking"], body["output_config"]) == ({"type": off}, {"effort": "high"})


def test_an_unknown_effort_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        sent(ask(reasoning_effort="heroic"))

    assert (caught.value.param, caught.value.code) == ("reasoning_effort", "unsupported_value")


def test_a_tool_is_a_name_a_description_and_a_schema_of_an_object() -> None:
    parameters = {"properties": {"q": {"type": "string"}}, "required": ["q"]}
    tools = [
        {
            **function("a", description="Does A.", parameters=parameters, strict=True),
            "cache_control": {"type": "ephemeral"},
        },
        function("b"),
    ]

    assert sent(ask(tools=tools))["tools"] == [
        {
            "name": "a",
            "description": "Does A.",
            "input_schema": {"type": "object", **parameters, **_CLOSED},
            "strict": True,
            "cache_control": {"type": "ephemeral"},
        },
        {"name": "b", "input_schema": {"type": "object", "properties": {}}},
    ]


def test_a_strict_tool_has_a_closed_schema_and_another_the_callers() -> None:
    parameters = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}

    strict, loose = sent(
        ask(tools=[function("a", parameters=parameters, strict=True), function("b", parameters=parameters)])
    )["tools"]

    assert loose["input_schema"] == parameters
    assert strict["input_schema"] == {
        "type": "object",
        "properties": {"n": {"type": "integer", "description": "{minimum: 1}"}},
        "additionalProperties": False,
    }


def test_a_strict_tools_schema_is_an_objects_even_when_it_is_a_reference() -> None:
    parameters = {"$defs": {"A": {"type": "object"}}, "$ref": "#/$defs/A"}

    (tool,) = sent(ask(tools=[function(parameters=parameters, strict=True)]))["tools"]

    assert (tool["input_schema"]["type"], tool["input_schema"]["$ref"]) == ("object", "#/$defs/A")


@pytest.mark.parametrize("model", [NEWEST_MODEL, "claude-sonnet-5-5", "claude-fable-5-1", "claude-mythos-5-2"])
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "look_up"}}])
def test_a_model_that_cannot_be_forced_is_left_to_choose_and_the_choice_is_named(model: str, choice: object) -> None:
    outgoing = encoded(ask(model=model, tools=[function()], tool_choice=choice, parallel_tool_calls=False))

    assert msgspec.json.decode(outgoing.body)["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert outgoing.dropped_params == ("tool_choice",)


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_a_model_that_cannot_be_forced_takes_the_other_choices(choice: str) -> None:
    outgoing = encoded(ask(model=NEWEST_MODEL, tools=[function()], tool_choice=choice))

    assert msgspec.json.decode(outgoing.body)["tool_choice"] == {"type": choice}
    assert outgoing.dropped_params == ()


def test_strict_tools_are_dropped_where_the_model_has_no_schemas() -> None:
    outgoing = encoded(ask(model=TOOL_MODEL, tools=[function(strict=True)]))

    assert "strict" not in msgspec.json.decode(outgoing.body)["tools"][0]
    assert outgoing.dropped_params == ("tools.function.strict",)


def test_a_tool_of_the_providers_own_goes_out_as_it_came() -> None:
    search = {"type": "web_search_20260318", "name": "web_search", "max_uses": 3}

    assert sent(ask(tools=[search, function("a")]))["tools"][0] == search
    with pytest.raises(InvalidInput) as caught:
        sent(ask(tools=[function(), {"type": "custom", "custom": {"name": "grammar"}}]))
    assert (caught.value.param, caught.value.code) == ("tools[1].type", "unsupported_value")


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (None, True, None),
        ("auto", None, {"type": "auto"}),
        ("none", False, {"type": "none"}),
        ("required", None, {"type": "any"}),
        ({"type": "function", "function": {"name": "look_up"}}, None, {"type": "tool", "name": "look_up"}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
    ],
)
def test_the_choice_of_a_tool_is_said_in_its_words(choice: object, parallel: object, expected: object) -> None:
    body = sent(ask(tools=[function()], tool_choice=choice, parallel_tool_calls=parallel))

    assert body.get("tool_choice") == expected


def test_a_choice_among_no_tools_is_not_said() -> None:
    assert "tool_choice" not in sent(ask(tool_choice="auto", parallel_tool_calls=False))


def test_a_schema_for_the_answer_is_native_where_it_can_be() -> None:
    body = sent(ask(model=NEWEST_MODEL, response_format=json_schema(_SCHEMA), reasoning_effort="low"))

    assert body["output_config"] == {"format": {"type": "json_schema", "schema": _SCHEMA}, "effort": "low"}
    assert "tools" not in body


def test_a_native_schema_is_closed_and_says_in_words_what_is_not_taken() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 9}}}

    body = sent(ask(model=NEWEST_MODEL, response_format=json_schema(schema)))

    city = {"type": "string", "description": "{maxLength: 9}"}
    assert body["output_config"]["format"]["schema"] == {**schema, "properties": {"city": city}, **_CLOSED}


def test_a_schema_for_the_answer_is_a_forced_tool_on_older_models() -> None:
    body = sent(ask(model=TOOL_MODEL, response_format=json_schema(_SCHEMA, description="A city.")))

    assert body["tools"] == [{"name": "json_answer", "description": "A city.", "input_schema": _SCHEMA}]
    assert body["tool_choice"] == {"type": "tool", "name": "json_answer"}


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, {"type": "any"}),
        ("auto", False, {"type": "any", "disable_parallel_tool_use": True}),
        ("none", None, {"type": "tool", "name": "json_answer"}),
        ("required", None, {"type": "any"}),
        ({"type": "function", "function": {"name": "look_up"}}, None, {"type": "tool", "name": "look_up"}),
    ],
)
def test_the_tool_for_the_answer_stands_beside_the_callers(choice: object, parallel: object, expected: object) -> None:
    request = ask(
        model=TOOL_MODEL,
        response_format=json_schema(_SCHEMA),
        tools=[function()],
        tool_choice=choice,
        parallel_tool_calls=parallel,
    )

    body = sent(request)
    assert [tool["name"] for tool in body["tools"]] == ["look_up", "json_answer"]
    assert body["tool_choice"] == expected


def test_json_without_a_schema_is_asked_for_in_words() -> None:
    body = sent(ask({"role": "system", "content": "Be brief."}, user("Hi."), response_format={"type": "json_object"}))

    assert [block["text"][:15] for block in body["system"]] == ["Be brief.", "Answer with one"]
    assert "output_config" not in body


@pytest.mark.parametrize(
    ("format_", "param"),
    [
        ({"type": "grammar"}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema.schema"),
    ],
)
def test_a_format_that_is_none_is_refused(format_: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        sent(ask(response_format=format_))

    assert caught.value.param == param


def test_stops_are_sequences_and_only_white_space_is_none() -> None:
    assert sent(ask(stop="END"))["stop_sequences"] == ["END"]
    outgoing = encoded(ask(stop=["END", "\n\n"], stop_sequences=["X"]))
    assert msgspec.json.decode(outgoing.body)["stop_sequences"] == ["END", "X"]
    assert outgoing.dropped_params == ("stop",)


def test_more_than_one_answer_is_refused() -> None:
    assert "n" not in sent(ask(n=1))
    with pytest.raises(InvalidInput) as caught:
        sent(ask(n=2))
    assert (caught.value.param, caught.value.code) == ("n", "unsupported_value")


@pytest.mark.parametrize(
    ("params", "metadata", "dropped"),
    [
        ({"user": "u-1"}, {"user_id": "u-1"}, ()),
        ({"user": "u-1", "metadata": {"user_id": "u-2"}}, {"user_id": "u-2"}, ()),
        ({"user": "u-1", "metadata": {"team": "blue"}}, {"user_id": "u-1"}, ("metadata",)),
        ({}, None, ()),
    ],
)
def test_the_user_goes_into_the_metadata(params: dict[str, Any], metadata: object, dropped: tuple[str, ...]) -> None:
    outgoing = encoded(ask(**params))

    assert msgspec.json.decode(outgoing.body).get("metadata") == metadata
    assert outgoing.dropped_params == dropped


@pytest.mark.parametrize(
    ("asked", "tier", "dropped"),
    [
        ("auto", "auto", ()),
        ("default", "standard_only", ()),
        ("standard_only", "standard_only", ()),
        ("flex", None, ("service_tier",)),
    ],
)
def test_a_service_tier_is_said_in_its_words(asked: str, tier: str | None, dropped: tuple[str, ...]) -> None:
    outgoing = encoded(ask(service_tier=asked))

    assert msgspec.json.decode(outgoing.body).get("service_tier") == tier
    assert outgoing.dropped_params == dropped


def test_its_own_fields_go_out_as_they_came() -> None:
    own: dict[str, Any] = {
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
        "container": "container_1",
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
        "mcp_servers": [{"type": "url", "url": "https://example.org", "name": "x"}],
        "output_config": {"effort": "max", "task_budget": {"type": "tokens", "total": 1}},
        "thinking": {"type": "adaptive", "display": "omitted"},
    }

    body = sent(ask(model=NEWEST_MODEL, **own))

    assert {name: body[name] for name in own} == own


def test_what_it_has_no_word_for_is_named() -> None:
    foreign: dict[str, Any] = {
        "seed": 1,
        "logprobs": True,
        "frequency_penalty": 0.5,
        "x_unknown": {},
        "presence_penalty": None,
    }

    outgoing = encoded(ask(**foreign, user="u", stream_options={"include_usage": True}))

    assert outgoing.dropped_params == ("seed", "logprobs", "frequency_penalty", "x_unknown")
    assert not foreign.keys() & msgspec.json.decode(outgoing.body).keys()


def test_a_stream_is_asked_for_in_so_many_words() -> None:
    assert msgspec.json.decode(make_dialect().encode(ask(), stream=True).body)["stream"] is True
