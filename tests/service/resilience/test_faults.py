"""Every way in which a provider fails ends in the right status or error chunk, in time, and leaves nothing open."""

import asyncio

import msgspec
import pytest
from openai import APIError, APIStatusError, AsyncOpenAI

from memoryos_adapters.settings import Settings
from tests.service.chat.person import CHAT, Person
from tests.support.fake_upstream import FakeUpstream
from tests.support.gateway import RunningGateway
from tests.support.openai_answers import choice_delta, chunk
from tests.support.replies import Reply, Stop
from tests.support.wire import connected

STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
MODEL = "far/f-1"

FAULTS = {
    "500": (Reply.error(500), 502, "upstream_unavailable", 3),
    "reset": (Reply.reset(), 502, "upstream_unavailable", 3),
    "HTML": (Reply.page(), 502, "upstream_unavailable", 3),
    "HTML under a 200": (Reply.page(status=200), 502, "upstream_protocol_error", 3),
    "garbage": (Reply.garbage(), 502, "upstream_protocol_error", 3),
    "429 for a moment": (Reply.error(429, headers={"retry-after-ms": "20"}), 429, "rate_limit_exceeded", 3),
    "429 for an hour": (Reply.error(429, headers={"retry-after": "3600"}), 429, "rate_limit_exceeded", 1),
    "503 for an hour": (Reply.error(503, headers={"retry-after": "3600"}), 503, "upstream_unavailable", 1),
    "no quota": (Reply.error(429, code="insufficient_quota"), 429, "insufficient_quota", 1),
    "a wrong key": (Reply.error(401), 502, "upstream_auth_error", 1),
    "a wrong request": (Reply.error(400, code="bad_thing"), 400, "bad_thing", 1),
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The usual ones, but the far provider's whole answers time out soon as well."""
    far = msgspec.structs.replace(settings.llm.providers["far"], total_timeout_s=2.0)
    llm = msgspec.structs.replace(settings.llm, providers={**settings.llm.providers, "far": far})
    return msgspec.structs.replace(settings, llm=llm)


@STREAMED
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_its_status_after_the_tries_that_make_sense(
    person: Person, far: FakeUpstream, fault: str, streamed: bool
) -> None:
    far.always, status, code, tries = FAULTS[fault]

    answer = await person.chat("Hi", model=MODEL, stream=streamed)

    assert (answer.status, answer.error["code"]) == (status, code)
    assert len(far.requests) == tries
    assert answer.headers["x-memoryos-tries"] == str(tries)
    is_final = tries > 1 or code in ("insufficient_quota", "upstream_auth_error")
    assert answer.headers.get("x-should-retry") == ("false" if is_final else None)
    if "hour" in fault:
        assert answer.headers["retry-after"] == "3600"


@STREAMED
async def test_a_refused_connection_is_a_502(person: Person, far: FakeUpstream, streamed: bool) -> None:
    await far.refuse()

    answer = await person.chat("Hi", model=MODEL, stream=streamed)

    assert (answer.status, answer.error["code"]) == (502, "upstream_unavailable")
    assert answer.headers["x-memoryos-tries"] == "3"


@STREAMED
async def test_a_provider_that_hangs_before_its_headers_is_a_504(
    person: Person, far: FakeUpstream, streamed: bool
) -> None:
    far.always = Reply.hang()

    async with asyncio.timeout(10):
        answer = await person.chat("Hi", model=MODEL, stream=streamed)

    assert (answer.status, answer.error["code"]) == (504, "upstream_timeout")


@STREAMED
async def test_two_failures_and_then_an_answer_are_an_answer(person: Person, far: FakeUpstream, streamed: bool) -> None:
    far.next(Reply.error(500), Reply.error(500))

    answer = await person.chat("Hi", model=MODEL, stream=streamed)

    assert answer.status == 200
    assert answer.headers["x-memoryos-tries"] == "3"
    assert "x-should-retry" not in answer.headers


@pytest.mark.parametrize("stop", ["end", "reset", "hang"])
async def test_a_stream_that_stops_half_way_ends_with_an_error_and_nobody_else_is_asked(
    person: Person, far: FakeUpstream, stop: Stop
) -> None:
    far.next(Reply.text("one ", "two ", "three").stopping(stop, after=3))

    async with asyncio.timeout(10):
        answer = await person.chat("Hi", model=MODEL, stream=True)

    assert answer.status == 200
    *chunks, last = answer.chunks
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks) == "one two "
    assert not any(chunk["choices"][0]["finish_reason"] for chunk in chunks)
    assert last["error"]["code"] == ("upstream_timeout" if stop == "hang" else "stream_cut")
    assert answer.events[-1] == "data: [DONE]"
    assert len(far.requests) == 1


@pytest.mark.parametrize("stop", ["end", "reset"])
async def test_a_stream_that_stops_before_its_first_word_is_tried_again(
    person: Person, far: FakeUpstream, stop: Stop
) -> None:
    far.next(Reply.text("one ", "two").stopping(stop, after=1))

    answer = await person.chat("Hi", model=MODEL, stream=True)

    assert [chunk["choices"][0]["delta"].get("content") for chunk in answer.chunks] == ["", "Hello!", None]
    assert answer.headers["x-memoryos-tries"] == "2"


async def test_ten_thousand_tiny_chunks_arrive(person: Person, near: FakeUpstream) -> None:
    texts = [f"{number} " for number in range(10_000)]
    near.next(Reply.text(*texts))

    async with asyncio.timeout(60):
        answer = await person.chat("Hi", model="near/n-1", stream=True)

    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in answer.chunks) == "".join(texts)


@STREAMED
async def test_a_client_that_leaves_ends_the_call_and_its_tries(
    person: Person, gateway: RunningGateway, far: FakeUpstream, streamed: bool
) -> None:
    far.always = Reply.hang()

    async with asyncio.timeout(10), connected(gateway.url) as connection:
        await connection.post(CHAT, person.body("Hi", model=MODEL, stream=streamed), person.headers)
        received = await far.next_request()
        connection.reset()
        await received.left.wait()

    assert len(far.requests) == 1


@STREAMED
async def test_the_sdk_does_not_multiply_our_tries(sdk: AsyncOpenAI, far: FakeUpstream, streamed: bool) -> None:
    far.always = Reply.error(500)

    with pytest.raises(APIStatusError) as caught:
        await sdk.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}], stream=streamed)

    assert caught.value.status_code == 502
    assert len(far.requests) == 3


async def test_the_sdk_raises_for_an_error_amid_a_stream(sdk: AsyncOpenAI, far: FakeUpstream) -> None:
    far.next(Reply.text("one ", "two").stopping("reset", after=2))
    stream = await sdk.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}], stream=True)

    with pytest.raises(APIError, match="far"):
        async for _ in stream:
            pass


async def test_a_provider_that_does_not_count_is_estimated(person: Person, far: FakeUpstream) -> None:
    first = chunk(choice_delta({"role": "assistant", "content": "Hel"}))
    last = chunk(choice_delta({"content": "lo"}, "stop"))
    far.next(Reply.events(first, last))

    answer = await person.chat("Hi", model=MODEL, stream=True, stream_options={"include_usage": True})

    *chunks, usage = answer.chunks
    assert "".join(event["choices"][0]["delta"].get("content") or "" for event in chunks) == "Hello"
    assert (usage["choices"], usage["usage"]["estimated"]) == ([], True)
