"""Whole answers of Gemini: texts, thoughts, calls, ends and counts."""

from typing import Any

import msgspec
import pytest

from memoryos_ports.errors import MemoryOSError, UpstreamProtocolError, UpstreamRejected, UpstreamUnavailable
from memoryos_ports.llm import ChatAnswer, Choice, ToolCall, Usage
from tests.support.completion import Completion
from tests.support.gemini_answers import ANSWER_ID, SIGNATURE, answer, call, candidate, indented, whole
from tests.support.gemini_requests import asking, make_dialect

CONTENT_FILTERS = (
    *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "ESCALATION", "MODEL_ARMOR"),
    *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER"),
)
FAILURES = (
    *("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"),
    *("MALFORMED_RESPONSE", "OTHER", "NO_IMAGE", "PUP_LIMITED_DISABLED"),
)


def read(document: Any, *, model: str = "asked-for") -> ChatAnswer:
    """Return what an answer says."""
    return make_dialect().read_answer(indented(document), asking(model=model))


def only(*parts: dict[str, Any], end: str = "STOP", **fields: Any) -> Choice:
    """Return the only choice of an answer with these parts."""
    (choice,) = read(answer(candidate(*parts, end=end, **fields))).choices
    return choice


def test_an_answer_has_its_own_head_or_one_that_is_made_up() -> None:
    named, bare = (
        read(whole(Completion(pieces=("hi",)), model="gemini-x")),
        read({"candidates": [candidate(end="STOP")]}),
    )

    assert (named.id, named.model) == (ANSWER_ID, "gemini-x")
    assert bare.id.startswith("chatcmpl-")
    assert bare.model == "asked-for"
    assert bare.usage is None
    assert named.created > 0


def test_ge4_calls_have_ids_and_arguments_that_are_a_text() -> None:
    choice = only(call("f", {"city": "Hérault", "n": [1, 2.0]}), call("g", call_id="x"), call("h", {}, call_id="x"))

    first, second, third = choice.message.tool_calls
    assert (first.name, first.arguments) == ("f", '{"city":"Hérault","n":[1,2.0]}')
    assert second == ToolCall(id="x", name="g", arguments="{}")
    assert third.arguments == "{}"
    assert len({first.id, second.id, third.id}) == 3
    assert choice.message.content is None


def test_a_call_without_a_name_is_no_answer() -> None:
    with pytest.raises(UpstreamProtocolError):
        only({"functionCall": {"args": {}}})


def test_ge5_signatures_are_carried_where_they_stood() -> None:
    calls = only(call("f", signature=SIGNATURE), call("g")).message
    signed_text = only({"text": "42"}, {"text": "", "thoughtSignature": SIGNATURE}).message

    expected = {"google": {"thought_signature": SIGNATURE}}
    first, second = calls.tool_calls
    assert first.extra_content is not None
    assert msgspec.json.decode(first.extra_content) == expected
    assert second.extra_content is None
    assert calls.extra == {}
    assert signed_text.content == "42"
    assert msgspec.json.decode(signed_text.extra["extra_content"]) == expected


def test_ge6_thoughts_are_no_content() -> None:
    message = only({"text": "Hm. ", "thought": True}, {"text": "So: ", "thought": True}, {"text": "42"}).message

    assert (message.reasoning, message.content) == ("Hm. So: ", "42")


@pytest.mark.parametrize(
    ("native", "finish_reason", "kept"),
    [
        ("STOP", "stop", None),
        ("MAX_TOKENS", "length", "MAX_TOKENS"),
        ("CONTINUATION", "length", "CONTINUATION"),
        *((native, "content_filter", native) for native in CONTENT_FILTERS),
    ],
)
def test_ge7_ends_are_translated(native: str, finish_reason: str, kept: str | None) -> None:
    choice = only({"text": "a"}, end=native)

    assert (choice.finish_reason, choice.native_finish_reason) == (finish_reason, kept)


@pytest.mark.parametrize(("native", "finish_reason"), [("STOP", "tool_calls"), ("MAX_TOKENS", "length")])
def test_ge7_a_stop_after_a_call_means_that_it_is_asked_for(native: str, finish_reason: str) -> None:
    choice = only({"text": "Let me see."}, call("f"), end=native)

    assert (choice.finish_reason, choice.native_finish_reason) == (finish_reason, native)
    assert choice.message.content == "Let me see."


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        *((native, UpstreamUnavailable) for native in FAILURES),
        ("FINISH_REASON_UNSPECIFIED", UpstreamProtocolError),
        ("A_NEW_REASON", UpstreamProtocolError),
        (None, UpstreamProtocolError),
    ],
)
def test_ge7_a_failure_or_an_unknown_end_is_never_a_stop(native: str | None, expected: type[MemoryOSError]) -> None:
    with pytest.raises(MemoryOSError) as caught:
        read(answer(candidate({"text": "a"}, end=native)))

    assert type(caught.value) is expected


@pytest.mark.parametrize("candidates", [{}, {"candidates": []}, {"candidates": None}])
def test_ge8_a_blocked_prompt_has_no_candidates(candidates: dict[str, Any]) -> None:
    with pytest.raises(UpstreamRejected) as caught:
        read({"promptFeedback": {"blockReason": "SAFETY"}, **candidates})

    assert (caught.value.status, caught.value.code) == (400, "content_filter")


@pytest.mark.parametrize("document", [{}, [], {"candidates": []}, {"promptFeedback": {"safetyRatings": []}}, [[]], 1])
def test_ge8_what_has_no_candidate_is_no_answer(document: Any) -> None:
    with pytest.raises(UpstreamProtocolError):
        read(document)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (
            {"promptTokenCount": 9, "candidatesTokenCount": 5, "thoughtsTokenCount": 7, "cachedContentTokenCount": 4},
            Usage(prompt_tokens=9, completion_tokens=12, cached_tokens=4, reasoning_tokens=7),
        ),
        ({"promptTokenCount": 9, "toolUsePromptTokenCount": 3}, Usage(prompt_tokens=12, completion_tokens=0)),
        ({"candidatesTokenCount": 5}, None),
        ({}, None),
        (None, None),
    ],
)
def test_ge9_thoughts_are_completion_and_results_of_googles_tools_are_prompt(
    counts: dict[str, int] | None, expected: Usage | None
) -> None:
    assert read(answer(candidate(end="STOP")) | {"usageMetadata": counts}).usage == expected


def test_several_candidates_are_several_choices() -> None:
    answered = read(answer(candidate({"text": "a"}, end="STOP"), candidate({"text": "b"}, end="MAX_TOKENS", index=1)))

    assert [(choice.index, choice.message.content, choice.finish_reason) for choice in answered.choices] == [
        (0, "a", "stop"),
        (1, "b", "length"),
    ]


def test_sources_and_images_are_further_fields_of_the_message() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "iVBO"}}
    extra = only(
        {"text": "a"}, image, groundingMetadata={"webSearchQueries": ["tea"]}, citationMetadata=None
    ).message.extra

    assert {name: msgspec.json.decode(value) for name, value in extra.items()} == {
        "grounding_metadata": {"webSearchQueries": ["tea"]},
        "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}],
    }


def test_a_filtered_answer_without_a_part_has_an_empty_text() -> None:
    assert only(end="SAFETY").message.content == ""
