"""Entries that people and other programs type into the stream: the flat form, versions 0 and 1, and poison."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from memoryos_adapters.events.redis_streams import RedisEvents
from memoryos_adapters.redis_database import RedisDatabase
from memoryos_ports.errors import InvalidEvent
from memoryos_ports.event_wire import decode_event, encode_event
from memoryos_ports.events import Delivery, TurnsEvent, content_hash
from memoryos_ports.ids import DEFAULT_TENANT, EventId, Scope, UserId
from tests.contract.events.makers import ANA, make_event, make_receipt
from tests.support.redis_log import open_log, open_redis, receive_one, type_entry
from tests.support.redis_server import database_url, shared_redis

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TYPED = Scope(tenant_id=DEFAULT_TENANT, user_id=UserId("u"))
FLAT = ("user_id", "u", "role", "user", "content", "hi")


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisDatabase]:
    """A client of an empty database."""
    async with open_redis(database_url(tmp_path)) as opened:
        yield opened


@pytest.fixture
async def log(redis: RedisDatabase) -> AsyncIterator[RedisEvents]:
    """The log under test."""
    async with open_log(redis) as opened:
        yield opened


def decoded(delivery: Delivery) -> TurnsEvent:
    """Return the event of a delivery, as the runner reads it."""
    return decode_event(delivery.payload, entry_id=delivery.handle, received_at=NOW)


async def test_the_flat_form_is_an_event_of_version_0(redis: RedisDatabase, log: RedisEvents) -> None:
    id = await type_entry(redis, *FLAT, "timestamp", "2026-02-01T08:00:00Z")
    delivery = await receive_one(log)
    event = decoded(delivery)
    assert (event.scope, event.event_id, delivery.event_id) == (TYPED, id, id)
    assert [(m.role, m.content, m.timestamp) for m in event.messages] == [
        ("user", "hi", datetime(2026, 2, 1, 8, tzinfo=UTC))
    ]


@pytest.mark.parametrize(
    ("entry_id", "moment"),
    [("1767225600123-0", datetime(2026, 1, 1, 0, 0, 0, 123000, tzinfo=UTC)), ("18446744073709551614-1", None)],
)
async def test_an_entry_was_received_when_its_id_says(
    redis: RedisDatabase, log: RedisEvents, entry_id: str, moment: datetime | None
) -> None:
    await redis.execute("XADD", "chat_log", entry_id, *FLAT)
    assert (await receive_one(log)).received_at == moment


V0 = {"user_id": "u", "role": "user", "content": "hi"}


@pytest.mark.parametrize(
    ("fields", "event_id"),
    [
        ((*FLAT, "event_id", "e7"), "e7"),
        (("event_id", "e7", "payload", json.dumps(V0)), "e7"),
        (("payload", json.dumps({**V0, "event_id": "e8"})), "e8"),
        (("event_id", "e9", "payload", json.dumps({**V0, "event_id": "e8"})), "e8"),
        (("user_id", "u", "content", "hi", "event_id", "e7"), "e7"),
    ],
    ids=["flat", "field", "payload", "payload before field", "without a role"],
)
async def test_the_event_id_of_version_0_is_the_same_for_everybody(
    redis: RedisDatabase, log: RedisEvents, fields: tuple[str, ...], event_id: str
) -> None:
    await type_entry(redis, *fields)
    delivery = await receive_one(log)
    assert (delivery.event_id, decoded(delivery).event_id) == (event_id, event_id)
    await log.ack(delivery)
    receipt = await log.receipt(TYPED, EventId(event_id))
    assert receipt == make_receipt(decoded(delivery), "stored", attempts=1)


async def test_an_event_of_version_1_by_another_program_is_known_from_then_on(
    redis: RedisDatabase, log: RedisEvents
) -> None:
    event = make_event("e1", "tea")
    await type_entry(redis, "event_id", "e1", "payload", encode_event(event))
    delivery = await receive_one(log)
    assert delivery.payload == encode_event(event)
    await log.leave(delivery, error="stumbled", retry_in_s=0)
    assert await log.receipt(ANA, event.event_id) == make_receipt(event, attempts=1, error="stumbled")
    assert (await log.publish(event)).outcome == "same"
    assert (await log.publish(make_event("e1", "coffee"))).outcome == "other"
    key = next(key for key in [key async for key in redis.keys("memoryos:*:event:e1")])
    assert await redis.execute("HGET", key, "content") == content_hash(event.messages).encode()


async def test_the_flat_form_of_another_tenant_is_refused_and_says_how_it_is_done(
    redis: RedisDatabase, log: RedisEvents
) -> None:
    await type_entry(redis, *FLAT, "tenant_id", "acme")
    with pytest.raises(InvalidEvent, match=r'tenant_id: .* use the payload form, \{"v": 1'):
        decoded(await receive_one(log))


async def test_the_flat_form_may_name_the_tenant_default(redis: RedisDatabase, log: RedisEvents) -> None:
    await type_entry(redis, *FLAT, "tenant_id", DEFAULT_TENANT)
    assert decoded(await receive_one(log)).scope == TYPED


async def test_typed_bytes_that_are_no_utf_8_are_called_that(redis: RedisDatabase, log: RedisEvents) -> None:
    await type_entry(redis, "user_id", "u", "content", b"caf\xe9")
    with pytest.raises(InvalidEvent, match="not valid UTF-8"):
        decoded(await receive_one(log))


POISON: dict[str, tuple[str | bytes, ...]] = {
    "no payload": ("hello", "world"),
    "not JSON": ("event_id", "e1", "payload", "hi there"),
    "no object": ("event_id", "e1", "payload", "[1, 2]"),
    "wrong types": ("payload", '{"user_id": 7, "role": [], "content": {}}'),
    "wrong types in v1": ("payload", encode_event(make_event()).replace(b'"acme"', b"7")),
    "unknown version": ("payload", encode_event(make_event()).replace(b'"v":1', b'"v":99')),
    "no content": ("user_id", "u", "role", "user"),
    "bad event_id": ("payload", '{"user_id": "u", "role": "user", "content": "hi", "event_id": "a b"}'),
    "bad user_id": ("user_id", "no such id!", "content", "hi"),
    "bad timestamp": (*FLAT, "timestamp", "yesterday"),
    "another tenant": (*FLAT, "tenant_id", "acme"),
    "not UTF-8": ("event_id", b"\xff", "payload", b"\x00\xff\xfe"),
    "flat, not UTF-8": ("user_id", "u", "content", b"caf\xe9"),
    "name not UTF-8": (b"\xff", b"\xfe"),
    "5 MB": ("user_id", "u", "content", "x" * 5_000_000),
    "5 MB of nesting": ("payload", "[" * 5_000_000),
}


async def test_a_long_turn_of_a_chat_is_an_event(log: RedisEvents) -> None:
    event = msgspec.structs.replace(make_event("e1", "x" * 2_000_000), source="chat")
    await log.publish(event)
    assert decoded(await receive_one(log)) == event


@pytest.mark.parametrize("fields", POISON.values(), ids=POISON)
async def test_poison_is_buried_as_it_was_and_stops_nobody(
    redis: RedisDatabase, log: RedisEvents, fields: tuple[str | bytes, ...]
) -> None:
    id = await type_entry(redis, *fields)
    await log.publish(make_event("good"))
    poison, good = await receive_one(log), await receive_one(log)
    with pytest.raises(InvalidEvent) as refused:
        decoded(poison)
    await log.bury(poison, error=str(refused.value))
    assert decoded(good) == make_event("good")
    ((_, letter),) = await redis.execute("XRANGE", "chat_log:dlq", "-", "+")
    as_text = dict(zip((part.decode() for part in letter[::2]), letter[1::2], strict=True))
    assert as_text["source_id"].decode() == id
    assert as_text["error"].decode() == str(refused.value)
    originals = json.loads(as_text["payload"])
    if as_text.get("encoding") == b"base64":
        originals = {name: base64.b64decode(value) for name, value in originals.items()}
    found = {raw(name): raw(value) for name, value in originals.items()}
    assert found == dict(zip(map(raw, fields[::2]), map(raw, fields[1::2]), strict=True))
    assert [each.error for each in await log.list_dead(limit=9)] == [str(refused.value)]


@pytest.mark.parametrize("fields", POISON.values(), ids=POISON)
async def test_poison_that_is_replayed_is_as_it_was(
    redis: RedisDatabase, log: RedisEvents, fields: tuple[str | bytes, ...]
) -> None:
    await type_entry(redis, *fields)
    await log.bury(await receive_one(log), error="no")
    assert await log.replay([letter.id for letter in await log.list_dead(limit=9)]) == 1
    ((_, flat),) = await redis.execute("XRANGE", "chat_log", "-", "+")
    again = dict(zip(flat[::2], flat[1::2], strict=True))
    original = dict(zip(map(raw, fields[::2]), map(raw, fields[1::2]), strict=True))
    assert {name: again[name] for name in original} == original
    assert set(again) - set(original) <= {b"event_id"}  # it keeps the name by which it was known


def raw(text: str | bytes) -> bytes:
    """Return a field as it is in the stream."""
    return text.encode(errors="surrogateescape") if isinstance(text, str) else text


TWICE: dict[str, tuple[str | bytes, ...]] = {
    "a field twice": (*FLAT, "user_id", "other", "content", ""),
    "payload twice": ("payload", "no event", "payload", "neither"),
    "the same twice": ("payload", "no event", "payload", "no event"),
    "twice, not UTF-8": ("payload", b"\xff", b"\xfe", "x", "payload", b"\x00"),
}


@pytest.mark.parametrize("fields", TWICE.values(), ids=TWICE)
async def test_an_entry_with_a_field_twice_is_buried_and_put_back_as_it_was(
    redis: RedisDatabase, log: RedisEvents, fields: tuple[str | bytes, ...]
) -> None:
    await type_entry(redis, *fields)
    delivery = await receive_one(log)
    await log.bury(delivery, error="no")
    ((_, flat),) = await redis.execute("XRANGE", "chat_log:dlq", "-", "+")
    letter = dict(zip(flat[::2], flat[1::2], strict=True))
    is_coded = letter.get(b"encoding") == b"base64"
    pairs = [
        (raw(name), base64.b64decode(value) if is_coded else raw(value))
        for name, value in json.loads(letter[b"payload"])
    ]
    original = list(zip(map(raw, fields[::2]), map(raw, fields[1::2]), strict=True))
    assert pairs == original
    (shown,) = await log.list_dead(limit=9)
    assert shown.payload == (delivery.payload if b"payload" in dict(original) else shown.payload)
    assert await log.replay([shown.id]) == 1
    ((_, again),) = await redis.execute("XRANGE", "chat_log", "-", "+")
    assert list(zip(again[::2], again[1::2], strict=True))[: len(original)] == original
    repeated = await receive_one(log)
    assert (repeated.payload, repeated.event_id) == (delivery.payload, delivery.event_id)


async def test_an_entry_that_was_typed_with_two_owners_is_no_event(redis: RedisDatabase, log: RedisEvents) -> None:
    await type_entry(redis, *FLAT, "user_id", "other")
    with pytest.raises(InvalidEvent, match="Expected `object`, got `array`"):
        decode_event((await receive_one(log)).payload, entry_id="x", received_at=NOW)


async def test_a_scope_is_erased_from_letters_of_entries_with_a_field_twice(
    redis: RedisDatabase, log: RedisEvents
) -> None:
    await type_entry(redis, "user_id", "other", *FLAT)
    await log.bury(await receive_one(log), error="no")
    assert await log.erase(TYPED) == 1
    assert (await log.stats()).dead == 0


async def test_a_dead_letter_is_written_as_documented(redis: RedisDatabase, log: RedisEvents) -> None:
    event = make_event("e1", "tea 🍵")
    await log.publish(event)
    delivery = await receive_one(log)
    await log.leave(delivery, error="first", retry_in_s=0)
    await log.bury(await receive_one(log), error="the second time")
    ((_, flat),) = await redis.execute("XRANGE", "chat_log:dlq", "-", "+")
    letter = {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}
    failed_at = datetime.fromisoformat(letter.pop("failed_at"))
    assert failed_at.tzinfo is not None
    assert letter == {
        "source_stream": "chat_log",
        "source_id": delivery.handle,
        "event_id": "e1",
        "tenant_id": "acme",
        "user_id": "ana",
        "attempts": "2",
        "error": "the second time",
        "payload": json.dumps({"event_id": "e1", "payload": encode_event(event).decode()}, ensure_ascii=False),
    }


async def test_a_mended_letter_is_replayed_as_what_it_is_now(redis: RedisDatabase, log: RedisEvents) -> None:
    await type_entry(redis, "event_id", "e1", "payload", "not an event")
    await log.bury(await receive_one(log), error="no")
    (letter,) = await log.list_dead(limit=9)
    await log.drop([letter.id])
    event = make_event("e1")
    mended = {"event_id": "e1", "payload": encode_event(event).decode()}
    await type_entry(redis, "event_id", "e1", "payload", json.dumps(mended), stream="chat_log:dlq")
    await type_entry(redis, "payload", encode_event(make_event("e2")), stream="chat_log:dlq")
    letters = await log.list_dead(limit=9)
    assert [each.payload for each in letters] == [encode_event(event), encode_event(make_event("e2"))]
    assert await log.replay([each.id for each in letters]) == 2
    assert [decoded(each) for each in await log.receive(limit=9, wait_s=0)] == [event, make_event("e2")]


async def test_an_entry_without_an_event_id_keeps_its_name_when_it_is_replayed(
    redis: RedisDatabase, log: RedisEvents
) -> None:
    id = await type_entry(redis, *FLAT)
    await log.bury(await receive_one(log), error="no")
    (letter,) = await log.list_dead(limit=9)
    assert await log.replay([letter.id]) == 1
    again = await receive_one(log)
    assert (again.event_id, decoded(again).event_id) == (id, id)
    assert again.handle != id


async def test_a_letter_that_cannot_be_put_back_stays(redis: RedisDatabase, log: RedisEvents) -> None:
    await type_entry(redis, "note", "what is this?", stream="chat_log:dlq")
    for payload in ("{}", "[]", '[["payload"]]', '[["payload", 7]]', '["payload", "x"]', "[[7, 7]]"):
        await type_entry(redis, "payload", payload, stream="chat_log:dlq")
    letters = await log.list_dead(limit=9)
    assert await log.replay([letter.id for letter in letters]) == 0
    assert (await log.stats()).dead == 7


async def test_what_was_typed_is_erased_with_its_scope(redis: RedisDatabase, log: RedisEvents) -> None:
    for _ in range(3):
        await type_entry(redis, *FLAT)
    await type_entry(redis, "user_id", "somebody", "content", "hi")
    await log.bury(await receive_one(log), error="no")
    await log.ack(await receive_one(log))
    assert await log.erase(TYPED) == 3
    assert ((await log.stats()).length, (await log.stats()).dead) == (1, 0)


async def test_what_a_person_types_arrives(tmp_path: Path, log: RedisEvents) -> None:
    number = database_url(tmp_path).rpartition("/")[2]
    shared_redis().cli("-n", number, "XADD", "chat_log", "*", *FLAT)
    assert decoded(await receive_one(log)).messages[0].content == "hi"
