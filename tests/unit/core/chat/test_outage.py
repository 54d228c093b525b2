"""Chats while every store but the event log is away: remembered, and the conversation goes on afterwards as if not."""

import msgspec
import pytest

from memoryos_adapters.testing import ScriptedLlm, calls, says
from memoryos_core.chat.memory import ChatMemory
from memoryos_core.chat.service import ChatService
from memoryos_core.chat.stream import ChatReport
from memoryos_core.chat.unrecorded import Unrecorded
from memoryos_core.lifecycle.refusals import Refusals
from memoryos_ports.errors import UpstreamUnavailable
from memoryos_ports.events import ChainLink
from memoryos_ports.ids import SessionId
from memoryos_ports.llm import Message, ToolCall
from tests.support.makers import (
    ANA,
    BOB,
    make_call,
    make_caller,
    make_event,
    make_message,
    said,
    tool_request,
    tool_result,
)
from tests.support.memory_stack import PATIENT, MemoryStack

LOOK = ToolCall(id="call_1", name="look", arguments="{}")


@pytest.fixture
def chat(stack: MemoryStack) -> ChatService:
    """A chat whose model answers A1, A2 and so on."""
    return stack.chat(ScriptedLlm(says(f"A{number}") for number in range(1, 20)))


def outage(stack: MemoryStack) -> None:
    """Take every store away but the event log, which has an outbox."""
    for faults in (stack.faults.documents, stack.faults.short_term, stack.faults.storage, stack.faults.due):
        faults.fail("*")


def over(stack: MemoryStack) -> None:
    """Bring them back."""
    for faults in (stack.faults.documents, stack.faults.short_term, stack.faults.storage, stack.faults.due):
        faults.mend()


async def ask(
    chat: ChatService, *messages: str | Message, session: str | None = None, key: str | None = None
) -> ChatReport:
    """Say something, with all that was said before as far as the client sends it."""
    _, report = await chat.complete(make_call(*messages, session=session, key=key))
    assert report.stored
    return report


def history(turns: int) -> list[str | Message]:
    """Return the first turns of a conversation U1 A1 U2 A2 ..., the last one not answered yet."""
    words: list[str | Message] = []
    for number in range(1, turns):
        words += [f"U{number}", said(f"A{number}")]
    return [*words, f"U{turns}"]


async def texts(stack: MemoryStack) -> list[str]:
    return [text for _, text in await stack.turns()]


def talk(turns: int) -> list[str]:
    return [text for number in range(1, turns + 1) for text in (f"U{number}", f"A{number}")]


@pytest.mark.parametrize("session", [None, "s1"])
@pytest.mark.parametrize("applied", [True, False], ids=["applied before it goes on", "applied at the end"])
@pytest.mark.parametrize("away", [(2, 2), (1, 1), (1, 3), (2, 4), (4, 4)], ids=str)
async def test_an_outage_amid_a_conversation_doubles_no_turn_and_leaves_none_out(
    away: tuple[int, int], applied: bool, session: str | None, stack: MemoryStack, chat: ChatService
) -> None:
    for turn in range(1, 5):
        if turn == away[0]:
            outage(stack)
        report = await ask(chat, *history(turn), session=session)
        assert report.prepared.state == ("degraded" if away[0] <= turn <= away[1] else "ok")
        assert report.event_id is not None
        if turn == away[1]:
            over(stack)
            if applied:
                await stack.settle()
    assert await texts(stack) == talk(4)
    assert len({page.session_id for page in await stack.pages()}) == 1
    assert stack.memory.lost == 0


async def test_what_is_acknowledged_in_an_outage_is_there_under_its_event_id(
    stack: MemoryStack, chat: ChatService
) -> None:
    outage(stack)
    reports = [await ask(chat, *history(1), session="s1"), await ask(chat, *history(2))]
    over(stack)
    await stack.settle()
    assert [page.event_id for page in await stack.pages()] == [r.event_id for r in reports for _ in range(2)]


async def test_a_client_without_history_is_remembered_turn_by_turn(stack: MemoryStack, chat: ChatService) -> None:
    """ "yes" is said four times, and before, in and after an outage it is a new turn each time."""
    for phase in (over, outage, over, outage, over):
        phase(stack)
        for _ in range(2):
            await ask(chat, "yes", session="s1")
    assert await texts(stack) == [text for number in range(1, 11) for text in ("yes", f"A{number}")]


async def test_several_turns_since_the_last_answer_are_all_remembered(stack: MemoryStack, chat: ChatService) -> None:
    await ask(chat, "U1")
    outage(stack)
    await ask(chat, "U1", said("A1"), "one", "two")
    over(stack)
    await ask(chat, "U1", said("A1"), "one", "two", said("A2"), "three")
    assert await texts(stack) == ["U1", "A1", "one", "two", "A2", "three", "A3"]


async def test_the_same_request_again_in_an_outage_tells_the_user_turn_once(
    stack: MemoryStack, chat: ChatService
) -> None:
    await ask(chat, "U1")
    outage(stack)
    for _ in range(2):
        await ask(chat, *history(2))
    over(stack)
    await ask(chat, *history(2))
    assert await texts(stack) == ["U1", "A1", "U2", "A2", "A3", "A4"]
    assert {page.text: page.superseded for page in await stack.pages()}["A3"]


async def test_the_same_request_again_at_another_gateway_has_the_same_event_id(
    stack: MemoryStack, chat: ChatService
) -> None:
    outage(stack)
    first = await ask(chat, *history(2))
    again = await ask(other_gateway(stack).chat(ScriptedLlm([says("other")])), *history(2))
    assert again.event_id == first.event_id
    over(stack)
    assert await texts(stack) == ["U2", "A1"]


async def test_the_same_key_again_in_and_after_an_outage_is_stored_once(stack: MemoryStack, chat: ChatService) -> None:
    outage(stack)
    for _ in range(2):
        assert (await ask(chat, "U1", key="k1")).event_id == "k1"
    over(stack)
    await stack.settle()
    await ask(chat, "U1", key="k1")
    assert await texts(stack) == ["U1", "A1"]


async def test_a_tool_loop_in_an_outage_tells_the_user_turn_once(stack: MemoryStack) -> None:
    chat = stack.chat(ScriptedLlm([calls(LOOK), says("sunny"), says("fine")]))
    outage(stack)
    await ask(chat, "weather?")
    await ask(chat, "weather?", tool_request(), tool_result())
    over(stack)
    await ask(chat, "weather?", tool_request(), tool_result(), said("sunny"), "good")
    assert await texts(stack) == ["weather?", "sunny", "good", "fine"]


async def test_a_tool_loop_that_runs_into_an_outage_tells_the_user_turn_once(stack: MemoryStack) -> None:
    chat = stack.chat(ScriptedLlm([calls(LOOK), says("sunny")]))
    await ask(chat, "weather?")
    outage(stack)
    await ask(chat, "weather?", tool_request(), tool_result())
    over(stack)
    assert await texts(stack) == ["weather?", "sunny"]


async def test_a_store_that_is_back_before_the_answer_tells_what_is_new(stack: MemoryStack, chat: ChatService) -> None:
    """The regenerated answer of a known turn: planned in an outage, stored after it."""
    await ask(chat, "U1")
    llm = ScriptedLlm([says("A2")])
    stack.faults.documents.fail("get", times=1)
    report = await ask(stack.chat(llm), "U1")
    assert report.prepared.state == "degraded"
    await stack.settle()
    assert await texts(stack) == ["U1", "A1", "A2"]
    assert (await stack.pages())[-1].event_id == report.event_id


async def test_what_could_not_be_written_down_is_before_the_next_turn(stack: MemoryStack, chat: ChatService) -> None:
    """The document store goes away between the plan of an exchange and its end; nothing is applied meanwhile."""
    stack.faults.documents.fail("update")
    await ask(chat, "U1")
    over(stack)
    await ask(chat, *history(2))
    assert await texts(stack) == talk(2)


async def test_who_was_erased_since_the_outage_is_not_written_down(stack: MemoryStack) -> None:
    refusals = Refusals(stack.documents)
    gateway = other_gateway(stack, refusals)
    outage(stack)
    await ask(gateway.chat(ScriptedLlm([says("A1")])), "U1", session="s1")
    over(stack)
    await refusals.note_erasure(ANA, stack.clock.now())
    await gateway.memory.prepare(make_caller(session="s2"), (make_message("U2"),))
    assert await stack.conversations.head(ANA, SessionId("s1")) == ""


async def test_only_so_many_exchanges_are_kept_in_mind(stack: MemoryStack) -> None:
    unrecorded = Unrecorded(max_exchanges=2)
    for number, scope in enumerate((ANA, ANA, BOB)):
        event = make_event(f"e{number}", "tea?", scope=scope, session_id="s1", chain=ChainLink(hash=f"h{number}"))
        await unrecorded.note(event)
        await unrecorded.note(event)
    for scope in (ANA, BOB):
        await unrecorded.catch_up(scope, stack.conversations)
    heads = [await stack.conversations.head(scope, SessionId("s1")) for scope in (ANA, BOB)]
    assert heads == ["", "h2"]


async def test_what_was_written_down_is_no_longer_kept(stack: MemoryStack) -> None:
    unrecorded = Unrecorded()
    await unrecorded.note(make_event("e1", "tea?", session_id="s1", chain=ChainLink(hash="h1")))
    assert await unrecorded.chains.head(ANA, SessionId("s1")) == "h1"
    stack.faults.documents.fail("update")
    with pytest.raises(UpstreamUnavailable):
        await unrecorded.catch_up(ANA, stack.conversations)
    assert await unrecorded.chains.head(ANA, SessionId("s1")) == "h1"
    over(stack)
    await unrecorded.catch_up(ANA, stack.conversations)
    assert await unrecorded.chains.head(ANA, SessionId("s1")) == ""
    assert await stack.conversations.head(ANA, SessionId("s1")) == "h1"


def other_gateway(stack: MemoryStack, refusals: Refusals | None = None) -> MemoryStack:
    """Return a stack whose chats know nothing of what the first one keeps in mind."""
    memory = ChatMemory(
        recall=stack.recall,
        ingest=stack.ingest,
        conversations=stack.conversations,
        clock=stack.clock,
        settings=PATIENT,
        refusals=refusals,
    )
    return msgspec.structs.replace(stack, memory=memory)
