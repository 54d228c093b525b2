"""Conversations in Anthropic's dialect (AN2, AN4-AN7, AN10-AN12)."""

from typing import Any

import msgspec
import pytest

from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import Message
from tests.support.anthropic_answers import message, whole
from tests.support.anthropic_requests import (
    FORCED_MODEL,
    NEWEST_MODEL,
    SAMPLING_MODEL,
    ask,
    calling,
    encoded,
    make_dialect,
    result,
    sent,
    user,
)
from tests.support.completion import Completion

_PNG = "data:image/png;base64,iVBORw0KGgo="
_PDF = "data:application/pdf;base64,JVBERi0="
_CACHED = {"cache_control": {"type": "ephemeral"}}
_THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln", "x_new": 1.50}
_REDACTED = {"type": "redacted_thinking", "data": "b3BhcXVl"}


def _text(text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **fields}


def _turns(*messages: dict[str, Any], **params: Any) -> Any:
    return sent(ask(*messages, **params))["messages"]


def _refused(*messages: dict[str, Any], **params: Any) -> tuple[str | None, str | None]:
    with pytest.raises(InvalidInput) as caught:
        sent(ask(*messages, **params))
    return caught.value.param, caught.value.code


def test_the_systems_words_keep_their_order_wherever_they_stand() -> None:
    body = sent(
        ask(
            {"role": "system", "content": [_text("One.", **_CACHED), _text("Two.")]},
            user("Hi."),
            {"role": "developer", "content": "Three."},
            {"role": "assistant", "content": "Hello."},
            {"role": "system", "content": "Four."},
            user("Bye."),
        )
    )

    assert body["system"] == [_text("One.", **_CACHED), _text("Two."), _text("Three."), _text("Four.")]
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]


def test_messages_of_one_side_are_one_turn() -> None:
    turns = _turns(user("One."), user("Two."), {"role": "assistant", "content": "Three."}, user("Four."))

    assert turns == [
        {"role": "user", "content": [_text("One."), _text("Two.")]},
        {"role": "assistant", "content": [_text("Three.")]},
        {"role": "user", "content": [_text("Four.")]},
    ]


def test_all_results_are_in_one_turn_before_the_text() -> None:
    turns = _turns(
        user("Look."),
        calling(("toolu_1", "a", "{}"), ("toolu_2", "b", "{}"), content="I look."),
        result("toolu_2", "two"),
        user("And?"),
        result("toolu_1", "one"),
    )

    assert turns[1:] == [
        {
            "role": "assistant",
            "content": [
                _text("I look."),
                {"type": "tool_use", "id": "toolu_1", "name": "a", "input": {}},
                {"type": "tool_use", "id": "toolu_2", "name": "b", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": [_text("two")]},
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [_text("one")]},
                _text("And?"),
            ],
        },
    ]


@pytest.mark.parametrize(
    ("arguments", "sent_as"), [("", "{}"), (" ", "{}"), ('{"n": 1.50, "s": "é"}', '{"n": 1.50, "s": "é"}')]
)
def test_the_arguments_of_a_call_are_an_object_as_it_was_written(arguments: str, sent_as: str) -> None:
    outgoing = encoded(ask(user("Look."), calling(("toolu_1", "a", arguments)), result("toolu_1", "42")))

    assert f'"input":{sent_as}'.encode() in outgoing.body


@pytest.mark.parametrize("arguments", ["{broken", "[1]", '"text"', "null", "{}{}"])
def test_arguments_that_are_no_object_are_the_callers_fault(arguments: str) -> None:
    calls = calling(("toolu_0", "a", "{}"), ("toolu_1", "a", arguments))

    assert _refused(user("Look."), calls, result("toolu_0", ""), result("toolu_1", "")) == (
        "messages[1].tool_calls[1].function.arguments",
        None,
    )


def test_a_result_may_hold_images_and_say_that_it_is_an_error() -> None:
    image = {"type": "image_url", "image_url": {"url": _PNG}}
    turns = _turns(
        user("Look."),
        calling(("toolu_1", "a", "{}"), ("toolu_2", "b", "{}"), ("toolu_3", "c", "{}")),
        result("toolu_1", [_text("see", **_CACHED), image]),
        result("toolu_2", "no such file", is_error=True),
        result("toolu_3", ""),
    )

    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    assert turns[-1]["content"] == [
        {
            "type": "tool_result",
            "tool_use_id": "toolu_1",
            "content": [_text("see", **_CACHED), {"type": "image", "source": source}],
        },
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": [_text("no such file")], "is_error": True},
        {"type": "tool_result", "tool_use_id": "toolu_3"},
    ]


def test_the_ids_of_other_providers_are_made_to_fit() -> None:
    turns = _turns(user("Look."), calling(("functions.a:0", "a", "{}")), result("functions.a:0", "42"))

    assert turns[1]["content"][0]["id"] == turns[2]["content"][0]["tool_use_id"] == "functions_a_0"


def _ids(turns: Any) -> list[list[str]]:
    """Return the ids of each turn's calls or results."""
    return [[block.get("id") or block.get("tool_use_id", "") for block in turn["content"]] for turn in turns]


def test_ids_that_begin_anew_with_every_answer_are_numbered_and_results_follow_their_call() -> None:
    first = ("functions.a:0", "functions.b:1")

    turns = _turns(
        user("Look."),
        calling((first[0], "a", "{}"), (first[1], "b", "{}")),
        result(first[1], "1b"),
        result(first[0], "1a"),
        calling((first[0], "a", "{}"), ("functions_a_0_2", "a", "{}")),
        result("functions_a_0_2", "2b"),
        result(first[0], "2a"),
        calling((first[0], "a", "{}")),
        result(first[0], "3a"),
    )

    assert _ids(turns)[1:] == [
        ["functions_a_0", "functions_b_1"],
        ["functions_b_1", "functions_a_0"],
        ["functions_a_0_2", "functions_a_0_2_2"],
        ["functions_a_0_2_2", "functions_a_0_2"],
        ["functions_a_0_3"],
        ["functions_a_0_3"],
    ]
    assert [block["content"][0]["text"] for block in turns[4]["content"]] == ["2b", "2a"]


def test_ids_that_are_the_same_in_its_letters_are_numbered() -> None:
    turns = _turns(
        user("Look."),
        calling(("a.0", "a", "{}"), ("a:0", "a", "{}")),
        result("a:0", "second"),
        result("a.0", "first"),
    )

    assert _ids(turns)[1:] == [["a_0", "a_0_2"], ["a_0_2", "a_0"]]


@pytest.mark.parametrize("results", [1, 2])
def test_one_id_for_two_calls_of_an_answer_is_refused(results: int) -> None:
    twice = calling(("toolu_1", "a", "{}"), ("toolu_1", "a", "{}"))

    assert _refused(user("Look."), twice, *[result("toolu_1", "42")] * results) == (
        "messages[1].tool_calls[1].id",
        None,
    )


def test_orphan_results_are_refused() -> None:
    call = calling(("toolu_1", "a", "{}"))

    assert _refused(user("Hi."), result("toolu_1", "42")) == ("messages[1].tool_call_id", None)
    assert _refused(user("Hi."), call, result("toolu_2", "42")) == ("messages[2].tool_call_id", None)
    twice = (result("toolu_1", "42"), result("toolu_1", "42"))
    assert _refused(user("Hi."), call, *twice) == ("messages[3].tool_call_id", None)


def test_calls_without_a_result_are_refused() -> None:
    call = calling(("toolu_1", "a", "{}"))

    assert _refused(user("Hi."), call) == ("messages[1].tool_calls", None)
    assert _refused(user("Hi."), call, {"role": "assistant", "content": "Well."}, user("?")) == (
        "messages[1].tool_calls",
        None,
    )


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "high"}},
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": _PNG}, **_CACHED},
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
                **_CACHED,
            },
        ),
        (
            {"type": "image_url", "image_url": {"url": _PDF}},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": _PDF}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
                "title": "a.pdf",
            },
        ),
        (
            {"type": "file", "file": {"file_id": "file_1"}},
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        ),
    ],
)
def test_images_and_pdfs_are_said_in_its_words(part: dict[str, Any], block: dict[str, Any]) -> None:
    assert _turns(user([_text("See:"), part]))[0]["content"] == [_text("See:"), block]


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/tiff;base64,AAAA"}}, ".image_url.url"),
        ({"type": "image_url", "image_url": {"url": "http://example.org/a.png"}}, ".image_url.url"),
        ({"type": "file", "file": {"file_data": "data:text/csv;base64,AAAA"}}, ".file.file_data"),
        ({"type": "input_audio", "input_audio": {}}, ".type"),
    ],
)
def test_a_part_that_it_does_not_take_is_refused(part: dict[str, Any], place: str) -> None:
    assert _refused(user([_text("See:"), part])) == (f"messages[0].content[1]{place}", "unsupported_value")


def test_only_the_user_and_results_hold_more_than_text() -> None:
    image = {"type": "image_url", "image_url": {"url": _PNG}}

    for role in ("system", "assistant"):
        assert _refused(user("Hi."), {"role": role, "content": [image]}, user("Well?")) == (
            "messages[1].content[0].type",
            "unsupported_value",
        )


def test_a_role_that_it_does_not_have_is_refused() -> None:
    assert _refused(user("Hi."), {"role": "function", "name": "f", "content": "42"}) == (
        "messages[1].role",
        "unsupported_value",
    )


def test_empty_texts_are_left_out() -> None:
    turns = _turns(
        user([_text(""), _text("Hi."), _text("\n ")]), {"role": "assistant", "content": ""}, user("  "), user("You?")
    )

    assert turns == [{"role": "user", "content": [_text("Hi."), _text("You?")]}]
    assert _refused({"role": "system", "content": "Be brief."}) == ("messages", None)


@pytest.mark.parametrize("blank", [" ", "", [], [_text("\n")]])
@pytest.mark.parametrize("after", [(), ({"role": "assistant", "content": "Well,"},)])
def test_a_blank_last_question_is_not_answered_as_if_it_were_the_one_before(
    blank: Any, after: tuple[dict[str, Any], ...]
) -> None:
    before = (user("Who?"), {"role": "assistant", "content": "Ada."})

    assert _refused(*before, user(blank), *after) == ("messages[2].content", None)
    assert _refused(user(blank)) == ("messages[0].content", None)


def test_who_speaks_and_how_closely_to_look_are_dropped_and_named() -> None:
    image = {"type": "image_url", "image_url": {"url": _PNG, "detail": "low"}}

    assert encoded(ask({**user([image]), "name": "ada"})).dropped_params == (
        "messages.name",
        "messages.content.image_url.detail",
    )


def test_what_says_no_more_than_the_default_is_not_named_as_dropped() -> None:
    image = {"type": "image_url", "image_url": {"url": _PNG, "detail": "auto"}}
    call = calling(("toolu_1", "a", "{}"))

    assert encoded(ask(user([image]), call, result("toolu_1", "42", name="a"))).dropped_params == ()


def test_a_refusal_is_what_the_model_said() -> None:
    for refusal in (
        {"content": None, "refusal": "I won't."},
        {"content": [{"type": "refusal", "refusal": "I won't."}]},
    ):
        assert _turns(user("Do it."), {"role": "assistant", **refusal}, user("Why?"))[1]["content"] == [
            _text("I won't.")
        ]


def test_the_beginning_of_an_answer_ends_without_white_space() -> None:
    turns = _turns(user("Count."), {"role": "assistant", "content": "One, two, \n"})

    assert turns[-1] == {"role": "assistant", "content": [_text("One, two,")]}


def test_the_beginning_of_an_answer_is_dropped_and_named_where_the_model_takes_none() -> None:
    begun = ({"role": "assistant", "content": "One,"}, {"role": "system", "content": "Go on."})

    outgoing = encoded(ask(user("Count."), *begun, model="claude-opus-4-6"))

    assert msgspec.json.decode(outgoing.body)["messages"] == [{"role": "user", "content": [_text("Count.")]}]
    assert outgoing.dropped_params == ("messages[1]",)


def test_messages_that_were_built_here_are_said_too() -> None:
    request = msgspec.structs.replace(ask(), messages=(Message(role="user", content="Hi."),))

    assert sent(request)["messages"] == [{"role": "user", "content": [_text("Hi.")]}]


def _loop(**fields: Any) -> tuple[dict[str, Any], ...]:
    return (user("Look."), calling(("toolu_1", "a", "{}"), **fields), result("toolu_1", "42"))


def test_thoughts_that_the_client_sends_go_before_the_calls_unchanged() -> None:
    blocks = (
        b'[{"type": "thinking","thinking":"Hm.","signature":"c2ln","x":1.50},{"type":"redacted_thinking","data":"b3"}]'
    )
    request = ask(*_loop(content="I look.", thinking_blocks=msgspec.Raw(blocks)))

    outgoing = encoded(request)

    assert b'"content":' + blocks[:-1] + b',{"type":"text","text":"I look."},{"type":"tool_use"' in outgoing.body


@pytest.mark.parametrize(
    "foreign",
    [
        [{"type": "thinking", "thinking": "Another provider's."}],
        [{"type": "reasoning.encrypted", "data": "x"}],
        ["text"],
        "text",
        None,
    ],
)
def test_thoughts_that_no_claude_signed_are_ignored(foreign: object) -> None:
    calls = _turns(*_loop(thinking_blocks=foreign, reasoning_content="Hm.", reasoning_details=[{"data": "x"}]))[1]

    assert [block["type"] for block in calls["content"]] == ["tool_use"]


def test_thoughts_of_an_earlier_turn_stay_behind() -> None:
    loop = _loop(thinking_blocks=[_THOUGHT])
    for model in (SAMPLING_MODEL, FORCED_MODEL, NEWEST_MODEL):
        turns = _turns(*loop, {"role": "assistant", "content": "42."}, user("Sure?"), model=model)

        assert [block["type"] for block in turns[1]["content"]] == ["tool_use"]


@pytest.mark.parametrize("model", [SAMPLING_MODEL, FORCED_MODEL])
def test_what_the_user_adds_to_results_does_not_end_the_loop(model: str) -> None:
    loop = _loop(thinking_blocks=[_THOUGHT])

    for added in ([user("And?")], [user("And?"), {"role": "system", "content": "Be brief."}, user("Well?")]):
        turns = _turns(*loop, *added, model=model)
        assert turns[1]["content"][0] == _THOUGHT


def test_bound_thoughts_stay_behind_when_the_user_adds_to_results() -> None:
    """What memory brought moves to the newest of the user's messages, so that the conversation before them changes."""
    turns = _turns(*_loop(thinking_blocks=[_THOUGHT]), user("And?"), model=NEWEST_MODEL)

    assert [block["type"] for block in turns[1]["content"]] == ["tool_use"]


@pytest.mark.parametrize(
    ("owner", "model", "found"),
    [("alice", NEWEST_MODEL, True), ("bob", NEWEST_MODEL, False), ("alice", "claude-sonnet-5-5", False)],
)
def test_thoughts_that_the_client_lost_are_found_by_owner_call_and_model(owner: str, model: str, found: bool) -> None:
    dialect = make_dialect()
    answer = message(
        content=[_THOUGHT, _REDACTED, {"type": "tool_use", "id": "toolu_1", "name": "a", "input": {}}],
        stop_reason="tool_use",
    )
    dialect.read_answer(msgspec.json.encode(answer), ask(model=NEWEST_MODEL, owner="alice"))

    outgoing = dialect.encode(ask(*_loop(), model=model, owner=owner), stream=False)

    content = msgspec.json.decode(outgoing.body)["messages"][1]["content"]
    assert content[:-1] == ([_THOUGHT, _REDACTED] if found else [])


def test_thoughts_before_another_call_of_the_same_id_are_not_found() -> None:
    """Some clients and models number their calls anew in every conversation."""
    dialect = make_dialect()
    for number in ("1", "2"):
        thought = {**_THOUGHT, "thinking": f"Of {number}."}
        call = {"type": "tool_use", "id": "call_0", "name": "a", "input": {"n": int(number)}}
        answer = message(content=[thought, call], stop_reason="tool_use")
        dialect.read_answer(msgspec.json.encode(answer), ask(model=NEWEST_MODEL, owner="alice"))

    found = []
    for arguments in ('{ "n": 1 }', '{"n":2}', '{"n":3}'):
        loop = (user("Look."), calling(("call_0", "a", arguments)), result("call_0", "42"))
        body = dialect.encode(ask(*loop, model=NEWEST_MODEL, owner="alice"), stream=False).body
        found.append([block.get("thinking") for block in msgspec.json.decode(body)["messages"][1]["content"]])

    assert found == [["Of 1.", None], ["Of 2.", None], [None]]


def test_thoughts_known_to_be_another_models_are_stripped() -> None:
    dialect = make_dialect()
    thoughtful = whole(Completion(reasoning="Hm.", tools=(("toolu_1", "a", "{}"),), finish_reason="tool_calls"))
    dialect.read_answer(msgspec.json.encode(thoughtful), ask(model="claude-opus-5"))

    outgoing = dialect.encode(ask(*_loop(thinking_blocks=[_THOUGHT]), model=NEWEST_MODEL), stream=False)

    assert b"signature" not in outgoing.body
