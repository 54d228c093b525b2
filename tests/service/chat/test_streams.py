"""Streams on the wire, as the official SDK and a plain reader see them (wire contract S1-S14)."""

import asyncio
import socket

import pytest
from openai import APIError, AsyncOpenAI, InternalServerError

from memoryos_gateway.server import listen
from tests.service.chat.person import CHAT, Person, assistant
from tests.support.fake_upstream import FakeUpstream
from tests.support.held_upstream import HeldUpstream
from tests.support.openai_answers import choice_delta, chunk
from tests.support.replies import Reply
from tests.support.wire import connected

pytestmark = pytest.mark.asyncio(loop_scope="package")

MODELS = ["m-1", "offline/any"]


@pytest.mark.parametrize("model", MODELS)
async def test_the_headers_of_a_stream(person: Person, model: str) -> None:
    answer = await person.chat("Hi", model=model, stream=True)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in answer.headers
    assert {"x-request-id", "x-memoryos-memory", "x-memoryos-route", "x-memoryos-event"} <= answer.headers.keys()


@pytest.mark.parametrize("model", MODELS)
async def test_every_event_is_one_line_of_data_and_the_last_says_done(person: Person, model: str) -> None:
    answer = await person.chat("Hi", model=model, stream=True)
    assert answer.body.endswith(b"\n\n")
    assert all(event.startswith("data: ") and "\n" not in event for event in answer.events)
    assert answer.events[-1] == "data: [DONE]"
    assert answer.body.count(b"[DONE]") == 1


@pytest.mark.parametrize("model", MODELS)
async def test_the_role_comes_first_and_one_finish_comes_last(person: Person, model: str) -> None:
    chunks = (await person.chat("Hi", model=model, stream=True)).chunks
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert all("role" not in chunk["choices"][0]["delta"] for chunk in chunks[1:])
    ends = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert ends == [None] * (len(chunks) - 1) + ["stop"]
    assert chunks[-1]["choices"][0]["delta"] == {}
    assert {(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in chunks} == {
        (chunks[0]["id"], chunks[0]["created"], chunks[0]["model"], "chat.completion.chunk")
    }


@pytest.mark.parametrize("model", MODELS)
async def test_usage_comes_in_a_chunk_of_its_own_to_those_who_ask(person: Person, model: str) -> None:
    *chunks, last = (await person.chat("Hi", model=model, stream=True, stream_options={"include_usage": True})).chunks
    assert [chunk["usage"] for chunk in chunks] == [None] * len(chunks)
    assert last["choices"] == []
    usage = last["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"include_obfuscation": True}])
@pytest.mark.parametrize("model", MODELS)
async def test_usage_does_not_come_unasked(person: Person, model: str, options: dict[str, bool] | None) -> None:
    chunks = (await person.chat("Hi", model=model, stream=True, stream_options=options)).chunks
    assert all(chunk["choices"] and not chunk.get("usage") for chunk in chunks)


async def test_parallel_tool_calls_arrive_under_their_own_index(
    person: Person, sdk: AsyncOpenAI, upstream: FakeUpstream
) -> None:
    upstream.next(Reply.tools(("call_a", "one", '{"x": 1}'), ("call_b", "two", '{"y": "é"}')))
    async with sdk.chat.completions.stream(model="m-1", messages=[{"role": "user", "content": "Go"}]) as stream:
        completion = await stream.get_final_completion()
    calls = completion.choices[0].message.tool_calls or []
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == [
        ("call_a", "one", '{"x": 1}'),
        ("call_b", "two", '{"y": "é"}'),
    ]
    assert completion.choices[0].finish_reason == "tool_calls"


async def test_two_choices_interleave_and_the_first_is_remembered(person: Person, upstream: FakeUpstream) -> None:
    deltas = [({"role": "assistant", "content": ""}, None), ({"content": "A"}, None), ({}, "stop")]
    events = [chunk(choice_delta(delta, end, index=index)) for delta, end in deltas for index in (1, 0)]
    events[2] = chunk(choice_delta({"content": "not this"}, index=1))
    upstream.next(Reply.events(*events))
    answer = await person.chat("Hi", stream=True, n=2)
    assert [chunk["choices"][0]["index"] for chunk in answer.chunks] == [1, 0] * 3
    assert await person.remembered() == [("user", "Hi"), ("assistant", "A")]


async def test_text_of_every_script_survives_whatever_packets_split(person: Person, sdk: AsyncOpenAI) -> None:
    await person.chat("Ich mag Grüntee 🍵 und 緑茶", headers={"x-session-id": "before"})
    stream = await sdk.chat.completions.create(
        model="offline/any", messages=[{"role": "user", "content": "Mag ich Grüntee 緑茶?"}], stream=True
    )
    pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "Ich mag Grüntee 🍵 und 緑茶" in "".join(pieces)


async def test_a_chunk_is_passed_on_before_the_provider_sends_the_next(sdk: AsyncOpenAI, held: HeldUpstream) -> None:
    async with asyncio.timeout(10):
        held.release()
        stream = await sdk.chat.completions.create(
            model="held/x", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        chunks = aiter(stream)
        assert (await anext(chunks)).choices[0].delta.role == "assistant"
        for expected in ("one,", " two", None):
            held.release()
            assert (await anext(chunks)).choices[0].delta.content == expected
        held.release(2)
        assert [chunk async for chunk in chunks] == []


async def test_an_event_is_durable_when_done_is_read(person: Person) -> None:
    async with asyncio.timeout(10), connected(person.url) as connection:
        await connection.post(CHAT, person.body("Hi", stream=True), person.headers)
        head = (await connection.read_until(b"\r\n\r\n")).decode().lower()
        event_id = head.partition("x-memoryos-event: ")[2].partition("\r\n")[0]
        await connection.read_until(b"[DONE]")
        assert (await person.event(event_id)).status == 200
    assert await person.remembered() == [("user", "Hi"), ("assistant", "Hello!")]


async def test_a_streamed_exchange_leaves_what_a_whole_one_leaves(person: Person, upstream: FakeUpstream) -> None:
    upstream.next(Reply.text("Hel", "lo", "!"))
    await person.chat("Hi", stream=True)
    await person.chat("Hi", assistant("Hello!"), "Bye", stream=True)
    expected = [("user", "Hi"), ("assistant", "Hello!"), ("user", "Bye"), ("assistant", "Hello!")]
    assert await person.remembered() == expected


@pytest.mark.parametrize("stop", ["end", "reset"])
async def test_a_stream_that_breaks_ends_with_an_error_and_no_false_stop(
    person: Person, upstream: FakeUpstream, stop: str
) -> None:
    upstream.next(Reply.text("one", "two", "three").stopping("end" if stop == "end" else "reset", after=3))
    answer = await person.chat("Hi", stream=True)
    *chunks, last = answer.chunks
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == "onetwo"
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks)
    assert last["error"]["code"] == "stream_cut"
    assert last["error"].keys() == {"message", "type", "param", "code"}
    assert answer.events[-1] == "data: [DONE]"


async def test_the_sdk_raises_for_an_error_inside_a_stream(sdk: AsyncOpenAI, upstream: FakeUpstream) -> None:
    upstream.next(
        Reply.events(chunk(choice_delta({"role": "assistant", "content": "Hm"})), {"error": {"message": "x"}})
    )
    stream = await sdk.chat.completions.create(model="m-1", messages=[{"role": "user", "content": "?"}], stream=True)
    with pytest.raises(APIError):
        async for _ in stream:
            pass


@pytest.mark.parametrize(
    "reply",
    [Reply.error(500), Reply.reset(), Reply.page(), Reply.events(done=True), Reply.events({"error": {"message": "x"}})],
    ids=["500", "reset", "html", "nothing but done", "an error as the first event"],
)
async def test_a_fault_before_the_first_token_is_a_status_and_json(
    person: Person, upstream: FakeUpstream, reply: Reply
) -> None:
    upstream.next(reply)
    answer = await person.chat("Hi", stream=True)
    assert answer.status == 502
    assert answer.headers["content-type"] == "application/json"
    assert answer.error["type"] == "server_error"


async def test_the_sdk_raises_for_a_fault_before_the_first_token(sdk: AsyncOpenAI, upstream: FakeUpstream) -> None:
    upstream.next(Reply.error(500))
    with pytest.raises(InternalServerError):
        await sdk.chat.completions.create(model="m-1", messages=[{"role": "user", "content": "?"}], stream=True)


async def test_streams_that_were_hung_up_on_leave_no_task_behind(person: Person, held: HeldUpstream) -> None:
    await person.chat("Hi")
    before = asyncio.all_tasks()
    for released in (0, 1, 2):
        async with asyncio.timeout(10), connected(person.url) as connection:
            held.release(released)
            await connection.post(CHAT, person.body(f"{released}", model="held/x", stream=True), person.headers)
            await held.arrived.get()
            if released:
                await connection.read_until(b'"assistant"')
            connection.reset()
            await held.left.get()
    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > len(before):  # those of the gateway itself come and go, one for another
            await person.event("none")


async def test_connections_of_our_listener_send_at_once() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
