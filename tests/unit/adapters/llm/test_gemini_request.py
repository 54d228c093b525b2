"""A request's parameters as Gemini has them: each translated, passed on as native, or named as dropped."""

from typing import Any, get_args

import msgspec
import pytest
from google.genai.types import ThinkingLevel
from openai.types import ReasoningEffort

from memoryos_adapters.llm.gemini.model import GeminiModel
from memoryos_adapters.llm.gemini.parts import with_files_by_uri
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ContentPart, ImageUrl
from tests.support.gemini_requests import NEW, OLD, asking, body, make_dialect, outgoing, said

SCHEMA = {"type": "object", "properties": {"n": {"type": ["integer", "null"]}}, "additionalProperties": False}
TOOL = {"type": "function", "function": {"name": "f", "description": "Does.", "parameters": SCHEMA}}


def config(*, model: str = NEW, **params: Any) -> Any:
    """Return the generationConfig that these parameters go out as."""
    return body(model=model, **params).get("generationConfig", {})


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, {}),
        ({"temperature": 0.5, "top_p": 0.9, "top_k": 40}, {"temperature": 0.5, "topP": 0.9, "topK": 40}),
        ({"max_tokens": 5}, {"maxOutputTokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 6}, {"maxOutputTokens": 6}),
        ({"n": 2, "seed": 7}, {"candidateCount": 2, "seed": 7}),
        ({"stop": "END"}, {"stopSequences": ["END"]}),
        ({"stop": ["a", "b"]}, {"stopSequences": ["a", "b"]}),
        ({"presence_penalty": 1, "frequency_penalty": -1}, {"presencePenalty": 1, "frequencyPenalty": -1}),
        ({"modalities": ["text", "image"]}, {"responseModalities": ["TEXT", "IMAGE"]}),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
        ({"temperature": None, "stop": None}, {}),
    ],
)
def test_what_shapes_the_answer_is_translated(params: dict[str, Any], expected: dict[str, Any]) -> None:
    assert config(**params) == expected
    assert outgoing(**params).dropped_params == ()


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("gemini-3-flash", "none", {"thinkingLevel": "minimal", "includeThoughts": False}),
        ("gemini-3-flash", "minimal", {"thinkingLevel": "minimal", "includeThoughts": True}),
        ("gemini-3.1-pro-preview", "minimal", {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-3.1-pro-preview", "high", {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-3-flash", "xhigh", {"thinkingLevel": "xhigh", "includeThoughts": True}),
        ("gemini-3-flash", "max", {"thinkingLevel": "xhigh", "includeThoughts": True}),
        ("gemini-2.5-flash", "max", {"thinkingBudget": 24_576, "includeThoughts": True}),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0, "includeThoughts": False}),
        ("gemini-2.5-flash", "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-2.5-flash", "high", {"thinkingBudget": 24_576, "includeThoughts": True}),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128, "includeThoughts": False}),
    ],
)
def test_ge11_effort_is_a_level_or_a_budget_and_never_both(model: str, effort: str, expected: dict[str, Any]) -> None:
    assert config(model=model, reasoning_effort=effort) == {"thinkingConfig": expected}


def test_ge11_every_effort_of_openais_has_a_level_that_google_knows() -> None:
    efforts = [effort for effort in get_args(get_args(ReasoningEffort)[0]) if effort]
    levels = [config(reasoning_effort=effort)["thinkingConfig"]["thinkingLevel"] for effort in efforts]

    assert efforts[-1] == "max"
    assert {level.upper() for level in levels} <= {level.value for level in ThinkingLevel}
    assert levels[-1].upper() == list(ThinkingLevel)[-1].value, "the highest"


@pytest.mark.parametrize("effort", ["none", "low", "max"])
def test_ge11_the_effort_of_a_model_that_does_not_think_is_dropped_and_named(effort: str) -> None:
    sent = outgoing(model=OLD, reasoning_effort=effort)

    assert config(model=OLD, reasoning_effort=effort) == {}
    assert sent.dropped_params == ("reasoning_effort",)


@pytest.mark.parametrize(
    "native",
    [
        {"thinking_config": {"thinking_budget": -1}},
        {"thinkingConfig": {"thinkingBudget": -1}},
        {"generation_config": {"thinking_config": {"thinking_budget": -1}}},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": -1}}},
    ],
)
def test_ge11_thinking_may_be_configured_natively_but_not_twice(native: dict[str, Any]) -> None:
    assert config(**native) == {"thinkingConfig": {"thinkingBudget": -1}}

    with pytest.raises(InvalidInput) as caught:
        config(**native, reasoning_effort="low")
    assert caught.value.param == "reasoning_effort"


def test_ge11_effort_goes_with_native_fields_that_say_something_else() -> None:
    sent = config(reasoning_effort="low", thinking_config={"include_thoughts": False})

    assert sent == {"thinkingConfig": {"includeThoughts": False, "thinkingLevel": "low"}}


def test_ge12_newer_models_get_schemas_as_they_are() -> None:
    sent = body(tools=[TOOL], response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}})

    assert sent["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    assert sent["tools"] == [
        {"functionDeclarations": [{"name": "f", "description": "Does.", "parametersJsonSchema": SCHEMA}]}
    ]


def test_ge12_older_models_get_the_part_of_openapi_that_they_know() -> None:
    cleaned = {"type": "OBJECT", "properties": {"n": {"type": "INTEGER", "nullable": True}}}

    sent = body(
        model=OLD, tools=[TOOL], response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
    )

    assert sent["generationConfig"] == {"responseMimeType": "application/json", "responseSchema": cleaned}
    assert sent["tools"][0]["functionDeclarations"][0]["parameters"] == cleaned


@pytest.mark.parametrize("model", [NEW, OLD])
def test_a_function_without_parameters_has_no_schema(model: str) -> None:
    bare = {"type": "function", "function": {"name": "f"}}
    empty = {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}}

    declared = body(model=model, tools=[bare, empty])["tools"][0]["functionDeclarations"]

    assert declared[0] == {"name": "f"}
    assert "parameters" not in declared[1]


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "f"}}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_a_choice_of_tools_is_translated(choice: Any, calling: dict[str, Any]) -> None:
    sent = body(tools=[TOOL], tool_choice=choice, tool_config={"retrieval_config": {"language_code": "fr"}})

    assert sent["toolConfig"] == {"retrievalConfig": {"language_code": "fr"}, "functionCallingConfig": calling}


@pytest.mark.parametrize(
    ("choice", "mode"), [(None, "VALIDATED"), ("auto", "VALIDATED"), ("required", "ANY"), ("none", "NONE")]
)
def test_strict_functions_are_held_to_their_schema(choice: str | None, mode: str) -> None:
    strict = {"type": "function", "function": {"name": "f", "strict": True}}

    assert body(tools=[strict], tool_choice=choice)["toolConfig"] == {"functionCallingConfig": {"mode": mode}}


def test_a_choice_without_tools_is_not_sent() -> None:
    assert "toolConfig" not in body(tool_choice="auto")


def test_a_search_of_the_web_is_googles() -> None:
    sent = outgoing(tools=[TOOL], web_search_options={"search_context_size": "low"})

    assert b'{"googleSearch":{}}' in sent.body
    assert sent.dropped_params == ("web_search_options.search_context_size",)


def test_ge14_nothing_is_said_of_safety_unless_the_caller_does() -> None:
    settings = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_LOW_AND_ABOVE"}]

    assert "safetySettings" not in body()
    assert body(safety_settings=settings)["safetySettings"] == settings
    assert body(safetySettings=settings)["safetySettings"] == settings


def test_native_fields_are_passed_on_in_either_spelling() -> None:
    sent = outgoing(
        cached_content="cachedContents/1",
        labels={"team": "a"},
        store=False,
        service_tier="flex",
        generationConfig={"temperature": 2, "media_resolution": "MEDIA_RESOLUTION_LOW", "imageConfig": {"a": 1.0}},
        temperature=0.5,
    )

    assert sent.dropped_params == ()
    assert sent.body.endswith(
        b'"generationConfig":{"temperature":0.5,"mediaResolution":"MEDIA_RESOLUTION_LOW","imageConfig":{"a":1.0}},'
        b'"cachedContent":"cachedContents/1","labels":{"team":"a"},"serviceTier":"flex","store":false}'
    )
    assert body(cachedContent="cachedContents/2")["cachedContent"] == "cachedContents/2"


@pytest.mark.parametrize(("tier", "sent"), [("auto", None), ("default", "standard"), ("priority", "priority")])
def test_tiers_of_service_have_other_names(tier: str, sent: str | None) -> None:
    assert body(service_tier=tier).get("serviceTier") == sent


def test_what_gemini_has_no_word_for_is_named() -> None:
    sent = outgoing(logprobs=True, metadata={"a": "b"}, user="ada", stream_options={}, parallel_tool_calls=False)

    assert sent.dropped_params == ("logprobs", "metadata", "parallel_tool_calls")
    assert outgoing(parallel_tool_calls=True).dropped_params == ()


@pytest.mark.parametrize("url", ["data:image/png;base64,AAAA", "https://images.example/cat.png", "gs://bucket/cat.png"])
def test_what_a_message_says_that_gemini_has_no_word_for_is_named_once(url: str) -> None:
    seen = said("user", ContentPart(type="image_url", image_url=ImageUrl(url=url, detail="low")))
    named = msgspec.structs.replace(seen, name="ada")

    request = with_files_by_uri(asking(seen, named), GeminiModel.of(NEW))

    sent = make_dialect().encode(request, stream=False)
    assert sent.dropped_params == ("messages.name", "messages.content.image_url.detail")


def test_a_detail_that_is_left_open_and_the_name_of_a_function_are_no_loss() -> None:
    seen = said("user", ContentPart(type="image_url", image_url=ImageUrl(url="gs://b/cat.png", detail="auto")))
    result = msgspec.structs.replace(said("function", "noon"), name="get_time")

    request = with_files_by_uri(asking(seen, result), GeminiModel.of(NEW))

    assert make_dialect().encode(request, stream=False).dropped_params == ()


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({"temperature": "hot"}, "temperature", None),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "tools[0].type", "unsupported_value"),
        ({"response_format": {"type": "grammar"}}, "response_format.type", "unsupported_value"),
        ({"modalities": ["text", "audio"]}, "modalities", "unsupported_value"),
        ({"reasoning_effort": "some"}, "reasoning_effort", "unsupported_value"),
        ({"service_tier": "scale"}, "service_tier", "unsupported_value"),
        ({"generation_config": []}, "generation_config", None),
        ({"generation_config": {"thinking_config": 1}}, "generation_config", None),
        ({"thinking_config": 1}, "thinking_config", None),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_path(params: dict[str, Any], param: str, code: str | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        body(**params)

    assert (caught.value.param, caught.value.code) == (param, code)


def test_the_base_url_may_end_with_a_slash_and_a_path() -> None:
    dialect = make_dialect(base_url="https://proxy.example/google/")

    streamed = dialect.encode(asking(said("user", "hi")), stream=True)

    assert str(streamed.url) == (
        "https://proxy.example/google/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse"
    )
    assert str(dialect.reach_url) == "https://proxy.example/google/v1beta/models?pageSize=1"
