"""Requests as Ollama takes them: every parameter has its place, or is named among the dropped."""

from typing import Any

import msgspec
import pytest

from memoryos_adapters.llm.ollama.request import encode_request
from memoryos_ports.errors import InvalidInput, UpstreamRejected
from memoryos_ports.llm import ChatRequest, ContentPart, ImageUrl, Message, ToolCall
from tests.contract.llm.requests import make_request

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}


def encoded(request: ChatRequest, *, stream: bool = False, num_ctx: int = 4096) -> dict[str, Any]:
    """Return the decoded body of a request."""
    body, _ = encode_request(request, stream=stream, num_ctx=num_ctx, upstream="server")
    decoded: dict[str, Any] = msgspec.json.decode(body)
    return decoded


def dropped(request: ChatRequest) -> tuple[str, ...]:
    """Return the parameters that have no place."""
    return encode_request(request, stream=False, num_ctx=4096, upstream="server")[1]


def options(**params: object) -> dict[str, Any]:
    """Return the options of a request beside the size of the context."""
    found: dict[str, Any] = encoded(make_request(**params))["options"]  # type: ignore[arg-type] # params only
    assert found.pop("num_ctx") == 4096
    return found


def test_the_least_request_says_all_that_has_a_bad_default() -> None:
    assert encoded(make_request("Hi", model="m")) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": False,
        "options": {"num_ctx": 4096},
        "truncate": False,
        "shift": False,
    }


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"max_tokens": 5}, {"num_predict": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 7}, {"num_predict": 7}),
        ({"stop": "a"}, {"stop": ["a"]}),
        ({"stop": ["a", "b"]}, {"stop": ["a", "b"]}),
        ({"temperature": 0, "top_p": 0.5}, {"temperature": 0, "top_p": 0.5}),
        ({"presence_penalty": 1, "frequency_penalty": -1}, {"presence_penalty": 1, "frequency_penalty": -1}),
        ({"seed": 7, "top_k": 3, "min_p": 0.1}, {"seed": 7, "top_k": 3, "min_p": 0.1}),
        ({"temperature": None, "stop": None, "options": None}, {}),
        ({"options": {"mirostat": 1}, "temperature": 0.5}, {"mirostat": 1, "temperature": 0.5}),
        ({"options": {"temperature": 0.9}, "temperature": 0.5}, {"temperature": 0.9}),
    ],
)
def test_parameters_live_in_options_and_ollamas_own_overrule(given: dict[str, object], sent: dict[str, object]) -> None:
    assert options(**given) == sent
    assert dropped(make_request(**given)) == ()  # type: ignore[arg-type] # params only


@pytest.mark.parametrize("num_ctx", [0, -1, 1.5, True, "many"])
def test_a_size_of_context_that_is_none_is_refused(num_ctx: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        encoded(make_request(options={"num_ctx": num_ctx}))
    assert caught.value.param == "options.num_ctx"


def test_a_prompt_clearly_above_the_context_is_refused_rather_than_cut() -> None:
    text = "x" * 4 * 100  # 100 tokens by the estimate

    assert encoded(make_request(text), num_ctx=67)
    with pytest.raises(UpstreamRejected) as caught:
        encoded(make_request(text), num_ctx=66)

    assert (caught.value.status, caught.value.param, caught.value.code) == (400, "messages", "context_length_exceeded")
    assert "100" in caught.value.message


def test_the_callers_own_context_is_the_one_that_counts() -> None:
    text = "x" * 4 * 100

    assert encoded(make_request(text, options={"num_ctx": 100}), num_ctx=10)["options"]["num_ctx"] == 100
    with pytest.raises(UpstreamRejected):
        encoded(make_request(text, options={"num_ctx": 10}), num_ctx=1000)


def test_a_caller_who_wants_the_prompt_cut_may_say_so() -> None:
    body = encoded(make_request("x" * 4000, truncate=True, shift=True), num_ctx=10)

    assert (body["truncate"], body["shift"]) == (True, True)


@pytest.mark.parametrize(
    "message",
    [
        Message(role="user", content=(ContentPart(type="text", text="x" * 4000),)),
        Message(role="assistant", tool_calls=(ToolCall(id="call_1", name="f", arguments=f'{{"x":"{"x" * 4000}"}}'),)),
    ],
)
def test_parts_and_tool_calls_count_towards_the_context(message: Message) -> None:
    request = ChatRequest(model="m", messages=(message,))

    assert encoded(request, num_ctx=1000)
    with pytest.raises(UpstreamRejected):
        encoded(request, num_ctx=600)


def test_images_do_not_count_towards_the_context() -> None:
    url = ImageUrl(url=f"data:image/png;base64,{'A' * 40_000}")

    assert encoded(
        ChatRequest(
            model="m",
            messages=(Message(role="user", content=(ContentPart(type="image_url", image_url=url),)),),
        ),
        num_ctx=10,
    )


def test_tools_count_towards_the_context() -> None:
    tool = {"type": "function", "function": {"name": "f", "description": "x" * 4000}}

    assert encoded(make_request(tools=[tool]), num_ctx=1000)
    with pytest.raises(UpstreamRejected):
        encoded(make_request(tools=[tool]), num_ctx=500)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, "json"),
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}, SCHEMA),
    ],
)
def test_the_form_of_an_answer_is_json_or_a_schema(given: object, sent: object) -> None:
    body = encoded(make_request(response_format=given))

    assert body.get("format") == sent
    assert "response_format" not in body


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({"type": "grammar"}, "response_format.type", "unsupported_value"),
        ({"type": "json_schema"}, "response_format.json_schema.schema", None),
        ({"type": "json_schema", "json_schema": {"name": "x"}}, "response_format.json_schema.schema", None),
        ({"type": 5}, "response_format.type", None),
    ],
)
def test_a_form_that_cannot_be_said_is_refused(given: object, param: str, code: str | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        encoded(make_request(response_format=given))
    assert (caught.value.param, caught.value.code) == (param, code)


@pytest.mark.parametrize(
    ("effort", "level"),
    [
        ("none", False),
        ("minimal", "low"),
        ("low", "low"),
        ("medium", "medium"),
        ("high", "high"),
        ("xhigh", "high"),
        ("max", "high"),
    ],
)
def test_reasoning_effort_is_how_much_it_thinks(effort: str, level: object) -> None:
    for model in ("gpt-oss:20b", "hf.co/unsloth/GPT-OSS-20b-GGUF"):
        assert encoded(make_request(model=model, reasoning_effort=effort))["think"] == level
    for model in ("qwen3:8b", "deepseek-r1"):
        assert encoded(make_request(model=model, reasoning_effort=effort))["think"] is (effort != "none")


def test_an_unknown_effort_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        encoded(make_request(reasoning_effort="heroic"))
    assert (caught.value.param, caught.value.code) == ("reasoning_effort", "unsupported_value")


def test_ollamas_own_fields_go_out_byte_for_byte_and_overrule() -> None:
    request = make_request(response_format={"type": "json_object"}, reasoning_effort="low")
    native = {"format": b'{ "type" : "object" }', "think": b"true", "keep_alive": b"-1", "shift": b"true"}
    request = msgspec.structs.replace(
        request, params={**request.params, **{name: msgspec.Raw(raw) for name, raw in native.items()}}
    )

    body, without_place = encode_request(request, stream=True, num_ctx=4096, upstream="server")

    assert all(b'"' + name.encode() + b'":' + raw in body for name, raw in native.items())
    assert without_place == ()


def test_tools_are_said_with_what_ollama_knows_of_them() -> None:
    tools = [
        {"type": "function", "function": {"name": "f", "description": "Does.", "parameters": SCHEMA, "strict": True}},
        {"type": "function", "function": {"name": "g"}},
    ]
    request = make_request(tools=tools)

    assert encoded(request)["tools"] == [
        {"type": "function", "function": {"name": "f", "description": "Does.", "parameters": SCHEMA}},
        {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
    ]
    assert dropped(request) == ("tools[0].function.strict",)


@pytest.mark.parametrize(
    ("choice", "names", "untold"),
    [
        ("auto", ["f", "g"], ()),
        ("none", None, ()),
        ("required", ["f", "g"], ("tool_choice",)),
        ({"type": "function", "function": {"name": "g"}}, ["g"], ("tool_choice",)),
    ],
)
def test_a_choice_of_tool_is_kept_as_far_as_it_can_be(
    choice: object, names: list[str] | None, untold: tuple[str, ...]
) -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in "fg"]
    request = make_request(tools=tools, tool_choice=choice)

    sent = encoded(request).get("tools")

    assert (sent and [tool["function"]["name"] for tool in sent]) == names
    assert dropped(request) == untold


def test_a_choice_of_a_tool_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        encoded(make_request(tool_choice={"type": "function", "function": {"name": "g"}}))
    assert caught.value.param == "tool_choice.function.name"


def test_more_than_one_answer_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        encoded(make_request(n=2))
    assert (caught.value.param, caught.value.code) == ("n", "unsupported_value")


def test_what_a_message_says_that_has_no_place_is_named_once() -> None:
    image = ImageUrl(url="data:image/png;base64,AAAA", detail="high")
    asked = Message(role="user", name="ada", content=(ContentPart(type="image_url", image_url=image),))
    request = ChatRequest(model="m", messages=(asked, asked))

    assert dropped(request) == ("messages.name", "messages.content.image_url.detail")


def test_what_has_no_place_is_named() -> None:
    request = make_request(logprobs=True, template="{{ .Prompt }}", user="ada", stream_options={}, x_new=1)

    assert dropped(request) == ("logprobs", "template", "x_new")
    assert set(encoded(request)) == {"model", "messages", "stream", "options", "truncate", "shift"}
