"""What adapters that talk to a provider do when it fails: one error of our tree with its cause, and nothing leaks."""

import asyncio
import itertools
from contextlib import aclosing
from typing import TypeAlias

import aiohttp
import pytest

from memoryos_ports.errors import (
    MemoryOSError,
    QuotaExhausted,
    RateLimited,
    StreamCut,
    UpstreamAuthError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from memoryos_ports.llm import ChatChunk, ChatRequest, LlmAdapter
from tests.contract.llm.requests import make_request, stream_of
from tests.support.completion import Completion
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply, Stop

KEY = "sk-a-key-that-must-not-leak"

MANY_PIECES = tuple(f"{number} " for number in range(10_000))

_Errors: TypeAlias = type[MemoryOSError]

TRANSPORT_FAULTS = [
    pytest.param(Reply.reset(), UpstreamUnavailable, id="reset"),
    pytest.param(Reply.garbage(), UpstreamProtocolError, id="not HTTP"),
]
REFUSALS = [
    pytest.param(Reply.error(400, kind="invalid_request_error"), UpstreamRejected, id="400"),
    pytest.param(Reply.error(401, f"Incorrect API key: {KEY}"), UpstreamAuthError, id="401"),
    pytest.param(Reply.error(403), UpstreamAuthError, id="403"),
    pytest.param(Reply.error(408), UpstreamTimeout, id="408"),
    pytest.param(Reply.error(413, f"too large, {KEY}"), UpstreamRejected, id="413"),
    pytest.param(Reply.error(422), UpstreamRejected, id="422"),
    pytest.param(Reply.error(429), RateLimited, id="429"),
    pytest.param(Reply.error(500), UpstreamUnavailable, id="500"),
    pytest.param(Reply.error(503), UpstreamUnavailable, id="503"),
    pytest.param(Reply.error(504), UpstreamTimeout, id="504"),
    pytest.param(Reply.page(status=502), UpstreamUnavailable, id="502 with a page"),
    pytest.param(Reply.page(status=400), UpstreamRejected, id="400 with a page"),
    pytest.param(Reply.page(b"", status=429), RateLimited, id="429 with nothing"),
    pytest.param(Reply.page(b"moved", status=307), UpstreamProtocolError, id="a redirect"),
    pytest.param(Reply.page(b"<html>Sign in to this network</html>", status=200), UpstreamProtocolError, id="200 page"),
]


class LlmFaultContract:
    """Subclass it where a fixture `make` gives adapters, with any settings, that call `upstream` with `KEY`.

    The package's fixtures make of it `llm`, which is patient, and `hasty_llm`, which gives up soon. `upstream` speaks
    the adapter's dialect.
    """

    @pytest.fixture
    def good_reply(self) -> Reply:
        """An answer of three texts."""
        return Reply.text("one ", "two ", "three")

    @pytest.fixture
    def many_pieces(self) -> Reply:
        """Ten thousand texts."""
        return Reply.text(*MANY_PIECES)

    @pytest.mark.parametrize(("reply", "expected"), TRANSPORT_FAULTS)
    async def test_a_broken_connection_is_our_error_with_its_cause(
        self, llm: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession, reply: Reply, expected: _Errors
    ) -> None:
        upstream.always = reply

        for error in await errors_of_both(llm):
            assert type(error) is expected
            assert error.__cause__ is not None
        assert_idle(session)

    async def test_a_provider_that_never_answers_times_out(
        self, hasty_llm: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession
    ) -> None:
        upstream.always = Reply.hang()

        for error in await errors_of_both(hasty_llm):
            assert type(error) is UpstreamTimeout
            assert error.__cause__ is not None
        assert_idle(session)

    @pytest.mark.parametrize(
        ("reply", "expected"),
        [(Reply.error(401, f"Incorrect API key: {KEY}"), UpstreamAuthError), (Reply.error(503), UpstreamUnavailable)],
    )
    async def test_a_provider_that_refuses_us_or_is_down_is_not_reached(
        self, llm: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession, reply: Reply, expected: _Errors
    ) -> None:
        upstream.always = reply

        with pytest.raises(expected) as caught:
            await llm.reach()

        assert KEY not in str(caught.value)
        assert_idle(session)

    async def test_a_provider_that_is_not_there_is_not_reached(self, llm: LlmAdapter, upstream: FakeUpstream) -> None:
        await upstream.refuse()

        with pytest.raises(UpstreamUnavailable) as caught:
            await llm.reach()

        assert caught.value.__cause__ is not None

    async def test_a_refused_connection_is_unavailable(
        self, llm: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession
    ) -> None:
        await upstream.refuse()

        for error in await errors_of_both(llm):
            assert type(error) is UpstreamUnavailable
            assert error.__cause__ is not None
            assert "127.0.0.1" not in str(error)
        assert_idle(session)

    @pytest.mark.parametrize(("reply", "expected"), REFUSALS)
    async def test_a_refusal_is_the_error_of_its_status_and_tells_no_secret(
        self, llm: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession, reply: Reply, expected: _Errors
    ) -> None:
        upstream.always = reply

        for error in await errors_of_both(llm):
            assert type(error) is expected
            assert KEY not in f"{error!s} {error!r} {vars(error)}"
            assert "<" not in str(error)
        assert_idle(session)

    async def test_a_refusal_says_how_long_to_wait(self, llm: LlmAdapter, upstream: FakeUpstream) -> None:
        upstream.always = Reply.error(429, headers={"retry-after": "17"})

        for error in await errors_of_both(llm):
            assert isinstance(error, RateLimited)
            assert error.retry_after_s == 17

    async def test_no_quota_is_not_a_rate_limit(self, llm: LlmAdapter, upstream: FakeUpstream) -> None:
        upstream.always = Reply.error(402)

        for error in await errors_of_both(llm):
            assert type(error) is QuotaExhausted

    async def test_broken_json_is_a_protocol_error_with_its_cause(
        self, llm: LlmAdapter, upstream: FakeUpstream
    ) -> None:
        upstream.next(Reply.broken_json())

        with pytest.raises(UpstreamProtocolError) as caught:
            await llm.chat(make_request())
        assert caught.value.__cause__ is not None

    async def test_the_adapter_never_retries(self, llm: LlmAdapter, upstream: FakeUpstream) -> None:
        upstream.next(Reply.error(500), Reply.error(500))

        await errors_of_both(llm)

        assert len(upstream.requests) == 2
        assert await llm.chat(make_request())

    async def test_a_whole_answer_that_breaks_off_is_an_error(
        self, llm: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession, good_reply: Reply
    ) -> None:
        upstream.next(good_reply.stopping("reset", after=1), good_reply.stopping("end", after=1))

        for _ in range(2):
            with pytest.raises((UpstreamUnavailable, UpstreamProtocolError)) as caught:
                await llm.chat(make_request())
            assert caught.value.__cause__ is not None
        assert_idle(session)

    @pytest.mark.parametrize("stop", ["end", "reset"])
    async def test_a_stream_that_breaks_off_is_cut_after_what_came(
        self, llm: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession, good_reply: Reply, stop: Stop
    ) -> None:
        upstream.next(good_reply.stopping(stop, after=2))

        chunks, error = await broken_stream(llm, make_request())

        assert chunks
        assert type(error) is StreamCut
        assert_idle(session)

    async def test_a_stream_cut_after_any_of_its_events_never_says_how_it_ended(
        self, llm: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession
    ) -> None:
        completion = Completion(
            reasoning="hm", pieces=("one ", "two"), tools=(("call_1", "f", '{"a":1}'),), finish_reason="tool_calls"
        )
        for after in itertools.count(1):
            upstream.next(Reply(completion=completion).stopping("end", after=after))
            chunks, error = await outcome_of(llm, make_request())
            ended = any(delta.finish_reason for chunk in chunks for delta in chunk.deltas)
            assert ended is (error is None), after
            if error is None:
                break
            assert isinstance(error, StreamCut | UpstreamProtocolError | UpstreamUnavailable)
        assert after >= 3
        assert_idle(session)

    async def test_a_stream_that_stops_talking_times_out(
        self, hasty_llm: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession, good_reply: Reply
    ) -> None:
        upstream.next(good_reply.stopping("hang", after=2))

        chunks, error = await broken_stream(hasty_llm, make_request())

        assert chunks
        assert type(error) is UpstreamTimeout
        assert_idle(session)

    async def test_the_first_list_comes_with_the_first_event(
        self, llm: LlmAdapter, upstream: FakeUpstream, good_reply: Reply
    ) -> None:
        upstream.next(good_reply.stopping("hang", after=1))

        async with asyncio.timeout(5), aclosing(llm.chat_stream(make_request())) as stream:
            assert await anext(stream)

    async def test_closing_a_stream_closes_the_call_at_once(
        self, llm: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession, good_reply: Reply
    ) -> None:
        upstream.next(good_reply.stopping("hang", after=1))

        async with asyncio.timeout(5):
            async with aclosing(llm.chat_stream(make_request())) as stream:
                await anext(stream)
            assert_idle(session)
            await upstream.requests[0].left.wait()

    @pytest.mark.parametrize("streamed", [False, True])
    async def test_cancelling_closes_the_call_at_once(
        self, llm: LlmAdapter, upstream: FakeUpstream, session: aiohttp.ClientSession, streamed: bool
    ) -> None:
        upstream.next(Reply.hang())
        request = make_request()
        task = asyncio.create_task(stream_of(llm, request)) if streamed else asyncio.create_task(llm.chat(request))

        async with asyncio.timeout(5):
            received = await upstream.next_request()
            task.cancel()
            await asyncio.wait([task])
            assert_idle(session)
            await received.left.wait()
        assert task.cancelled()

    async def test_what_memory_recalled_is_not_sent_a_second_time(
        self, llm: LlmAdapter, upstream: FakeUpstream
    ) -> None:
        request = make_request(recalled=("a very private memory",))

        await llm.chat(request)
        await stream_of(llm, request)

        assert [b"private" in received.body for received in upstream.requests] == [False, False]

    async def test_ten_thousand_tiny_pieces_arrive_in_order(
        self, llm: LlmAdapter, upstream: FakeUpstream, many_pieces: Reply
    ) -> None:
        upstream.next(many_pieces)

        async with asyncio.timeout(30):
            chunks = await stream_of(llm, make_request())

        assert "".join(delta.content or "" for chunk in chunks for delta in chunk.deltas) == "".join(MANY_PIECES)


async def errors_of_both(llm: LlmAdapter) -> list[MemoryOSError]:
    """Return what a whole answer and a stream raise; a stream must not have answered anything."""
    async with asyncio.timeout(10):
        with pytest.raises(MemoryOSError) as whole:
            await llm.chat(make_request())
        chunks, error = await broken_stream(llm, make_request())
    assert chunks == []
    return [whole.value, error]


async def broken_stream(llm: LlmAdapter, request: ChatRequest) -> tuple[list[ChatChunk], MemoryOSError]:
    """Return the chunks of a stream that fails, and its error."""
    arrived, error = await outcome_of(llm, request)
    assert error is not None, "the stream ended as if it were complete"
    return arrived, error


async def outcome_of(llm: LlmAdapter, request: ChatRequest) -> tuple[list[ChatChunk], MemoryOSError | None]:
    """Return the chunks of a stream, and its error if it fails."""
    arrived: list[ChatChunk] = []
    async with asyncio.timeout(10):
        try:
            async for chunks in llm.chat_stream(request):
                arrived.extend(chunks)
        except MemoryOSError as error:
            return arrived, error
    return arrived, None


def assert_idle(session: aiohttp.ClientSession) -> None:
    """Check that no connection of the session is in use."""
    assert session.connector is not None
    assert not session.connector._acquired
