"""Bodies and headers that are wrong: 400 that names the field, 413, 415; nothing is asked of a provider or stored."""

import gzip
from typing import Any

import msgspec
import pytest
from openai import AsyncOpenAI, BadRequestError

from tests.service.chat.person import CHAT, Person, user
from tests.support.fake_upstream import FakeUpstream
from tests.support.wire import connected

pytestmark = pytest.mark.asyncio(loop_scope="package")

HI = b'"messages":[{"role":"user","content":"Hi"}]'
LIMIT = 20 * 1024 * 1024

NO_JSON = [
    pytest.param(b"", id="empty"),
    pytest.param(b" ", id="blank"),
    pytest.param(b'{"model":"m-1",' + HI, id="truncated"),
    pytest.param(b'{"model":"m-1",' + HI + b"} {}", id="more after the end"),
    pytest.param(b"model=m-1", id="a form"),
    pytest.param(b"[]", id="array"),
    pytest.param(b'"text"', id="string"),
    pytest.param(b"null", id="null"),
    pytest.param(b'\xef\xbb\xbf{"model":"m-1",' + HI + b"}", id="byte order mark"),
    pytest.param(b'{"model":"m-1","user":"\xff",' + HI + b"}", id="not UTF-8"),
    pytest.param(b'{"model":"m-1","x":"\xed\xa0\x80",' + HI + b"}", id="a surrogate in UTF-8"),
    pytest.param(b'{"model":"m-1","x":' + b"[" * 100_000 + b"]" * 100_000 + b"," + HI + b"}", id="too deep"),
    pytest.param('{"model":"m-1"}'.encode("utf-16"), id="UTF-16"),
]

NAMED: list[Any] = [
    pytest.param(b'{"model":"m-1","temperature":NaN,' + HI + b"}", "temperature", id="NaN"),
    pytest.param(b'{"model":"m-1","x":{"y":[1,-Infinity]},' + HI + b"}", "x.y[1]", id="-Infinity inside"),
    pytest.param(b"{" + HI + b"}", "model", id="no model"),
    pytest.param(b'{"model":null,' + HI + b"}", "model", id="model null"),
    pytest.param(b'{"model":5,' + HI + b"}", "model", id="model number"),
    pytest.param(b'{"model":"",' + HI + b"}", "model", id="model empty"),
    pytest.param(b'{"model":"m-1"}', "messages", id="no messages"),
    pytest.param(b'{"model":"m-1","messages":[]}', "messages", id="messages empty"),
    pytest.param(b'{"model":"m-1","messages":null}', "messages", id="messages null"),
    pytest.param(b'{"model":"m-1","messages":{}}', "messages", id="messages object"),
    pytest.param(b'{"model":"m-1","messages":["Hi"]}', "messages[0]", id="message text"),
    pytest.param(b'{"model":"m-1","messages":[null]}', "messages[0]", id="message null"),
    pytest.param(b'{"model":"m-1","messages":[{"content":"Hi"}]}', "messages[0].role", id="no role"),
    pytest.param(b'{"model":"m-1","messages":[{"role":"boss","content":"Hi"}]}', "messages[0].role", id="role unknown"),
    pytest.param(b'{"model":"m-1","messages":[{"role":1}]}', "messages[0].role", id="role number"),
    pytest.param(
        b'{"model":"m-1","messages":[{"role":"user","content":"a"},{"role":"user","content":5}]}',
        "messages[1].content",
        id="content number",
    ),
    pytest.param(
        b'{"model":"m-1","messages":[{"role":"user","content":{"type":"text"}}]}',
        "messages[0].content",
        id="content object",
    ),
    pytest.param(
        b'{"model":"m-1","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"text":"b"}]}]}',
        "messages[0].content[1].type",
        id="a part without a type",
    ),
    pytest.param(
        b'{"model":"m-1","messages":[{"role":"user","content":[{"type":"text","text":7}]}]}',
        "messages[0].content[0].text",
        id="a part's text number",
    ),
    pytest.param(
        b'{"model":"m-1","messages":[{"role":"user","content":[{"type":"image_url","image_url":"http://x"}]}]}',
        "messages[0].content[0].image_url",
        id="an image that is no object",
    ),
    pytest.param(
        b'{"model":"m-1","messages":[{"role":"user","content":"\\ud800"}]}', "messages[0].content", id="lone surrogate"
    ),
    pytest.param(b'{"model":"m-1","messages":[{"role":"user"}]}', "messages[0].content", id="no content"),
    pytest.param(b'{"model":"m-1","messages":[{"role":"tool","content":null}]}', "messages[0].content", id="null"),
    pytest.param(b'{"model":"m-1","stream":"yes",' + HI + b"}", "stream", id="stream text"),
    pytest.param(b'{"model":"m-1","stream":1,' + HI + b"}", "stream", id="stream number"),
    pytest.param(b'{"model":"m-1","stream_options":true,' + HI + b"}", "stream_options", id="stream_options flag"),
    pytest.param(b'{"model":"m-1","user":5,' + HI + b"}", "user", id="user number"),
    pytest.param(b'{"model":"m-1","user_id":["a"],' + HI + b"}", "user_id", id="user_id array"),
]

BAD_IDS = ["", "-starts-with-a-dash", "has space", "ümlaut", "a" * 129, "a/b", "*"]


@pytest.mark.parametrize("body", NO_JSON)
async def test_a_body_that_is_no_json_object_is_refused(person: Person, upstream: FakeUpstream, body: bytes) -> None:
    answer = await person.post(body)
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert "JSON" in answer.error["message"]
    assert upstream.requests == []


@pytest.mark.parametrize(("body", "param"), NAMED)
async def test_a_wrong_field_is_named(person: Person, upstream: FakeUpstream, body: bytes, param: str) -> None:
    answer = await person.post(body)
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["param"] == param
    assert upstream.requests == []
    assert await person.remembered() == []


async def test_the_sdk_raises_bad_request_with_the_field(sdk: AsyncOpenAI) -> None:
    messages: Any = [{"role": "boss", "content": "Hi"}]
    with pytest.raises(BadRequestError) as caught:
        await sdk.chat.completions.create(model="m-1", messages=messages)
    assert caught.value.param == "messages[0].role"
    assert caught.value.type == "invalid_request_error"


async def test_a_field_that_stands_twice_is_named(person: Person, upstream: FakeUpstream) -> None:
    answer = await person.post(b'{"model":"m-3","model":"m-1",' + HI + b"}")
    assert (answer.status, answer.error["param"]) == (400, "model")
    assert upstream.requests == []
    assert await person.remembered() == []


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_another_content_type_is_refused(person: Person, media: str) -> None:
    answer = await person.post(person.body("Hi"), headers={"content-type": media})
    assert answer.status == 400
    assert "application/json" in answer.error["message"]


@pytest.mark.parametrize("media", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json"])
async def test_json_by_any_of_its_names_is_taken(person: Person, media: str) -> None:
    assert (await person.post(person.body("Hi"), headers={"content-type": media})).status == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP"])
async def test_a_compressed_body_is_415(person: Person, encoding: str) -> None:
    answer = await person.post(gzip.compress(person.body("Hi")), headers={"content-encoding": encoding})
    assert (answer.status, answer.error["code"]) == (415, "unsupported_media_type")


async def test_a_body_that_is_announced_over_the_limit_is_413_unread(person: Person) -> None:
    async with connected(person.url) as connection:
        head = f"POST {CHAT} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        connection.writer.write(f"{head}content-length: {LIMIT + 1}\r\n\r\n".encode())
        answer = (await connection.read_until(b"}}")).decode().lower()
    assert answer.startswith("http/1.1 413 ")
    assert "x-request-id: " in answer
    assert '"code":"request_too_large"' in answer


async def test_a_body_that_grows_over_the_limit_is_413(person: Person) -> None:
    megabyte = b" " * (1024 * 1024)
    async with connected(person.url) as connection:
        head = f"POST {CHAT} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        connection.writer.write(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
        for _ in range(21):
            connection.writer.write(b"100000\r\n" + megabyte + b"\r\n")
            await connection.writer.drain()
        answer = (await connection.read_until(b"}}")).decode().lower()
    assert answer.startswith("http/1.1 413 ")
    assert "x-request-id: " in answer


async def test_a_body_just_under_the_limit_is_served(person: Person, upstream: FakeUpstream) -> None:
    image = "data:image/png;base64," + "A" * (LIMIT - 1024)
    answer = await person.chat(user([{"type": "image_url", "image_url": {"url": image}}]))
    assert answer.status == 200
    assert upstream.requests[0].json["messages"][0]["content"][0]["image_url"]["url"] == image
    assert await person.remembered() == [("user", "[image]"), ("assistant", "Hello!")]


@pytest.mark.parametrize("value", BAD_IDS)
@pytest.mark.parametrize("name", ["X-User-ID", "X-Session-ID", "X-Agent-ID", "Idempotency-Key"])
async def test_a_malformed_id_in_a_header_is_named(
    person: Person, upstream: FakeUpstream, name: str, value: str
) -> None:
    answer = await person.post(person.body("Hi"), headers={name.lower(): value})
    assert answer.status == 400
    assert answer.error["param"] == name
    assert upstream.requests == []


@pytest.mark.parametrize("value", ["a b", "a/b", "a" * 129])
@pytest.mark.parametrize("name", ["user", "user_id"])
async def test_a_malformed_user_in_the_body_is_named(person: Person, name: str, value: str) -> None:
    person.headers = {}
    answer = await person.post(msgspec.json.encode({"model": "m-1", "messages": [user("Hi")], name: value}))
    assert (answer.status, answer.error["param"]) == (400, name)


@pytest.mark.parametrize("mode", ["", "FULL", "rw"])
async def test_an_unknown_mode_is_named(person: Person, mode: str) -> None:
    answer = await person.post(person.body("Hi"), headers={"x-memoryos-mode": mode})
    assert (answer.status, answer.error["param"]) == (400, "X-MemoryOS-Mode")
