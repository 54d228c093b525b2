"""The text of messages as memory sees it, the chain over them, and the one change memory makes to a request."""

import msgspec
import pytest

from memoryos_core.chat.chain import START, link, user_turns
from memoryos_core.chat.messages import clean_text, last_user_position, remembered_text, with_block
from memoryos_ports.llm import ContentPart, Message
from tests.support.makers import image_part, make_message, said, text_part

BLOCK = "<memoryos-recall>\nnotes\n</memoryos-recall>"

REMEMBERED = {
    "a string": (make_message(" hi "), "hi"),
    "nothing": (make_message(None), ""),
    "no parts": (make_message([]), ""),
    "parts": (make_message([text_part("a"), text_part("b")]), "a\nb"),
    "an image": (make_message([text_part("see"), image_part("https://example.org/cat.png")]), "see\n[image]"),
    "audio and a file": (make_message([ContentPart(type="input_audio"), ContentPart(type="file")]), "[audio]\n[file]"),
    "a part without text": (make_message([ContentPart(type="text")]), ""),
    "a part of an unknown type": (make_message([ContentPart(type="hologram"), text_part("hi")]), "hi"),
}


@pytest.mark.parametrize(("message", "text"), REMEMBERED.values(), ids=REMEMBERED.keys())
def test_what_is_remembered_of_a_message(message: Message, text: str) -> None:
    assert remembered_text(message) == text


DATA_URLS = {
    "x data:image/png;base64,iVBORw0KGgo= y": "x [image] y",
    "DATA:Audio/wav;base64,UklGRg==": "[audio]",
    "data:application/pdf;name=a.pdf;base64,JVBERi0x)": "[file])",
    "base64, data: nothing of the kind": "base64, data: nothing of the kind",
}


@pytest.mark.parametrize(("text", "clean"), DATA_URLS.items())
def test_data_urls_become_marks(text: str, clean: str) -> None:
    assert clean_text(text) == clean


def test_the_chain_names_user_turns_by_all_user_words_before_them() -> None:
    turns = user_turns([make_message("be kind", role="system"), make_message("a"), said("x"), make_message("b")])
    assert [turn.position for turn in turns] == [1, 3]
    assert [turn.hash for turn in turns] == [link(START, "a"), link(link(START, "a"), "b")]
    assert user_turns([make_message("b")])[0].hash != turns[1].hash
    assert all(len(turn.hash) == 32 for turn in turns)


def test_the_chain_goes_on_from_where_it_is_told() -> None:
    assert user_turns([make_message("b")], start=link(START, "a"))[0].hash == link(link(START, "a"), "b")


def test_the_last_user_position_is_that_of_a_user() -> None:
    assert last_user_position([make_message("a"), said("b")]) == 0
    assert last_user_position([said("b")]) is None


def test_the_block_comes_after_the_callers_own_text() -> None:
    before = (said("x"), make_message("hi", name="ana"), said("y"))
    after = with_block(before, 1, BLOCK)
    assert after == (before[0], make_message([text_part("hi"), text_part(BLOCK)], name="ana"), before[2])


def test_the_block_comes_after_the_callers_own_parts() -> None:
    (after,) = with_block((make_message([text_part("hi"), image_part()]),), 0, BLOCK)
    assert after.content == (text_part("hi"), image_part(), text_part(BLOCK))


def test_the_callers_own_bytes_are_kept_on_the_wire() -> None:
    parts = b'[{"type":"text","text":"h\\u0069", "cache_control":{"type":"ephemeral"}}, {"new":1e2}]'
    wire = msgspec.Raw(b'{"role":"user","content":' + parts + b',"name":"ana","x_new":[1, 2]}')
    (after,) = with_block((make_message([text_part("hi"), text_part("?")], wire=wire),), 0, BLOCK)
    assert after.wire is not None
    fields = msgspec.json.decode(after.wire, type=dict[str, msgspec.Raw])
    assert [*fields] == ["role", "content", "name", "x_new"]
    assert bytes(fields["x_new"]) == b"[1, 2]"
    *own, added = msgspec.json.decode(fields["content"], type=list[msgspec.Raw])
    assert [bytes(part) for part in own] == [
        b'{"type":"text","text":"h\\u0069", "cache_control":{"type":"ephemeral"}}',
        b'{"new":1e2}',
    ]
    assert msgspec.json.decode(added) == {"type": "text", "text": BLOCK}


@pytest.mark.parametrize(
    ("content", "own"), [("hi", [{"type": "text", "text": "hi"}]), (None, []), ([], [])], ids=["text", "null", "empty"]
)
def test_a_wire_without_parts_gets_them(content: str | None, own: list[object]) -> None:
    wire = msgspec.Raw(msgspec.json.encode({"role": "user", "content": content}))
    (after,) = with_block((make_message(content, wire=wire),), 0, BLOCK)
    assert after.wire is not None
    assert msgspec.json.decode(after.wire)["content"] == [*own, {"type": "text", "text": BLOCK}]
