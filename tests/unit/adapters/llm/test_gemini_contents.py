"""A conversation as Gemini has it: turns, calls and their results, signatures, files."""

from typing import Any

import msgspec
import pytest

from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ContentPart, Message, ToolCall
from tests.support.gemini_answers import SIGNATURE, answer, candidate
from tests.support.gemini_answers import call as function
from tests.support.gemini_requests import (
    NEW,
    OLD,
    PIXEL,
    asking,
    body,
    called,
    image,
    make_dialect,
    returned,
    said,
    text,
)

WEATHER, TIME = ("call_1", "get_weather", '{"city":"Rome"}'), ("call_2", "get_time", "")
SKIP = "skip_thought_signature_validator"


def contents(*messages: Message, model: str = NEW) -> Any:
    """Return the turns that messages go out as."""
    return body(*messages, model=model)["contents"]


def test_ge3_instructions_keep_their_order_wherever_they_stand() -> None:
    sent = body(said("system", "Be brief."), said("user", "hi"), said("developer", "Be kind.", "And wise."))

    assert [part["text"] for part in sent["systemInstruction"]["parts"]] == ["Be brief.", "Be kind.", "And wise."]
    assert sent["contents"] == [{"role": "user", "parts": [{"text": "hi"}]}]


def test_ge3_turns_of_one_role_are_merged() -> None:
    turns = contents(
        said("user", "a"), said("user", "b"), said("assistant", "c"), said("assistant", "d"), said("user", "e")
    )

    assert [(turn["role"], [part["text"] for part in turn["parts"]]) for turn in turns] == [
        ("user", ["a", "b"]),
        ("model", ["c", "d"]),
        ("user", ["e"]),
    ]


@pytest.mark.parametrize("messages", [(said("assistant", "hi"),), (said("system", "Be brief."),), (said("user", ""),)])
def test_ge3_the_first_turn_is_the_users(messages: tuple[Message, ...]) -> None:
    assert contents(*messages)[0] == {"role": "user", "parts": [{"text": " "}]}


def test_empty_texts_are_left_out() -> None:
    turns = contents(said("user", text("a"), text("")), said("assistant", ""), said("user", "b"))

    assert turns == [{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]


def test_ge4_parallel_results_find_their_names_and_stand_in_one_turn() -> None:
    turns = contents(
        said("user", "hi"), called(WEATHER, TIME), returned("call_2", "noon"), returned("call_1", '{"degrees": 21}')
    )

    assert [part["functionCall"] for part in turns[1]["parts"]] == [
        {"name": "get_weather", "args": {"city": "Rome"}, "id": "call_1"},
        {"name": "get_time", "args": {}, "id": "call_2"},
    ]
    assert turns[2:] == [
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "get_time", "response": {"output": "noon"}, "id": "call_2"}},
                {"functionResponse": {"name": "get_weather", "response": {"degrees": 21}, "id": "call_1"}},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("message", "response"),
    [
        (returned("call_1", "sunny"), {"output": "sunny"}),
        (returned("call_1", "[1]"), {"output": "[1]"}),
        (returned("call_1", '{"broken'), {"output": '{"broken'}),
        (returned("call_1"), {"output": ""}),
        (returned("call_1", text("sun"), text("ny")), {"output": "sunny"}),
        (returned("call_1", '{"error": "no such city"}'), {"error": "no such city"}),
        (returned("call_1", "no such city", is_error=True), {"error": "no such city"}),
    ],
)
def test_ge4_a_result_is_an_object(message: Message, response: dict[str, Any]) -> None:
    result = contents(said("user", "hi"), called(WEATHER), message)[2]["parts"][0]

    assert result["functionResponse"]["response"] == response


def test_images_of_a_result_stand_beside_it() -> None:
    parts = contents(said("user", "hi"), called(WEATHER), returned("call_1", text("Look:"), image()))[2]["parts"]

    assert [list(part) for part in parts] == [["functionResponse"], ["inlineData"]]
    assert parts[0]["functionResponse"]["response"] == {"output": "Look:"}


def test_ge4_orphan_results_are_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        contents(said("user", "hi"), called(WEATHER), returned("call_9", "?"))

    assert caught.value.param == "messages[2].tool_call_id"


@pytest.mark.parametrize("arguments", ["\ud800", '{"city"', "[1]", '"Rome"', "null", '{"a":1} x', '{"a": [1,}'])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        contents(said("user", "hi"), called(WEATHER, ("call_2", "get_time", arguments)))

    assert caught.value.param == "messages[1].tool_calls[1].function.arguments"


def test_the_older_form_of_a_call_is_understood() -> None:
    answered = said("assistant", function_call={"name": "get_time", "arguments": '{"zone":"CET"}'})
    result = msgspec.structs.replace(said("function", "noon"), name="get_time")

    turns = contents(said("user", "hi"), answered, result)

    assert turns[1]["parts"][0]["functionCall"] == {"name": "get_time", "args": {"zone": "CET"}}
    assert turns[2]["parts"][0]["functionResponse"] == {"name": "get_time", "response": {"output": "noon"}}


@pytest.mark.parametrize("function_call", ["get_time", {"arguments": "{}"}, {"name": 1}])
def test_an_older_call_that_cannot_be_read_is_refused(function_call: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        contents(said("user", "hi"), said("assistant", function_call=function_call))

    assert caught.value.param == "messages[1].function_call"


def test_ge5_a_signature_of_the_clients_goes_back_to_its_part() -> None:
    turns = contents(said("user", "hi"), called(WEATHER, TIME, signatures=(SIGNATURE,)))

    assert [part.get("thoughtSignature") for part in turns[1]["parts"]] == [SIGNATURE, None]


@pytest.mark.parametrize(
    ("call", "signature"),
    [
        (("call_1", "get_weather", '{ "city" : "Rome" }'), SIGNATURE),
        (("call_1", "get_weather", '{"city":"Oslo"}'), SKIP),
        (("call_1", "get_time", '{"city":"Rome"}'), SKIP),
        (("call_2", "get_weather", '{"city":"Rome"}'), SKIP),
    ],
)
def test_ge5_a_kept_signature_is_that_of_the_same_call_and_not_of_the_same_id_alone(
    call: tuple[str, str, str], signature: str
) -> None:
    dialect = make_dialect()
    answered = answer(
        candidate(function("get_weather", {"city": "Rome"}, call_id="call_1", signature=SIGNATURE), end="STOP")
    )
    dialect.read_answer(msgspec.json.encode(answered), asking())

    sent = msgspec.json.decode(dialect.encode(asking(said("user", "hi"), called(call)), stream=False).body)

    assert sent["contents"][1]["parts"][0]["thoughtSignature"] == signature


def test_ge5_a_decoded_call_may_carry_the_signature() -> None:
    extra = msgspec.Raw(msgspec.json.encode({"google": {"thought_signature": SIGNATURE}}))
    message = Message(
        role="assistant", tool_calls=(ToolCall(id="call_1", name="f", arguments="{}", extra_content=extra),)
    )

    assert contents(said("user", "hi"), message)[1]["parts"][0]["thoughtSignature"] == SIGNATURE


@pytest.mark.parametrize(
    ("model", "signatures"),
    [(NEW, [SKIP, None]), ("gemini-flash-latest", [SKIP, None]), ("gemini-2.5-pro", [None, None]), (OLD, [None, None])],
)
def test_ge5_without_any_signature_newer_models_are_told_not_to_look_for_it(
    model: str, signatures: list[str | None]
) -> None:
    turns = contents(said("user", "hi"), called(WEATHER, TIME), model=model)

    assert [part.get("thoughtSignature") for part in turns[1]["parts"]] == signatures


def test_ge5_a_signed_text_goes_back_signed() -> None:
    answered = said("assistant", "42", extra_content={"google": {"thought_signature": SIGNATURE}})

    assert contents(said("user", "hi"), answered)[1]["parts"] == [{"text": "42", "thoughtSignature": SIGNATURE}]


@pytest.mark.parametrize(
    "extra", ["text", None, {"google": "text"}, {"google": {"thought_signature": 1}}, {"google": {}}, {"other": {}}]
)
def test_ge5_what_is_not_googles_is_no_signature(extra: Any) -> None:
    answered = said("assistant", "42", extra_content=extra)

    assert contents(said("user", "hi"), answered)[1]["parts"] == [{"text": "42"}]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (image(), {"inlineData": {"mimeType": "image/png", "data": PIXEL}}),
        (ContentPart(type="refusal", refusal="No."), {"text": "No."}),
        (
            ContentPart(type="input_audio", input_audio=msgspec.Raw(b'{"data":"UklGRg==","format":"wav"}')),
            {"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}},
        ),
        (
            ContentPart(type="file", file=msgspec.Raw(b'{"file_data":"data:application/pdf;base64,JVBE"}')),
            {"inlineData": {"mimeType": "application/pdf", "data": "JVBE"}},
        ),
        (
            ContentPart(type="file", file=msgspec.Raw(b'{"file_id":"gs://b/x","format":"video/mp4"}')),
            {"fileData": {"fileUri": "gs://b/x", "mimeType": "video/mp4"}},
        ),
        (
            ContentPart(type="file", file=msgspec.Raw(b'{"file_id":"https://youtu.be/abc"}')),
            {"fileData": {"fileUri": "https://youtu.be/abc"}},
        ),
    ],
)
def test_ge13_files_go_inside_the_request_or_by_uri(part: ContentPart, expected: dict[str, Any]) -> None:
    assert contents(said("user", part))[0]["parts"] == [expected]


@pytest.mark.parametrize(
    ("messages", "param", "code"),
    [
        ((said("user", ContentPart(type="video")),), "messages[0].content[0].type", "unsupported_value"),
        ((said("user", "a", image("ftp://x/y")),), "messages[0].content[1].image_url.url", None),
        ((said("system", image()),), "messages[0].content", "unsupported_value"),
        ((said("assistant", image()),), "messages[0].content", "unsupported_value"),
        ((said("critic", "hm"),), "messages[0].role", "unsupported_value"),
        (
            (said("user", ContentPart(type="file", file=msgspec.Raw(b'{"file_id":"file-1"}'))),),
            "messages[0].content[0].file.file_id",
            "unsupported_value",
        ),
        (
            (said("user", ContentPart(type="file", file=msgspec.Raw(b'{"file_data":"JVBE"}'))),),
            "messages[0].content[0].file.file_data",
            None,
        ),
        (
            (said("user", ContentPart(type="input_audio", input_audio=msgspec.Raw(b'{"data":1}'))),),
            "messages[0].content[0].input_audio",
            None,
        ),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_path(
    messages: tuple[Message, ...], param: str, code: str | None
) -> None:
    with pytest.raises(InvalidInput) as caught:
        make_dialect().encode(asking(*messages), stream=False)

    assert (caught.value.param, caught.value.code) == (param, code)
