"""The scripted adapter that other tests use keeps the promises of the port, and does what its script says."""

import asyncio
import itertools
from contextlib import aclosing

import pytest

from memoryos_adapters.testing import ScriptedLlm, calls, cuts, fails, hangs, says
from memoryos_ports.errors import RateLimited, StreamCut, UpstreamUnavailable
from memoryos_ports.llm import LlmAdapter, ToolCall
from tests.contract.llm.faults import broken_stream
from tests.contract.llm.requests import deltas_of, make_request, stream_of, text_of
from tests.contract.llm.suite import LlmContract


class TestScriptedLlm(LlmContract):
    """`ScriptedLlm` with a script that never ends."""

    @pytest.fixture
    def llm(self) -> LlmAdapter:
        """Always the same answer."""
        return ScriptedLlm(itertools.repeat(says("Hel", "lo", "!")))


async def test_turns_are_taken_in_order_and_requests_are_kept() -> None:
    llm = ScriptedLlm([says("one"), says("two")])
    first, second = make_request("1"), make_request("2")

    assert (await llm.chat(first)).choices[0].message.content == "one"
    assert text_of(await stream_of(llm, second)) == "two"
    assert llm.requests == [first, second]


async def test_a_request_beyond_the_script_is_a_defect_of_the_test() -> None:
    with pytest.raises(AssertionError, match="beyond the script"):
        await ScriptedLlm([]).chat(make_request())


async def test_tool_calls_are_asked_for() -> None:
    call = ToolCall(id="call_1", name="weather", arguments='{"city":"Rome"}')
    llm = ScriptedLlm([calls(call), calls(call)])

    answer = await llm.chat(make_request())
    (piece,) = [tool for delta in deltas_of(await stream_of(llm, make_request())) for tool in delta.tool_calls]

    assert answer.choices[0].message.tool_calls == (call,)
    assert answer.choices[0].message.content is None
    assert (piece.index, piece.id, piece.name, piece.arguments) == (0, call.id, call.name, call.arguments)


async def test_a_failure_is_raised_before_anything_is_answered() -> None:
    error = RateLimited(upstream="scripted", retry_after_s=3)
    llm = ScriptedLlm([fails(error), fails(error)])

    with pytest.raises(RateLimited):
        await llm.chat(make_request())
    assert await broken_stream(llm, make_request()) == ([], error)


async def test_a_cut_comes_after_so_many_chunks() -> None:
    llm = ScriptedLlm([cuts("a", "b", "c", after=3), cuts("a", after=99), cuts("a", after=1)])

    chunks, error = await broken_stream(llm, make_request())
    assert text_of(chunks) == "ab"
    assert isinstance(error, StreamCut)
    assert isinstance((await broken_stream(llm, make_request()))[1], StreamCut)
    with pytest.raises(UpstreamUnavailable):
        await llm.chat(make_request())


async def test_a_call_that_hangs_ends_when_it_is_closed_or_cancelled() -> None:
    llm = ScriptedLlm([hangs("a", after=2), hangs()])

    async with asyncio.timeout(5):
        async with aclosing(llm.chat_stream(make_request())) as stream:
            assert text_of(await anext(stream) + await anext(stream)) == "a"
            assert llm.open_calls == 1
        task = asyncio.create_task(llm.chat(make_request()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    assert llm.open_calls == 0
