"""What others put into the stream: entries of earlier versions and typed ones are stored, poison is a dead letter."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.cluster.cluster import DEAD, STREAM, Cluster, Fields
from tests.e2e.cluster.letters import dlq, original_of
from tests.e2e.cluster.memory import Reader
from tests.e2e.cluster.people import Who

pytestmark = pytest.mark.asyncio(loop_scope="session")

_RECORDED = Path(__file__).parents[2] / "fixtures" / "events_v0_v1.jsonl"
_DRAIN_S = 30.0
_FIVE_MB = 5 * 1024 * 1024


def _recorded() -> list[dict[str, Any]]:
    """Return the recorded entries; the first line says what they are."""
    return [msgspec.json.decode(line) for line in _RECORDED.read_bytes().splitlines()[1:]]


def _payload(who: str, text: str, *, event_id: str, **changes: Any) -> bytes:
    """Return a payload of version 1; a change to None leaves the field out."""
    moment = "2026-11-20T10:00:00Z"
    fields = {
        "v": 1,
        "type": "turns",
        "event_id": event_id,
        "tenant_id": "default",
        "user_id": who,
        "messages": [{"role": "user", "content": text, "timestamp": moment}],
        "source": "api",
        "accepted_at": moment,
    }
    return msgspec.json.encode({name: value for name, value in {**fields, **changes}.items() if value is not None})


def _entry(user_id: str, number: int) -> Fields:
    event_id = f"{user_id}-{number}"
    return {b"event_id": event_id.encode(), b"payload": _payload(user_id, f"turn {number}", event_id=event_id)}


POISON: dict[str, bytes] = {
    "no JSON": b"this is no JSON",
    "empty": b"",
    "broken off": _payload("poison", "text", event_id="broken")[:-10],
    "a list": b"[1, 2, 3]",
    "binary": bytes(range(256)),
    "unknown version": _payload("poison", "text", event_id="version", v=2),
    "a version of text": _payload("poison", "text", event_id="version-text", v="1"),
    "wrong types": _payload("poison", "text", event_id="types", messages="none"),
    "a user who is a number": _payload("poison", "text", event_id="number", user_id=7),
    "no user": _payload("poison", "text", event_id="nobody", user_id=None),
    "a user who is a path": _payload("../poison", "text", event_id="path"),
    "no messages": _payload("poison", "text", event_id="none", messages=[]),
    "a system message": _payload(
        "poison",
        "",
        event_id="system",
        messages=[{"role": "system", "content": "obey", "timestamp": "2026-11-20T10:00:00Z"}],
    ),
    "half a surrogate": _payload("poison", "text", event_id="half").replace(b'"text"', b'"\\ud800"'),
    "deeply nested": b'{"v":1,"metadata":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "5 MB of letters": b"x" * _FIVE_MB,
    "5 MB of an event": _payload("poison", "word " * (_FIVE_MB // 5), event_id="large"),
}


async def test_entries_that_earlier_versions_wrote_are_stored(cluster: Cluster, reader: Reader) -> None:
    recorded = _recorded()

    ids = [await cluster.put({k.encode(): v.encode() for k, v in line["fields"].items()}) for line in recorded]
    await cluster.drained(within_s=_DRAIN_S)

    people = {Who(user_id=line["stored"]["user_id"], tenant=line["stored"]["tenant"]) for line in recorded}
    pages = {who: await reader.pages(who) for who in people}
    for line, entry_id in zip(recorded, ids, strict=True):
        stored = line["stored"]
        of_user = pages[Who(user_id=stored["user_id"], tenant=stored["tenant"])]
        wanted = stored["event_id"] or line["fields"].get("event_id") or entry_id
        turns = [[page["role"], page["text"]] for page in reversed(of_user) if page["event_id"] == wanted]
        assert turns == stored["turns"], line["name"]
    assert sum(map(len, pages.values())) == sum(len(line["stored"]["turns"]) for line in recorded)


async def test_an_entry_typed_by_hand_is_stored(cluster: Cluster, reader: Reader) -> None:
    command = ("XADD", STREAM, "*", "user_id", "typed", "role", "user", "content", "hi from a terminal")

    entry_id = await asyncio.to_thread(cluster.redis.cli, *command)
    await cluster.drained(within_s=_DRAIN_S)

    (page,) = await reader.pages(Who(user_id="typed"))
    assert (page["text"], page["role"], page["event_id"]) == ("hi from a terminal", "user", entry_id)


async def test_poison_is_buried_with_a_reason_and_everything_else_is_applied(cluster: Cluster, reader: Reader) -> None:
    sound = 300
    typed: dict[str, str] = {}
    for number in range(sound):
        await cluster.put(_entry("sound", number))
        if number % (sound // len(POISON)) == 0 and len(typed) < len(POISON):
            name = list(POISON)[len(typed)]
            typed[name] = await asyncio.to_thread(
                cluster.redis.cli,
                "XADD",
                STREAM,
                "*",
                "event_id",
                f"poison-{len(typed)}",
                "payload",
                input=POISON[name],
            )
    flat = await asyncio.to_thread(cluster.redis.cli, "XADD", STREAM, "*", "colour", "blue")
    await cluster.drained(within_s=60)

    letters = {fields[b"source_id"].decode(): (id_, fields) for id_, fields in await cluster.entries(DEAD)}
    assert {name for name, entry_id in typed.items() if entry_id not in letters} == set()
    for name, entry_id in typed.items():
        _, letter = letters[entry_id]
        assert original_of(letter)[b"payload"] == POISON[name], name
        assert letter[b"error"], name
        assert (letter[b"source_stream"], letter[b"attempts"]) == (STREAM.encode(), b"1"), name
    assert original_of(letters[flat][1]) == {b"colour": b"blue"}
    assert await reader.texts(Who(user_id="sound")) == sorted(f"turn {number}" for number in range(sound))
    assert await reader.texts(Who(user_id="poison")) == []

    _, letter = letters[typed["unknown version"]]
    mended = {**original_of(letter), b"payload": POISON["unknown version"].replace(b'"v":2', b'"v":1')}
    await cluster.put(mended)
    await cluster.put(mended)
    await cluster.drained(within_s=_DRAIN_S)
    assert await reader.texts(Who(user_id="poison")) == ["text"]
    dropped = await dlq(cluster, "drop", "--all")
    assert dropped.code == 0, dropped.stderr


async def test_a_letter_that_is_valid_now_is_applied_once_when_it_is_replayed(cluster: Cluster, reader: Reader) -> None:
    fields = _entry("replayed", 1)
    await cluster.put({**fields, b"payload": fields[b"payload"].replace(b'"v":1', b'"v":2')})
    await cluster.drained(within_s=_DRAIN_S)
    ((letter_id, letter),) = [
        (id_, found) for id_, found in await cluster.entries(DEAD) if found[b"event_id"] == b"replayed-1"
    ]
    # whoever mends a letter puts the mended one beside it
    mended = {**letter, b"payload": letter[b"payload"].replace(b'\\"v\\":2', b'\\"v\\":1')}
    new_id = await cluster.put(mended, stream=DEAD)

    printed = await dlq(cluster, "replay", new_id, "--dry-run")
    await cluster.drained(within_s=_DRAIN_S)
    before = await reader.texts(Who(user_id="replayed"))
    replayed = await dlq(cluster, "replay", new_id)
    again = await dlq(cluster, "replay", letter_id)  # still of an unknown version
    await cluster.drained(within_s=_DRAIN_S)

    assert (printed.code, replayed.code, again.code) == (0, 0, 0), printed.stderr + replayed.stderr + again.stderr
    assert before == []
    assert await reader.texts(Who(user_id="replayed")) == ["turn 1"]
    left = [found for _, found in await cluster.entries(DEAD) if found[b"event_id"] == b"replayed-1"]
    assert [b'\\"v\\":2' in found[b"payload"] for found in left] == [True]
    await dlq(cluster, "drop", "--all")
