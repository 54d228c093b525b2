"""The chat service: routes, modes, streams that end early, tool loops, and memory that never fails a chat."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import pytest
from loguru import logger

from memoryos_adapters.llm.noop import NoopLlm
from memoryos_adapters.testing import ScriptedLlm, ScriptedTurn, cuts, fails, hangs, says
from memoryos_core.caller import MemoryMode
from memoryos_core.chat.service import ChatService
from memoryos_core.chat.stream import ChatStream
from memoryos_core.routing.plan import Provider
from memoryos_core.routing.router import ModelRouter
from memoryos_ports.errors import (
    ModelNotFound,
    StreamCut,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from memoryos_ports.llm import ChatAnswer, ChatChunk, ChatRequest
from tests.support.makers import make_call
from tests.support.memory_stack import MemoryStack


async def test_without_memory_it_is_a_plain_router_of_chats() -> None:
    llm = ScriptedLlm([says("hello"), says("again")])
    service = ChatService(router=ModelRouter([Provider(adapter=llm)]))
    answer, report = await service.complete(make_call("hi"))
    stream = await service.stream(make_call("hi"))
    assert answer.choices[0].message.content == "hello"
    assert await read(stream) == "again"
    assert (report.prepared.state, report.prepared.reason, report.event_id) == ("off", "disabled", None)
    assert (stream.stored, str(report.route)) == (True, "default/scripted/m")


async def test_the_recalled_block_reaches_the_model_and_nothing_else_changes(stack: MemoryStack) -> None:
    llm = ScriptedLlm([says("noted"), says("green tea")])
    service = stack.chat(llm)
    await service.complete(make_call("I like green tea", session="s1"))
    _, report = await service.complete(make_call("which tea do I like", session="s2"))
    sent = llm.requests[1].messages[0].content
    assert isinstance(sent, tuple)
    assert sent[0].text == "which tea do I like"
    assert "I like green tea" in (sent[1].text or "")
    assert report.prepared.recalled[0] == "user: I like green tea"
    assert 0 < report.prepared.tokens <= 2000


async def test_an_unknown_model_is_told_before_anything_else(stack: MemoryStack) -> None:
    service = ChatService(router=ModelRouter([Provider(adapter=ScriptedLlm([]), models=("a",))]), memory=stack.memory)
    for ask in (service.complete, service.stream):
        with pytest.raises(ModelNotFound):
            await ask(make_call("hi", model="b"))
    assert await stack.turns() == []


@pytest.mark.parametrize("turn", [fails(UpstreamUnavailable(upstream="scripted")), cuts(after=0)])
async def test_what_fails_before_its_first_chunk_is_not_remembered(turn: ScriptedTurn, stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([turn, turn]))
    with pytest.raises(UpstreamUnavailable):
        await service.complete(make_call("hi"))
    with pytest.raises((UpstreamUnavailable, StreamCut)):
        await service.stream(make_call("hi"))
    assert await stack.turns() == []


class _EmptyStream:
    name = "empty"

    async def reach(self) -> None:
        """There is nothing to reach."""

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        raise UpstreamUnavailable(upstream=self.name)

    async def chat_stream(self, request: ChatRequest) -> AsyncGenerator[list[ChatChunk], None]:
        nothing: tuple[list[ChatChunk], ...] = ()
        for chunks in nothing:
            yield chunks


async def test_an_empty_stream_is_no_answer(stack: MemoryStack) -> None:
    with pytest.raises(UpstreamUnavailable):
        await stack.chat(_EmptyStream()).stream(make_call("hi"))


async def test_a_stream_is_durable_when_it_has_ended(stack: MemoryStack) -> None:
    stream = await stack.chat(ScriptedLlm([says("hel", "lo")])).stream(make_call("hi"))
    assert await read(stream) == "hello"
    (event,) = await stack.take()
    assert (stream.stored, stream.report.event_id) == (True, event.event_id)
    assert [(m.role, m.content) for m in event.messages] == [("user", "hi"), ("assistant", "hello")]


async def test_a_hang_up_amid_a_stream_stores_what_was_sent(stack: MemoryStack) -> None:
    llm = ScriptedLlm([says("one ", "two ", "three"), says("whole")])
    service = stack.chat(llm)
    stream = await service.stream(make_call("count"))
    async with aclosing(stream.batches()) as batches:
        for _ in range(3):  # the role with "one ", then "two ", then "three", which is on its way
            await anext(batches)
    (event,) = await stack.take()
    assert [(m.role, m.content) for m in event.messages] == [("user", "count"), ("assistant", "one two")]
    assert event.partial
    assert llm.open_calls == 0
    await service.complete(make_call("count"))
    (again,) = await stack.take()
    assert again.supersedes == (event.memory_ids[1],), "a partial exchange counts, and its answer is superseded"


async def test_a_cancelled_stream_stores_what_was_sent(stack: MemoryStack) -> None:
    llm = ScriptedLlm([hangs("one ", "two ", after=3)])
    stream = await stack.chat(llm).stream(make_call("count"))
    reading = asyncio.create_task(read(stream))
    await cancel_when(reading, lambda: bool(stream._text) and stream._text[-1] == "two ")
    (event,) = await stack.take()
    assert ([m.content for m in event.messages], event.partial) == (["count", "one two"], True)
    assert llm.open_calls == 0


async def test_only_the_page_of_a_cut_answer_is_partial(stack: MemoryStack) -> None:
    stream = await stack.chat(ScriptedLlm([cuts("one", "two", after=2)])).stream(make_call("count"))
    with pytest.raises(StreamCut):
        await read(stream)
    await stack.settle()
    assert [(page.text, page.partial) for page in await stack.pages()] == [("count", False), ("one", True)]


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_hang_up_before_the_first_token_stores_the_user_turn(streamed: bool, stack: MemoryStack) -> None:
    llm = ScriptedLlm([hangs()])
    service = stack.chat(llm)
    asking = asyncio.create_task(ask(service, streamed))
    await cancel_when(asking, lambda: llm.open_calls == 1)
    (event,) = await stack.take()
    assert ([m.content for m in event.messages], event.partial) == (["hi"], True)


async def test_a_hang_up_while_memory_is_asked_stores_the_user_turn(stack: MemoryStack) -> None:
    stack.faults.storage.hang("search")
    asking = asyncio.create_task(stack.chat(ScriptedLlm([])).complete(make_call("hi")))
    await cancel_when(asking, stack.faults.storage.hung.is_set)
    (event,) = await stack.take()
    assert ([m.content for m in event.messages], event.partial) == (["hi"], True)


@pytest.mark.parametrize("streamed", [True, False])
async def test_offline_answers_are_not_remembered_but_the_users_words_are(streamed: bool, stack: MemoryStack) -> None:
    service = stack.chat(NoopLlm(), offline=True)
    for _ in range(2):
        await ask(service, streamed)
    first = await stack.take()
    assert [[m.content for m in event.messages] for event in first] == [["hi"]]
    await stack.chat(ScriptedLlm([says("hello")])).complete(make_call("hi"))
    (second,) = await stack.take()
    assert second.event_id != first[0].event_id, "an offline exchange counts"
    assert [m.content for m in second.messages] == ["hello"]


async def test_the_second_offline_answer_names_the_event_of_the_users_words(stack: MemoryStack) -> None:
    service = stack.chat(NoopLlm(), offline=True)
    reports = [(await service.complete(make_call("hi")))[1] for _ in range(2)]
    (event,) = await stack.take()
    assert [report.event_id for report in reports] == [event.event_id] * 2


async def test_the_fallback_answers_from_what_was_recalled(stack: MemoryStack) -> None:
    service = stack.chat(NoopLlm(), offline=True)
    await service.complete(make_call("my tea is green", session="s1"))
    answer, _ = await service.complete(make_call("what tea is mine", session="s2"))
    assert "> user: my tea is green" in (answer.choices[0].message.content or "")


MODES: dict[MemoryMode, tuple[bool, bool, str]] = {
    "full": (True, True, "ok"),
    "read": (True, False, "ok"),
    "write": (False, True, "ok"),
    "off": (False, False, "off"),
}


@pytest.mark.parametrize("mode", MODES)
async def test_modes_say_whether_memory_is_read_and_written(mode: MemoryMode, stack: MemoryStack) -> None:
    reads, writes, state = MODES[mode]
    llm = ScriptedLlm([says("noted"), says("fine"), says("fine")])
    service = stack.chat(llm)
    await service.complete(make_call("my tea is green", session="s1"))
    await stack.settle()
    _, report = await service.complete(make_call("what tea is mine", session="s2", mode=mode))
    assert bool(report.prepared.block) is reads
    assert (report.event_id is not None) is writes
    assert report.prepared.state == state
    assert bool(await stack.take()) is writes
    stream = await service.stream(make_call("what tea is mine", session="s3", mode=mode))
    await read(stream)
    assert bool(await stack.take()) is writes


async def test_without_a_user_chat_goes_on_without_memory(stack: MemoryStack) -> None:
    _, report = await stack.chat(ScriptedLlm([says("hello")])).complete(make_call("hi", scope=None))
    assert (report.prepared.state, report.prepared.reason, report.event_id) == ("off", "no_user", None)


async def ask(service: ChatService, streamed: bool) -> str:
    """Ask for an answer to "hi" and return its text."""
    if streamed:
        return await read(await service.stream(make_call("hi")))
    answer, _ = await service.complete(make_call("hi"))
    return answer.choices[0].message.content or ""


async def read(stream: ChatStream) -> str:
    """Return the text of a stream, read to its end."""
    async with asyncio.timeout(5), aclosing(stream.batches()) as batches:
        return "".join([delta.content or "" async for batch in batches for chunk in batch for delta in chunk.deltas])


async def cancel_when(task: asyncio.Task[object], is_time: Callable[[], bool]) -> None:
    """Cancel a task as soon as a condition holds, and see it end."""
    async with asyncio.timeout(5):
        while not is_time():  # noqa: ASYNC110 - what is waited for belongs to a model, which tells nobody
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    ("error", "lines"),
    [(UpstreamTimeout(upstream="scripted"), 1), (UpstreamRejected(upstream="scripted", status=400, message="no"), 0)],
)
async def test_a_failing_provider_is_named_in_the_log(error: UpstreamError, lines: int, stack: MemoryStack) -> None:
    seen: list[dict[str, object]] = []
    sink = logger.add(lambda message: seen.append(dict(message.record["extra"])), level="WARNING")
    with pytest.raises(type(error)):
        await stack.chat(ScriptedLlm([fails(error)])).complete(make_call("hi"))
    logger.remove(sink)
    assert [entry["route"] for entry in seen] == ["default/scripted/m"] * lines
