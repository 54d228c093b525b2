"""Clients that leave early: the provider's call ends, and what was said so far is remembered."""

import asyncio

import pytest
from openai import AsyncOpenAI

from tests.service.chat.person import CHAT, Person
from tests.support.fake_upstream import FakeUpstream
from tests.support.held_upstream import HeldUpstream
from tests.support.replies import Reply
from tests.support.wire import connected

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_stream_closed_by_the_sdk_stores_the_turn_and_what_was_sent(
    person: Person, sdk: AsyncOpenAI, held: HeldUpstream
) -> None:
    held.release(2)
    async with asyncio.timeout(10):
        stream = await sdk.chat.completions.create(
            model="held/x", messages=[{"role": "user", "content": "Tell me"}], stream=True
        )
        async for chunk in stream:
            if chunk.choices[0].delta.content == "one,":
                break
        await stream.close()
        await held.left.get()
    await person.will_remember(("user", "Tell me"), ("assistant", "one,"))


async def test_a_stream_whose_socket_is_reset_stores_the_turn_and_what_was_sent(
    person: Person, held: HeldUpstream
) -> None:
    held.release(2)
    async with asyncio.timeout(10), connected(person.url) as connection:
        await connection.post(CHAT, person.body("Tell me", model="held/x", stream=True), person.headers)
        await connection.read_until(b'"one,"')
        connection.reset()
        await held.left.get()
    await person.will_remember(("user", "Tell me"), ("assistant", "one,"))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_client_that_leaves_before_the_first_token_has_its_turn_remembered(
    person: Person, held: HeldUpstream, stream: bool
) -> None:
    async with asyncio.timeout(10), connected(person.url) as connection:
        await connection.post(CHAT, person.body("Are you there?", model="held/x", stream=stream), person.headers)
        await held.arrived.get()
        connection.reset()
        await held.left.get()
    await person.will_remember(("user", "Are you there?"))


async def test_the_request_that_was_hung_up_on_and_comes_again_adds_only_its_answer(
    person: Person, held: HeldUpstream
) -> None:
    async with asyncio.timeout(10), connected(person.url) as connection:
        await connection.post(CHAT, person.body("Again", model="held/x"), person.headers)
        await held.arrived.get()
        connection.reset()
        await held.left.get()
    await person.will_remember(("user", "Again"))
    await person.chat("Again")
    assert await person.remembered() == [("user", "Again"), ("assistant", "Hello!")]


async def test_the_answer_to_a_repeated_request_supersedes_the_part_that_was_cut(
    person: Person, held: HeldUpstream
) -> None:
    held.release(2)
    async with asyncio.timeout(10), connected(person.url) as connection:
        await connection.post(CHAT, person.body("Tell me", model="held/x", stream=True), person.headers)
        await connection.read_until(b'"one,"')
        connection.reset()
        await held.left.get()
    await person.will_remember(("user", "Tell me"), ("assistant", "one,"))
    await person.chat("Tell me")
    assert ("assistant", "Hello!") in await person.remembered()
    hits = await person.search("one")
    assert "one," not in [hit["text"] for hit in hits]


async def test_a_client_in_read_mode_that_leaves_is_not_remembered(person: Person, held: HeldUpstream) -> None:
    async with asyncio.timeout(10), connected(person.url) as connection:
        headers = {**person.headers, "x-memoryos-mode": "read"}
        await connection.post(CHAT, person.body("Psst", model="held/x"), headers)
        await held.arrived.get()
        connection.reset()
        await held.left.get()
    await person.chat("And now?")
    assert await person.remembered() == [("user", "And now?"), ("assistant", "Hello!")]


async def test_a_client_that_leaves_while_it_sends_its_body_asks_nothing_of_a_provider(
    person: Person, held: HeldUpstream
) -> None:
    body = person.body("Half of this", model="held/x")
    async with asyncio.timeout(10), connected(person.url) as connection:
        head = f"POST {CHAT} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        connection.writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body[:20])
        await connection.writer.drain()
        connection.reset()
    assert (await person.chat("Still well?")).status == 200
    assert held.arrived.empty()


async def test_a_client_may_ask_the_next_thing_on_the_connection_of_a_finished_stream(person: Person) -> None:
    async with asyncio.timeout(10), connected(person.url) as connection:
        for _ in range(2):
            await connection.post(CHAT, person.body("Hi", stream=True), person.headers)
            assert b" 200 " in await connection.read_until(b"\r\n")
            await connection.read_until(b"data: [DONE]\n\n\r\n0\r\n\r\n")


async def test_a_provider_that_cuts_its_stream_leaves_what_was_sent_in_memory(
    person: Person, upstream: FakeUpstream
) -> None:
    upstream.next(Reply.text("one,", "two", "three").stopping("end", after=2))
    answer = await person.chat("Tell me", stream=True)
    assert answer.chunks[-1]["error"]["code"] == "stream_cut"
    await person.will_remember(("user", "Tell me"), ("assistant", "one,"))
