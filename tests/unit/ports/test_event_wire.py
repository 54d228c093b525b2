"""Payloads of the stream: version 1 as it was recorded, version 0 as it is read, and everything else refused."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memoryos_ports.errors import InvalidEvent
from memoryos_ports.event_wire import as_utc, decode_event, encode_event
from memoryos_ports.events import EVENT_VERSION, ChainLink, EventMessage, TurnsEvent, content_hash
from memoryos_ports.ids import MemoryId
from tests.support.makers import NOON, make_event, make_turn

SNAPSHOT = Path(__file__).parent / "event_schema_v1.json"
RECEIVED = datetime(2026, 11, 22, tzinfo=UTC)

V1: dict[str, Any] = {
    "v": 1,
    "type": "turns",
    "event_id": "e1",
    "tenant_id": "acme",
    "user_id": "ana",
    "messages": [{"role": "user", "content": "hi", "timestamp": "2026-03-01T12:00:00Z"}],
    "source": "api",
    "accepted_at": "2026-03-01T12:00:00Z",
}
V0: dict[str, Any] = {"user_id": "ana", "role": "user", "content": "hi"}


def read(payload: object) -> TurnsEvent:
    """Decode a payload, given as bytes or as what its JSON says."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return decode_event(raw, entry_id="17-0", received_at=RECEIVED)


def test_the_schema_of_version_1_is_the_recorded_one() -> None:
    """Change it only by adding fields with a default; else give it a new `v`, read the old one on, record it beside."""
    assert EVENT_VERSION == 1
    assert shape_of(TurnsEvent) == json.loads(SNAPSHOT.read_text())


def shape_of(event: type[TurnsEvent]) -> dict[str, Any]:
    """Return the JSON schema of an event, without the words that describe it."""
    schema: dict[str, Any] = json.loads(msgspec.json.encode(msgspec.json.schema(event)))
    for definition in schema["$defs"].values():
        definition.pop("description", None)
    return schema


def test_an_event_is_on_the_wire_as_documented() -> None:
    assert json.loads(encode_event(make_event("e1", "hi"))) == V1


FULL = make_event(
    "e1",
    make_turn("hi", name="Ana"),
    make_turn("hello", role="assistant"),
    agent_id="a1",
    session_id="s1",
    partial=True,
    sensitive=True,
    metadata={"k": [1, {"x": None}]},
    source="chat",
    chain=ChainLink(hash="h2", passed=("h1",)),
    supersedes=(MemoryId("m1"),),
    follows=MemoryId("m2"),
)


@pytest.mark.parametrize("event", [FULL, make_event("e1")])
def test_the_wire_keeps_every_field(event: TurnsEvent) -> None:
    assert read(encode_event(event)) == event


def test_an_event_of_before_a_field_was_added_is_read_without_it() -> None:
    assert read(V1) == make_event("e1", "hi")
    assert read(V1).follows is None


def test_unknown_extra_fields_are_passed_over() -> None:
    message = {**V1["messages"][0], "mood": "fine"}
    assert read({**V1, "colour": "red", "messages": [message]}) == read(V1)


def test_version_0_is_read() -> None:
    assert read(V0) == TurnsEvent(
        v=1,
        event_id=read({**V0, "event_id": "17-0"}).event_id,
        tenant_id=read({**V1, "tenant_id": "default"}).tenant_id,
        user_id=read(V1).user_id,
        messages=(EventMessage(role="user", content="hi", timestamp=RECEIVED),),
        source="api",
        accepted_at=RECEIVED,
    )


def test_version_0_keeps_its_own_id_and_time() -> None:
    event = read({**V0, "event_id": "mine", "timestamp": "2025-01-01T00:00:00", "extra": 1})
    assert (event.event_id, event.messages[0].timestamp) == ("mine", datetime(2025, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("version", [{}, {"v": 0}], ids=["no version", "version 0"])
def test_version_0_may_name_the_one_tenant_it_is_of(version: dict[str, Any]) -> None:
    assert read({**V0, **version, "tenant_id": "default"}) == read(V0)


def test_times_come_out_in_utc() -> None:
    message = {**V1["messages"][0], "timestamp": "2026-03-01T13:00:00+01:00"}
    event = read({**V1, "messages": [message], "accepted_at": "2026-03-01T12:00:00"})
    assert (event.messages[0].timestamp, event.accepted_at) == (NOON, NOON)
    assert {event.messages[0].timestamp.tzinfo, event.accepted_at.tzinfo} == {UTC}
    assert as_utc(NOON.replace(tzinfo=None)) == NOON


def with_message(**fields: object) -> dict[str, Any]:
    """Return a payload whose message is changed."""
    return {**V1, "messages": [{**V1["messages"][0], **fields}]}


INVALID: dict[str, tuple[object, str]] = {
    "nothing": (b"", "not an event"),
    "no JSON": (b"hello", "not an event"),
    "no UTF-8": (b'{"user_id":"\xff"}', "not an event"),
    "a list": ([], "not an event"),
    "a bomb of brackets": (b"[" * 200_000, "not an event"),
    "a bomb in a field": (b'{"v":1,"metadata":' + b"[" * 200_000, "not an event"),
    "nothing in it": ({}, "not an event"),
    "an unknown version": ({**V1, "v": 2}, "unknown event version 2"),
    "a version in words": ({**V1, "v": "1"}, "unknown event version '1'"),
    "another type": ({**V1, "type": "facts"}, "not an event"),
    "no messages": ({**V1, "messages": []}, "an event without messages"),
    "a system message": (with_message(role="system"), r"messages\[0\].role must be user or assistant"),
    "a tool's message": (with_message(role="tool"), r"messages\[0\].role"),
    "an empty message": (with_message(content=" \n"), r"messages\[0\].content is empty"),
    "no content": (with_message(content=None), "not an event"),
    "a time that is none": (with_message(timestamp="yesterday"), "not an event"),
    "a time before time": (with_message(timestamp="0001-01-01T00:00:00+05:00"), "not an event"),
    "an unknown source": ({**V1, "source": "dream"}, "not an event"),
    "a bad event_id": ({**V1, "event_id": "a b"}, "not a valid event: event_id"),
    "a bad tenant": ({**V1, "tenant_id": ""}, "not a valid event: tenant_id"),
    "a bad user": ({**V1, "user_id": "/"}, "not a valid event: user_id"),
    "a bad session": ({**V1, "session_id": "a b"}, "not a valid event: session_id"),
    "a bad agent": ({**V1, "agent_id": "a b"}, "not a valid event: agent_id"),
    "version 0 of another tenant": ({**V0, "tenant_id": "acme"}, "tenant_id: .* 'default'; .*payload form"),
    "version 0 of an empty tenant": ({**V0, "tenant_id": ""}, "tenant_id: "),
    "version 0 of a number": ({**V0, "tenant_id": 7}, "not an event: .*tenant_id"),
    "bytes that are no UTF-8": (b'{"user_id":"u","role":"user","content":"caf\xe9"}', "not an event: not valid UTF-8$"),
    "bytes that Python escaped": ({**V0, "content": "caf\udce9 au lait"}, "not an event: not valid UTF-8$"),
    "version 0 without a user": ({**V0, "user_id": None}, "not an event"),
    "version 0 of a system": ({**V0, "role": "system"}, r"messages\[0\].role"),
}


@pytest.mark.parametrize(("payload", "reason"), INVALID.values(), ids=INVALID.keys())
def test_what_cannot_be_an_event_says_why(payload: object, reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        read(payload)


def test_ids_of_pages_follow_from_the_event() -> None:
    assert len(set(FULL.memory_ids)) == 2
    assert FULL.memory_ids == read(encode_event(FULL)).memory_ids


def test_content_is_roles_names_and_texts_in_order() -> None:
    a, b = make_turn("a"), make_turn("b")
    contents = [
        (a, b),
        (b, a),
        (a,),
        (make_turn("a", name="Ana"), b),
        (make_turn("a", role="assistant"), b),
        (make_turn("ab"),),
    ]
    assert len({content_hash(messages) for messages in contents}) == len(contents)
    assert content_hash([a]) == content_hash([make_turn("a", at=RECEIVED)])
