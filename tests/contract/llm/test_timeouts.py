"""Each of the four time-outs of a provider bounds what it says, and nothing else."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from memoryos_ports.errors import UpstreamTimeout
from tests.contract.llm.conftest import Make
from tests.contract.llm.faults import broken_stream
from tests.contract.llm.requests import deltas_of, make_request, stream_of
from tests.support.fake_upstream import FakeUpstream
from tests.support.openai_answers import choice_delta, chunk
from tests.support.replies import Reply


async def test_comments_keep_a_stream_alive(make: Make, upstream: FakeUpstream) -> None:
    first, comments = chunk(choice_delta({"role": "assistant", "content": "Hi"})), [b": alive\n\n"] * 15
    upstream.next(Reply.events(first, *comments, chunk(choice_delta({}, "stop"))).paced(0.06))

    chunks = await stream_of(make(idle_timeout_s=0.5), make_request())

    assert deltas_of(chunks)[-1].finish_reason == "stop"


async def test_comments_are_no_first_token(make: Make, upstream: FakeUpstream) -> None:
    upstream.next(Reply.events(*[b": queued\n\n"] * 50).paced(0.06))

    chunks, error = await broken_stream(make(first_token_timeout_s=0.3), make_request())

    assert chunks == []
    assert type(error) is UpstreamTimeout


async def test_the_total_time_bounds_a_stream_that_goes_on_and_on(make: Make, upstream: FakeUpstream) -> None:
    upstream.next(Reply.text(*["x"] * 100).paced(0.05))

    chunks, error = await broken_stream(make(total_timeout_s=1), make_request())

    assert chunks
    assert type(error) is UpstreamTimeout


async def test_a_connection_that_is_not_taken_times_out(make: Make, full_server: str) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(UpstreamTimeout) as caught:
            await make(base_url=full_server, connect_timeout_s=0.3).chat(make_request())

    assert caught.value.__cause__ is not None


@pytest.fixture
def full_server() -> Iterator[str]:
    """A listening socket whose queue of waiting connections is full, so that further ones get no answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as waiting:
        for _ in range(3):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
