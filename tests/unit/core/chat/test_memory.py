"""The memory side of a chat: its budget of tokens and time, what it leaves out, and what it does when stores fail."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from loguru import logger

from memoryos_adapters.testing import ScriptedLlm, says
from memoryos_core.chat.conversations import TURN_KIND
from memoryos_core.chat.exchange import Answered
from memoryos_core.chat.memory import ChatMemory, ChatMemorySettings
from memoryos_core.memory.block import strip_blocks
from memoryos_core.memory.indexing import Indexer
from memoryos_ports.errors import Overloaded, StorageFull
from memoryos_ports.ids import AgentId
from tests.support.consolidation import consolidate, segments
from tests.support.makers import ANA, make_call, make_caller, make_event, make_fact, make_message, make_turn, said
from tests.support.memory_stack import MemoryStack, fast_directory, open_stack


@pytest.fixture
async def hasty() -> AsyncIterator[MemoryStack]:
    """A stack whose chats wait 10 ms for memory."""
    settings = ChatMemorySettings(recall_timeout_s=0.01, store_wait_s=0.01)
    with fast_directory() as directory:
        async with open_stack(directory, settings=settings) as opened:
            yield opened


async def test_recall_leaves_out_what_the_request_carries(stack: MemoryStack) -> None:
    await stack.ingest_text("my tea is green")
    await stack.ingest_text("my tea is from Japan")
    prepared = await stack.memory.prepare(
        make_caller(), (make_message("my  tea is green"), said("ok"), make_message("what tea is mine"))
    )
    assert "Japan" in prepared.block
    assert "green" not in prepared.block


async def test_at_most_twenty_pages_enter_a_prompt(stack: MemoryStack) -> None:
    turns = [make_turn(f"tea number {number}") for number in range(30)]
    await stack.handlers.apply(make_event("many", *turns))
    prepared = await stack.memory.prepare(make_caller(), (make_message("which tea"),))
    assert len(prepared.recalled) == 20


async def test_what_has_nothing_to_do_with_the_question_stays_out(stack: MemoryStack) -> None:
    await stack.ingest_text("my tea is green")
    prepared = await stack.memory.prepare(make_caller(), (make_message("quantum chromodynamics"),))
    assert (prepared.block, prepared.recalled, prepared.tokens) == ("", (), 0)


async def test_a_budget_smaller_than_the_frame_recalls_nothing() -> None:
    with fast_directory() as directory:
        async with open_stack(directory, settings=ChatMemorySettings(budget_tokens=10)) as stack:
            await stack.ingest_text("my tea is green")
            prepared = await stack.memory.prepare(make_caller(), (make_message("my tea"),))
    assert (prepared.block, prepared.tokens) == ("", 0)


async def test_turns_of_another_agent_stay_out(stack: MemoryStack) -> None:
    await stack.handlers.apply(make_event("e1", "my tea is green", agent_id="barista"))
    mine = await stack.memory.prepare(make_caller(agent="barista"), (make_message("what tea"),))
    other = await stack.memory.prepare(make_caller(agent="doctor"), (make_message("what tea"),))
    assert (len(mine.recalled), len(other.recalled)) == (1, 0)


async def test_facts_of_another_agent_stay_out_and_wishes_to_this_one_come_whatever_is_asked(
    stack: MemoryStack,
) -> None:
    facts = [
        make_fact("the user likes tea", source="f1"),
        make_fact("answer in French", source="f2", subject="agent", agent_id=AgentId("barista")),
        make_fact("tea is what the doctor asked about", source="f3", subject="agent", agent_id=AgentId("doctor")),
    ]
    await stack.storage.put(await Indexer(stack.embedder).entries(facts))
    recalled = {}
    for agent in ("barista", None):
        prepared = await stack.memory.prepare(make_caller(agent=agent), (make_message("what tea"),))
        recalled[agent] = set(prepared.recalled)
    assert recalled == {"barista": {"the user likes tea", "answer in French"}, None: {"the user likes tea"}}


async def test_a_page_that_enters_a_prompt_visits_its_segment(stack: MemoryStack) -> None:
    await stack.ingest_text("my tea is green")
    await consolidate(stack)
    for question in ("what tea", "which tea again", "quantum chromodynamics"):
        await stack.memory.prepare(make_caller(), (make_message(question),))
    await stack.consolidation.visits.flush()
    (segment,) = await segments(stack)
    assert segment.visits == 2


async def test_an_index_that_hangs_degrades_and_the_exchange_is_remembered(hasty: MemoryStack) -> None:
    hasty.faults.storage.hang("search")
    answer, report = await hasty.chat(ScriptedLlm([says("hello")])).complete(make_call("hi"))
    assert answer.choices[0].message.content == "hello"
    assert report.prepared.state == "degraded"
    hasty.faults.storage.mend()
    assert await hasty.turns() == [("user", "hi"), ("assistant", "hello")]


async def test_documents_that_hang_degrade_and_the_exchange_is_planned_later(hasty: MemoryStack) -> None:
    hasty.faults.documents.hang("get")
    caller, messages = make_caller(), (make_message("hi"),)
    prepared = await hasty.memory.prepare(caller, messages)
    hasty.faults.documents.mend()
    assert (prepared.state, prepared.is_planned, prepared.event_id(answer_remembered=True)) == ("degraded", False, None)
    await hasty.memory.remember(prepared, Answered(text="hello"))
    assert await hasty.turns() == [("user", "hi"), ("assistant", "hello")]


async def test_nothing_to_plan_later_is_nothing_to_store(hasty: MemoryStack) -> None:
    hasty.faults.documents.hang("get")
    prepared = await hasty.memory.prepare(make_caller(session="s1"), (make_message("rules", role="system"),))
    assert await hasty.memory.remember(prepared, Answered(text="hello"))
    assert await hasty.turns() == []


async def test_an_index_that_is_down_degrades_and_fresh_turns_are_still_recalled(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([says("noted"), says("green")]))
    await service.complete(make_call("my tea is green", session="s1"))
    stack.faults.storage.fail("*")
    _, report = await service.complete(make_call("what tea is mine", session="s2"))
    assert (report.prepared.state, report.stored) == ("degraded", True)
    assert report.prepared.recalled == ("user: my tea is green",)


async def test_everything_down_still_answers_and_counts_the_loss(stack: MemoryStack) -> None:
    for faults in (stack.faults.storage, stack.faults.short_term, stack.faults.documents, stack.faults.events):
        faults.fail("*")
    answer, report = await stack.chat(ScriptedLlm([says("hello")])).complete(make_call("hi"))
    assert answer.choices[0].message.content == "hello"
    assert (report.prepared.state, report.stored, report.event_id, stack.memory.lost) == ("degraded", False, None, 1)


@pytest.mark.parametrize("error", [Overloaded("event queue"), StorageFull("sqlite")])
async def test_a_chat_never_fails_for_a_memory_limit(error: Exception, stack: MemoryStack) -> None:
    stack.faults.events.fail("publish", error=error)
    stream = await stack.chat(ScriptedLlm([says("hello")])).stream(make_call("hi"))
    assert [batch async for batch in stream.batches()]
    assert (stream.stored, stack.memory.lost) == (False, 1)


async def test_a_log_that_hangs_is_not_waited_for(hasty: MemoryStack) -> None:
    hasty.faults.events.hang("publish")
    prepared = await hasty.memory.prepare(make_caller(), (make_message("hi"),))
    assert not await hasty.memory.remember(prepared, Answered(text="hello"))


async def test_a_durable_exchange_is_acknowledged_even_when_it_cannot_be_followed_up(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([says("hello"), says("fine")]))
    stack.faults.short_term.fail("append")
    stack.faults.documents.fail("update")
    _, report = await service.complete(make_call("hi"))
    assert (report.stored, stack.memory.lost) == (True, 0)
    stack.faults.short_term.mend()
    stack.faults.documents.mend()
    await stack.settle()
    await service.complete(make_call("hi", said("hello"), "how are you"))
    assert [text for _, text in await stack.turns()] == ["hi", "hello", "how are you", "fine"]


async def test_a_fault_of_our_own_fails_no_chat_and_is_logged_with_its_traceback(stack: MemoryStack) -> None:
    seen: list[str] = []
    sink = logger.add(seen.append, level="ERROR", diagnose=False)
    stack.faults.events.fail("publish", error=ZeroDivisionError())
    answer, report = await stack.chat(ScriptedLlm([says("hello")])).complete(make_call("hi"))
    logger.remove(sink)
    assert answer.choices[0].message.content == "hello"
    assert (report.stored, stack.memory.lost) == (False, 1)
    assert len(seen) == 1
    assert "ZeroDivisionError" in seen[0]


async def test_what_is_durable_is_acknowledged_however_long_the_rest_takes(hasty: MemoryStack) -> None:
    slow = hasty.faults.documents.hold("update")
    _, report = await hasty.chat(ScriptedLlm([says("hello")])).complete(make_call("hi"))
    assert report.stored
    slow.set()
    assert await hasty.turns() == [("user", "hi"), ("assistant", "hello")]


async def test_an_answer_that_is_regenerated_is_not_recalled_for_its_successor(stack: MemoryStack) -> None:
    llm = ScriptedLlm([says("oolong is my favourite tea"), says("green")])
    service = stack.chat(llm)
    await service.complete(make_call("which tea is your favourite"))
    await stack.settle()
    await service.complete(make_call("which tea is your favourite"))
    assert "oolong" not in str(llm.requests[1])


async def test_a_document_that_cannot_be_read_fails_no_chat(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([says("hello"), says("again")]))
    await service.complete(make_call("hi", session="s1"))
    for document in await stack.documents.list_documents(ANA, TURN_KIND, limit=9):
        await stack.documents.put(ANA, TURN_KIND, document.id, b"garbage")
    answer, report = await service.complete(make_call("hi", said("hello"), "hi again", session="s1"))
    assert (answer.choices[0].message.content, report.prepared.state) == ("again", "degraded")


async def test_a_store_that_is_slow_doubles_nothing(hasty: MemoryStack) -> None:
    """The next turn comes while the last exchange is still being stored: it waits to know what is new."""
    service = hasty.chat(ScriptedLlm([says("one"), says("two")]))
    slow = hasty.faults.events.hold("publish")
    _, first = await service.complete(make_call("hi"))
    _, second = await service.complete(make_call("hi", said("one"), "and?"))
    assert (first.stored, second.stored) == (False, False)
    slow.set()
    assert await hasty.turns() == [("user", "hi"), ("assistant", "one"), ("user", "and?"), ("assistant", "two")]


async def test_a_retry_under_the_same_key_after_a_hang_up_is_remembered_whole(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([says("Por", "to"), says("Porto is lovely")]))
    batches = (await service.stream(make_call("tell me", key="k1"))).batches()
    while "Por" not in str(await anext(batches)):
        pass
    await anext(batches)  # the piece before is passed on
    await batches.aclose()
    await stack.memory.drain()
    _, report = await service.complete(make_call("tell me", key="k1"))
    assert (report.event_id, report.stored) == ("k1", True)
    assert await stack.turns() == [("user", "tell me"), ("assistant", "Por"), ("assistant", "Porto is lovely")]
    superseded = {page.text: page.superseded for page in await stack.pages()}
    assert superseded == {"tell me": False, "Por": True, "Porto is lovely": False}


async def test_draining_gives_up_what_hangs(stack: MemoryStack) -> None:
    stack.faults.events.hang("publish")
    prepared = await stack.memory.prepare(make_caller(), (make_message("hi"),))
    stack.memory.remember_later(prepared, Answered(text="hello"))
    async with asyncio.timeout(5):
        await stack.faults.events.hung.wait()
        await stack.memory.drain(timeout_s=0.01)
        await stack.memory.drain()


async def test_switched_off_it_neither_reads_nor_writes(stack: MemoryStack) -> None:
    off = ChatMemory(
        recall=stack.recall, ingest=stack.ingest, conversations=stack.conversations, clock=stack.clock, enabled=False
    )
    prepared = await off.prepare(make_caller(), (make_message("hi"),))
    assert (prepared.state, prepared.reason, prepared.event_id(answer_remembered=True)) == ("off", "disabled", None)
    assert await off.remember(prepared, Answered(text="hello"))
    off.remember_later(prepared, Answered(text="hello"))
    await off.drain()
    assert await stack.turns() == []


async def test_defect_recalled_text_is_never_extracted_again(stack: MemoryStack) -> None:
    """A client that keeps what it was sent, and a model that repeats its prompt, bring the block back."""
    await stack.ingest_text("my tea is green")
    block = (await stack.memory.prepare(make_caller(), (make_message("what tea is mine"),))).block
    service = stack.chat(ScriptedLlm([says(f"You told me:\n{block}"), says("fine")]))
    await service.complete(make_call("what tea is mine"))
    await service.complete(make_call(f"what tea is mine\n{block}", said(f"You told me:\n{block}"), "and coffee?"))
    texts = [text for _, text in await stack.turns()]
    assert texts == ["my tea is green", "what tea is mine", "You told me:", "and coffee?", "fine"]
    assert [strip_blocks(text) for text in texts] == texts


async def test_defect_a_turn_with_one_empty_side_is_kept(stack: MemoryStack) -> None:
    service = stack.chat(ScriptedLlm([says(""), says("bye")]))
    await service.complete(make_call("remember the milk"))
    await service.complete(make_call("remember the milk", said(""), "goodbye"))
    assert [text for _, text in await stack.turns()] == ["remember the milk", "goodbye", "bye"]
