"""What must stay local is found wherever it hides, and what cannot be looked into is left alone."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryos_core.chat.messages import with_block
from memoryos_core.memory.block import render_block
from memoryos_core.routing.sensitive import SensitiveRules, is_pattern
from memoryos_ports.llm import ContentPart, Message, ToolCall
from tests.support.makers import image_part, make_message, make_page, said, text_part, tool_result

RULES = SensitiveRules(["Project Tulip", "机密", r"/\bDE\d{20}\b/"])
IBAN = "DE89370400440532013000"


def raw(value: Any) -> msgspec.Raw:
    """Return a value as JSON that escapes all but ASCII, as Python's own encoder writes it."""
    return msgspec.Raw(json.dumps(value).encode())


def on_wire(**fields: Any) -> Message:
    """Return a user message that says "hi" and came over the wire with further fields."""
    return make_message("hi", wire=raw({"role": "user", "content": "hi", **fields}))


def is_found(*messages: Message, **params: Any) -> bool:
    """Return whether a request is sensitive."""
    return RULES.match_request(messages, {name: raw(value) for name, value in params.items()})


def wide(text: str) -> str:
    """Return a text in full-width letters and digits."""
    return "".join(chr(ord(char) + 0xFEE0) if char != " " else "\u3000" for char in text)


def mathematical(word: str) -> str:
    """Return a word in bold letters of mathematics."""
    return "".join(chr(ord(char) - ord("A") + 0x1D400 - (6 if char.islower() else 0)) for char in word)


# --- in what forms

FORMS = {
    "as it is": "about Project Tulip, please",
    "other case": "about pROJECT tULIP, please",
    "inside a longer word": "ourproject tulips",
    "broken over lines": "about Project\n    Tulip",
    "no-break space": "Project\u00a0Tulip",
    "ideographic space": "Project\u3000Tulip",
    "carriage return and tab": "Project\r\n\tTulip",
    "line separator": "Project\u2028Tulip",
    "full width": wide("Project Tulip"),
    "mathematical letters": mathematical("Project") + " " + mathematical("Tulip"),
    "circled letters": "Ⓟⓡⓞⓙⓔⓒⓣ Ⓣⓤⓛⓘⓟ",
    "zero-width space": "Pro\u200bject Tu\u200blip",
    "zero-width joiners": "P\u200dr\u200coject Tulip",
    "word joiner and byte order mark": "Pro\u2060ject\ufeff Tulip",
    "soft hyphen": "Pro\u00adject Tu\u00adlip",
    "variation selector": "Pro\ufe0fject Tulip",
    "combining grapheme joiner": "Pro\u034fject Tulip",
    "tags": "Pro\U000e0041ject Tulip",
    "right-to-left marks": "\u202ePro\u200fject Tulip\u202c",
    "Hangul filler": "Pro\u3164ject Tulip",
    "nul and backspace": "Pro\x00ject Tu\x08lip",
    "escaped as JSON": r"Project\u0020Tulip",
    "letters escaped as JSON": r"\u0050roject \u0054ulip",
    "a line break escaped as JSON": r"{\"note\": \"Project\nTulip\"}",
    "JSON in JSON in JSON": json.dumps(json.dumps(json.dumps("Project\nT\u00adulip"))),
    "Chinese": "这是机密文件",
    "Chinese over a line break": "这是机\n密文件",
    "Chinese with blanks": "机 密",
    "Chinese with a zero-width space": "机\u200b密",
    "Chinese escaped as JSON": json.dumps({"note": "机密"}),
    "a pattern": f"pay to {IBAN}.",
    "a pattern in lower case": IBAN.lower(),
    "a pattern in full width": wide(IBAN),
    "a pattern behind invisible marks": "\u200b".join(IBAN),
    "a pattern escaped as JSON": "".join(f"\\u{ord(char):04x}" for char in IBAN),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_a_rule_is_found_in_every_form_that_reads_the_same(text: str) -> None:
    assert RULES.match(text)
    assert is_found(make_message(text))


HARMLESS = [
    "",
    "a project about tulips",
    "tulip project",
    "机 会 保 密",
    "DE8937040044053201300",
    f"X{IBAN}",
    r"C:\projects\tulip",
    "\\",
    r"\u",
    r"\ud83d",
    "data:text/plain,hello",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_like_a_rule_is_not_it(text: str) -> None:
    assert not RULES.match(text)
    assert not is_found(make_message(text), note=text)


def test_a_word_beyond_the_basic_plane_is_found_behind_its_escapes() -> None:
    rules = SensitiveRules(["𠮷野家"])
    assert rules.match(json.dumps("今日は𠮷野家で"))
    assert not rules.match(json.dumps("今日は吉野家で"))


def test_an_accent_is_one_however_it_is_written() -> None:
    rules = SensitiveRules(["Café Süd"])
    for text in ("cafe\u0301 su\u0308d", "CAFÉ SÜD", "Cafe\u200b\u0301 Süd"):
        assert rules.match(text)
    assert not rules.match("cafe sud")


def test_without_rules_nothing_is_sensitive() -> None:
    rules = SensitiveRules()
    assert not rules
    assert not rules.match("Project Tulip")
    assert not rules.match_request([make_message("Project Tulip")], {})


def test_patterns_stand_between_slashes_and_see_the_text_as_it_is_too() -> None:
    assert [is_pattern(entry) for entry in ("/a/", "//", "/", "a/", "/a", "/a/b/")] == [True, *[False] * 4, True]
    assert SensitiveRules(["/^x: \n  y/"]).match("x: \n  y")
    assert SensitiveRules(["/"]).match("and/or")
    with pytest.raises(re.error):
        SensitiveRules(["/(/"])


ANCHORED = [r"/^price: \d+$/", r"/\Aprice: \d+\Z/", r"/^price/", r"/\Aprice/"]
PRICES = ["price: 5", wide("Price: 5"), "pri\u00adce: 5", json.dumps("price: 5")[1:-1].replace("p", r"\u0070")]


@pytest.mark.parametrize("pattern", ANCHORED)
@pytest.mark.parametrize("text", PRICES)
def test_a_pattern_that_is_anchored_is_found_in_any_text_of_a_request(pattern: str, text: str) -> None:
    rules, others = SensitiveRules([pattern]), ("hi", "and more")
    for place in range(3):
        texts = [*others[:place], text, *others[place:]]
        assert rules.match_texts(texts)
        assert rules.match_request([make_message(one) for one in texts], {})
        wired = [make_message(one, wire=raw({"role": "user", "content": one})) for one in texts]
        assert rules.match_request(wired, {})


@pytest.mark.parametrize("pattern", ANCHORED)
def test_a_pattern_that_is_anchored_is_not_found_elsewhere(pattern: str) -> None:
    rules = SensitiveRules([pattern])
    assert not rules.match_request([make_message("hi"), make_message("the price: 5")], {})


def test_a_pattern_may_be_anchored_to_a_line() -> None:
    rules = SensitiveRules([r"/^price: \d+$/"])
    assert rules.match("hello\nprice: 5\nbye")
    assert not rules.match("hello\nthe price: 5\nbye")


@pytest.mark.parametrize("texts", [["about Project", "Tulip"], ["about Proj", "ect Tulip"], ["机", "密"], ["机密"]])
def test_a_word_is_found_over_several_texts(texts: list[str]) -> None:
    assert RULES.match_texts(texts)
    assert RULES.match_texts(["hi", *texts, "bye"])
    assert not RULES.match_texts([*texts[1:], "hi", *texts[:1]]) or len(texts) == 1


def test_no_texts_hold_nothing() -> None:
    assert not RULES.match_texts([])
    assert not SensitiveRules().match_texts(["Project Tulip"])


# --- in what places

SECRET = "about Project Tulip"
CHINESE = "这是机密"

MESSAGES = {
    "user": make_message(SECRET),
    "system": make_message(SECRET, role="system"),
    "developer": make_message(SECRET, role="developer"),
    "assistant": said(SECRET),
    "tool result": tool_result(SECRET),
    "tool result in JSON": tool_result(json.dumps({"found": [CHINESE]})),
    "tool result in parts": make_message([text_part(CHINESE)], role="tool", tool_call_id="c"),
    "function result": make_message(SECRET, role="function", name="f"),
    "name": make_message("hi", name="Project Tulip"),
    "refusal": make_message([ContentPart(type="refusal", refusal=SECRET)], role="assistant"),
    "second part": make_message([text_part("hi"), image_part(), text_part(SECRET)]),
    "split over parts": make_message([text_part("about Proj"), text_part("ect Tulip")]),
    "split over parts at a blank": make_message([text_part("about Project"), text_part("Tulip")]),
    "split over parts with an image between": make_message(
        [text_part("about Proj"), image_part(), text_part("ect Tulip")]
    ),
    "split over parts on the wire": make_message(
        [text_part("机"), text_part("密")],
        wire=raw({"role": "user", "content": [{"type": "text", "text": "机"}, {"type": "text", "text": "密"}]}),
    ),
    "tool's name": make_message(None, role="assistant", tool_calls=(ToolCall(id="c", name="机密", arguments="{}"),)),
    "tool's arguments": make_message(
        None, role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments=json.dumps({"q": CHINESE})),)
    ),
    "tool's arguments, an escape in them": make_message(
        None, role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments=r'{"q": "\u0050roject\nTulip"}'),)
    ),
    "tool's arguments that are no JSON": make_message(
        None, role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments='{"q": "Project Tul' + "ip"),)
    ),
    "a key of a tool's arguments": make_message(
        None, role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments='{"Project Tulip": 1}'),)
    ),
    "a key that stands twice in a tool's arguments": make_message(
        None, role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments='{"q": "Project Tulip", "q": "x"}'),)
    ),
    "a data URL that is none in a tool's arguments": make_message(
        None, role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments='{"q": "data: Project Tulip"}'),)
    ),
    "an unknown field of the wire": on_wire(note=SECRET),
    "an unknown field of the wire, deep": on_wire(note=[{"a": {"b": [CHINESE]}}]),
    "a key of an unknown field of the wire": on_wire(note={"Project Tulip": True}),
    "a name on the wire": on_wire(name="Project Tulip"),
    "a text on the wire that begins like a data URL": on_wire(note="data:text/plain,Project Tulip"),
    "behind a data URL on the wire": on_wire(note="data:image/png;base64,AAAA Project Tulip"),
    "reasoning on the wire": on_wire(reasoning_content=SECRET),
    "function_call of old, an escape in its arguments": on_wire(
        function_call={"name": "f", "arguments": json.dumps({"q": CHINESE})}
    ),
    "custom tool call": on_wire(tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "f", "input": SECRET}}]),
    "an image's address": on_wire(
        content=[{"type": "image_url", "image_url": {"url": "https://example.org/Project Tulip.png"}}]
    ),
    "a file's name": on_wire(content=[{"type": "file", "file": {"filename": "机密.pdf", "file_data": "AAAA"}}]),
    "cache_control and other marks": on_wire(cache_control={"type": "ephemeral", "note": SECRET}),
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_a_rule_is_found_in_every_place_of_a_message(message: Message) -> None:
    assert is_found(message)
    assert is_found(make_message("hi"), message, said("well"), make_message("go on"))


PARAMS: dict[str, Any] = {
    "tools": [{"type": "function", "function": {"name": "f", "description": SECRET}}],
    "response_format": {"type": "json_schema", "json_schema": {"schema": {"properties": {"Project Tulip": {}}}}},
    "stop": ["END", CHINESE],
    "metadata": {"k": SECRET},
    "user": "Project Tulip",
    "prediction": {"type": "content", "content": [{"type": "text", "text": CHINESE}]},
}


@pytest.mark.parametrize("name", PARAMS)
def test_a_rule_is_found_in_every_parameter(name: str) -> None:
    assert is_found(make_message("hi"), **{name: PARAMS[name]})


def test_a_rule_is_found_in_the_name_of_a_parameter() -> None:
    assert is_found(make_message("hi"), **{"Project Tulip": 1})


def test_numbers_are_looked_at_by_their_digits() -> None:
    rules = SensitiveRules([r"/\b4\d{15}\b/"])
    params = {"metadata": msgspec.Raw(b'{"card": [4111111111111111]}')}
    assert rules.match_request([make_message("hi")], params)
    assert rules.match_request([on_wire(card=4111111111111111)], {})


@pytest.mark.parametrize("json_", [b'[1e999, "\\u0050roject Tulip"]', b'{"a": "Project Tulip\xff"}', b"Project Tulip"])
def test_what_cannot_be_decoded_is_looked_at_as_it_is(json_: bytes) -> None:
    assert RULES.match_request([make_message("hi")], {"note": msgspec.Raw(json_)})
    assert RULES.match_request([make_message("hi", wire=msgspec.Raw(json_))], {})


@pytest.mark.parametrize("depth", [100, 900, 5000])
def test_depth_hides_nothing_and_breaks_nothing(depth: int) -> None:
    for text, found in (("Project Tulip", True), ("tea", False)):
        nested = msgspec.Raw(b"[" * depth + json.dumps(text).encode() + b"]" * depth)
        assert RULES.match_request([make_message("hi")], {"note": nested}) is found
        assert RULES.match_request([make_message("hi", wire=nested)], {}) is found


def test_a_lone_surrogate_breaks_nothing() -> None:
    call = ToolCall(id="c", name="f", arguments='"\ud800 Project Tulip"')
    assert is_found(make_message(None, role="assistant", tool_calls=(call,)))


def test_a_recalled_block_is_looked_at_as_well() -> None:
    block = render_block([make_page("it is called Project Tulip")])
    assert RULES.match_request(with_block((make_message("hi"),), 0, block), {})
    assert RULES.match_request(with_block((on_wire(),), 0, block), {})


# --- what is not looked into

LETTERS = "tulip" * 300


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{LETTERS}"}},
        {"type": "image_url", "image_url": {"url": f"data:image/svg+xml;charset=utf-8;base64,{LETTERS}=="}},
        {"type": "input_audio", "input_audio": {"format": "wav", "data": LETTERS}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{LETTERS}"}},
    ],
    ids=lambda part: part["type"],
)
def test_letters_that_are_an_image_a_sound_or_a_file_are_no_words(part: dict[str, Any]) -> None:
    rules = SensitiveRules(["tulip"])
    assert not rules.match_request([on_wire(content=[part])], {})
    assert rules.match_request([on_wire(content=[part], note="a tulip")], {})


def test_a_long_word_of_the_user_is_looked_into() -> None:
    rules = SensitiveRules(["tulip"])
    assert rules.match_request([make_message(LETTERS, wire=raw({"role": "user", "content": LETTERS}))], {})


# --- whatever the text

WORDS = st.text(alphabet="abcXYZäß机密 \uff54", min_size=1, max_size=8).filter(str.strip)
TEXTS = st.text(max_size=30)
INVISIBLE = st.sampled_from(["\u200b", "\u00ad", "\ufe0f", "\u2060", "\u180e", "\x00"])


@given(word=WORDS, before=st.text(alphabet="abc .,", max_size=9), after=st.text(alphabet="abc .,", max_size=9))
def test_a_word_is_found_in_whatever_stands_around_it(word: str, before: str, after: str) -> None:
    assert SensitiveRules([word]).match(f"{before}{word}{after}")


@given(word=WORDS, mark=INVISIBLE)
def test_marks_between_all_letters_hide_no_word(word: str, mark: str) -> None:
    assert SensitiveRules([word]).match(mark.join(word))


@given(word=WORDS, value=TEXTS)
def test_json_hides_no_word_however_it_is_nested(word: str, value: str) -> None:
    text = json.dumps([value, {"k": json.dumps({"w": word.strip()})}])
    assert SensitiveRules([word.strip()]).match(text)


@given(text=TEXTS)
def test_any_text_can_be_looked_at(text: str) -> None:
    SensitiveRules(["secret", "/secret/"]).match(text + "\\")
    is_found(make_message(text), note=text)


@pytest.mark.parametrize(
    ("entry", "text", "found"),
    [
        (r"\d{3}-\d{2}-\d{4}", "my number is 123-45-6789", True),
        (r"\bproject[- ]x\b", "about Project X today", True),
        (r"case .*falcon", "case 7 falcon", True),
        ("C++", "c", False),
        ("C++", "we write C++ here", True),
        ("a.b", "axb", False),
        (r"[unclosed \d", "no such thing", False),
        (r"\d*", "anything at all", False),
    ],
)
def test_an_expression_without_its_slashes_is_understood_and_a_word_stays_a_word(
    entry: str, text: str, found: bool
) -> None:
    assert SensitiveRules([entry]).match(text) is found
