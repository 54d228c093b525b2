"""A chat under a client's key that is retried at another gateway, before the event of the first try arrived."""

import pytest

from memoryos_core.caller import Caller
from memoryos_core.chat.exchange import Answered, Prepared, exchange_event
from memoryos_core.chat.turn_plan import TurnPlan, plan_turn
from memoryos_ports.events import EventMessage, TurnsEvent
from memoryos_ports.ids import EventId
from memoryos_ports.llm import Message
from tests.support.makers import ANA, NOON, make_event, make_turn
from tests.support.memory_stack import MemoryStack

KEY = EventId("key-1")
ASKED = (Message(role="user", content="hello"),)
CALLER = Caller(tenant_id=ANA.tenant_id, scope=ANA)


async def plan_of(stack: MemoryStack, key: EventId | None = KEY) -> TurnPlan:
    """Return the plan of the request."""
    plan = await plan_turn(stack.conversations, ANA, CALLER, ASKED, idempotency_key=key)
    assert plan is not None
    return plan


async def first_try(stack: MemoryStack) -> TurnsEvent:
    """Return the event of the first try, recorded, but still on its way."""
    plan = await plan_of(stack)
    turns: list[EventMessage] = [make_turn("hello"), make_turn("first answer", role="assistant")]
    event = make_event(KEY, *turns, session_id=plan.session_id, chain=plan.chain, source="chat")
    await stack.conversations.record(event)
    return event


async def test_the_retry_adds_nothing_and_the_first_answer_stays(stack: MemoryStack) -> None:
    event = await first_try(stack)
    again = await plan_of(stack)
    prepared = Prepared(scope=ANA, caller=CALLER, state="ok", messages=ASKED, plan=again)
    assert again.is_stored
    assert exchange_event(prepared, again, Answered(text="second answer"), now=NOON) is None
    await stack.handlers.apply(event)
    assert [(page.role, page.text, page.superseded) for page in await stack.pages()] == [
        ("user", "hello", False),
        ("assistant", "first answer", False),
    ]


async def test_without_a_key_it_is_another_answer_to_the_same_turn(stack: MemoryStack) -> None:
    await first_try(stack)
    again = await plan_of(stack, key=None)
    assert (again.is_stored, again.new_turns) == (False, ())


@pytest.mark.parametrize("order", [1, -1])
async def test_of_two_answers_under_one_key_the_first_stays_whole(stack: MemoryStack, order: int) -> None:
    whole = make_event(KEY, make_turn("hello"), make_turn("first answer", role="assistant"), source="chat")
    other = make_event(KEY, make_turn("second answer", role="assistant"), source="chat")
    for event in (whole, other)[::order]:
        await stack.handlers.apply(event)
    texts = [page.text for page in await stack.pages()]
    assert texts == (["hello", "first answer"] if order == 1 else ["second answer"])
