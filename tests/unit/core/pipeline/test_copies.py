"""Turns that come in the event of their exchange and again as history of a later one: each is there once."""

import asyncio
from itertools import permutations

import pytest

from memoryos_core.assembly import Memory, assemble_memory
from memoryos_core.chat.chain import START, link
from memoryos_core.lifecycle.editing import Edit
from memoryos_ports.errors import UpstreamUnavailable
from memoryos_ports.events import ChainLink, EventMessage, TurnsEvent
from memoryos_ports.ids import SessionId
from tests.support.consolidation import consolidate, consolidating, facts, segments
from tests.support.makers import ANA, after, make_event, make_turn
from tests.support.memory_stack import MemoryStack, stores_of

PATIENCE_S = 10.0
ONE, TWO = link(START, "one"), link(link(START, "one"), "two")
THREE = link(TWO, "three")


def exchange(
    event_id: str, *turns: EventMessage | str, passed: tuple[str, ...] = (), hash_: str = ONE, at: float = 0
) -> TurnsEvent:
    """Return an exchange of the session; `passed` are the user turns that came along as history."""
    chain = ChainLink(hash=hash_, passed=passed)
    return make_event(event_id, *turns, at=after(at), session_id=SessionId("s1"), chain=chain, source="chat")


def said(text: str) -> EventMessage:
    """Return what the assistant said."""
    return make_turn(text, role="assistant")


FIRST = exchange("e1", "one", said("A one"))
SECOND = exchange("e2", "two", said("A two"), hash_=TWO, at=1)
WITH_HISTORY = exchange(
    "h2", "one", said("A one"), "two", said("A two"), passed=(ONE,), hash_=TWO, at=1
)  # the second as a gateway knows it that has not heard of the first
WITH_MORE_HISTORY = exchange(
    "h3", "one", said("A one"), "two", said("A two"), "three", said("A three"), passed=(ONE, TWO), hash_=THREE, at=2
)
ALL_TEXTS = ["A one", "A three", "A two", "one", "three", "two"]


async def texts(stack: MemoryStack) -> list[str]:
    """Return what the index holds, in the order of the alphabet."""
    return sorted(page.text for page in await stack.pages())


async def events_of(stack: MemoryStack) -> dict[str, str]:
    """Return the event of each page by its text."""
    return {page.text: page.event_id for page in await stack.pages()}


@pytest.fixture
def memory(stack: MemoryStack) -> Memory:
    """Return the whole of memory over the stores of the stack."""
    return assemble_memory(stores_of(stack))


@pytest.mark.parametrize("order", list(permutations((FIRST, WITH_HISTORY, WITH_MORE_HISTORY))))
@pytest.mark.parametrize("times", [1, 2])
async def test_every_turn_is_there_once_and_under_its_own_exchange(
    stack: MemoryStack, order: tuple[TurnsEvent, ...], times: int
) -> None:
    for event in order * times:
        await stack.handlers.apply(event)

    assert await texts(stack) == ALL_TEXTS
    assert await events_of(stack) == {
        "one": "e1", "A one": "e1", "two": "h2", "A two": "h2", "three": "h3", "A three": "h3"
    }  # fmt: skip
    assert await stack.short_term.unindexed(ANA, limit=9) == []
    assert len(await stack.short_term.recent(ANA, SessionId("s1"), limit=9)) == 6
    assert await stack.found("one") >= {"one", "A one"}


@pytest.mark.parametrize("held", [FIRST, WITH_HISTORY], ids=["its exchange", "its history"])
async def test_it_is_there_once_when_both_are_applied_at_once(stack: MemoryStack, held: TurnsEvent) -> None:
    """One is about to be stored while the other is applied from its beginning to its end."""
    other = WITH_HISTORY if held is FIRST else FIRST
    gate = stack.faults.storage.hold("insert")
    held_up = asyncio.create_task(stack.handlers.apply(held))
    async with asyncio.timeout(PATIENCE_S):
        await stack.faults.storage.hung.wait()
        stack.faults.storage.hold("insert").set()
        await stack.handlers.apply(other)
        gate.set()
        await held_up

    assert await texts(stack) == ["A one", "A two", "one", "two"]
    assert (await events_of(stack))["one"] == "e1"


async def test_copies_of_an_application_that_was_cut_short_go_when_it_is_made_again(stack: MemoryStack) -> None:
    """It stored them after their exchange had looked, and failed before it looked itself."""
    gate = stack.faults.storage.hold("insert")
    cut_short = asyncio.create_task(stack.handlers.apply(WITH_HISTORY))
    async with asyncio.timeout(PATIENCE_S):
        await stack.faults.storage.hung.wait()
        stack.faults.storage.hold("insert").set()
        await stack.handlers.apply(FIRST)
        stack.faults.documents.fail("get")
        gate.set()
        with pytest.raises(UpstreamUnavailable):
            await cut_short
    assert (await texts(stack)).count("one") == 2
    stack.faults.documents.mend()
    await stack.handlers.apply(WITH_HISTORY)

    assert await texts(stack) == ["A one", "A two", "one", "two"]


async def test_a_turn_that_only_history_tells_of_is_kept(stack: MemoryStack) -> None:
    await stack.handlers.apply(WITH_HISTORY)

    assert await texts(stack) == ["A one", "A two", "one", "two"]


async def test_another_answer_in_the_history_is_kept_beside_the_one_that_was_given(stack: MemoryStack) -> None:
    edited = exchange("h2", "one", said("A one, shortened"), "two", said("A two"), passed=(ONE,), hash_=TWO)
    for event in (edited, FIRST):
        await stack.handlers.apply(event)

    assert await texts(stack) == ["A one", "A one, shortened", "A two", "one", "two"]


async def test_a_turn_that_was_asked_in_two_exchanges_is_there_once_with_both_answers(stack: MemoryStack) -> None:
    """Retried at another gateway, an exchange of an outage has another name."""
    for event in (FIRST, exchange("away", "one", said("A one, again"), at=1), FIRST):
        await stack.handlers.apply(event)

    assert await texts(stack) == ["A one", "A one, again", "one"]


async def test_the_same_answer_given_again_is_another_answer(stack: MemoryStack) -> None:
    for event in (FIRST, exchange("again", said("A one"), at=1)):
        await stack.handlers.apply(event)

    assert await texts(stack) == ["A one", "A one", "one"]


async def test_a_lone_message_of_an_outage_is_never_taken_for_another(stack: MemoryStack) -> None:
    """A "yes" and another are two turns, where nobody knows which of its session it is."""
    yes = link(START, "yes")
    first = exchange("e1", "yes", said("Fine"), hash_=yes)
    lone = exchange("e2", "yes", said("Well"), passed=(yes,), hash_=link("a branch", "yes"), at=1)
    for event in (lone, first, lone):
        await stack.handlers.apply(event)

    assert await texts(stack) == ["Fine", "Well", "yes", "yes"]


async def test_history_that_holds_a_lone_message_of_an_outage_yields_to_it(stack: MemoryStack) -> None:
    lone = exchange("e1", "one", said("A one"), passed=(ONE,), hash_=link("a branch", "one"))
    for event in (WITH_HISTORY, lone):
        await stack.handlers.apply(event)

    assert await texts(stack) == ["A one", "A two", "one", "two"]


async def test_what_was_typed_without_a_session_has_no_copies(stack: MemoryStack) -> None:
    await stack.handlers.apply(FIRST)
    typed = make_event("e9", "one", chain=FIRST.chain)
    await stack.handlers.apply(typed)

    assert await texts(stack) == ["A one", "one", "one"]


async def test_more_user_turns_than_links_are_all_kept(stack: MemoryStack) -> None:
    await stack.handlers.apply(exchange("e1", "one", "two", "three", said("Fine")))

    assert await texts(stack) == ["Fine", "one", "three", "two"]


async def test_a_copy_that_somebody_edited_stands_for_the_turn(stack: MemoryStack, memory: Memory) -> None:
    await memory.admission.apply(WITH_HISTORY)
    await memory.lifecycle.editing.edit(ANA, WITH_HISTORY.memory_ids[0], Edit(text="one, in other words"))
    for event in (FIRST, WITH_HISTORY, FIRST):
        await memory.admission.apply(event)

    assert await texts(stack) == ["A one", "A two", "one, in other words", "two"]


async def test_a_copy_that_somebody_deleted_stays_deleted(stack: MemoryStack, memory: Memory) -> None:
    await memory.admission.apply(WITH_HISTORY)
    await memory.lifecycle.deletion.delete(ANA, WITH_HISTORY.memory_ids[1])
    for event in (FIRST, WITH_HISTORY):
        await memory.admission.apply(event)

    assert await texts(stack) == ["A two", "one", "two"]


@pytest.mark.parametrize("applied_before", [False, True])
async def test_a_turn_that_somebody_deleted_does_not_come_back_as_history(
    stack: MemoryStack, memory: Memory, applied_before: bool
) -> None:
    for event in (WITH_HISTORY, FIRST)[0 if applied_before else 1 :]:
        await memory.admission.apply(event)
    await memory.lifecycle.deletion.delete(ANA, FIRST.memory_ids[0])
    await memory.admission.apply(WITH_HISTORY)

    assert await texts(stack) == ["A one", "A two", "two"]


async def test_what_was_learnt_from_a_copy_is_learnt_from_the_turn_itself() -> None:
    told = "I live in Porto"
    hash_ = link(START, told)
    own = exchange("e1", told, hash_=hash_)
    later = exchange("h2", told, said("I see"), "two", passed=(hash_,), hash_=link(hash_, "two"), at=1)
    async with consolidating() as stack:
        for event in (later, own):
            await stack.handlers.apply(event)
            await consolidate(stack)

        assert [fact.sources for fact in await facts(stack)] == [own.memory_ids]
        pages = {page.id for page in await stack.pages()}
        assert {page for segment in await segments(stack) for page in segment.pages} == pages
